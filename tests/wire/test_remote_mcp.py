"""MCP servers that the provider runs, the whole way over a socket."""

import asyncio

import pytest

from custom_components.rtvoice.engine import (
    AgentErrorEvent,
    ApprovalRequest,
    AssistantInterruptedEvent,
    EndReason,
    OpenAIProvider,
    RemoteMCPServer,
    ToolDefinition,
    ToolExecutedEvent,
    ToolExecutionStartedEvent,
    Tools,
)
from simulator import Behaviour, Call, Plan, RemoteCall, Say, ScriptedBrain, Turn

URL = "https://example.org/mcp"
SEARCH = RemoteCall("search", "docs", {"q": "lamps"}, output="Three lamps", seconds=0.3)
FOUND = Plan((Say("I found three lamps."),))


class Desk:
    """Somebody who is asked, and answers when told to."""

    def __init__(self, answer: bool = True, delay_s: float = 0.0) -> None:
        self.answer = answer
        self.delay_s = delay_s
        self.asked: list[ApprovalRequest] = []

    async def __call__(self, request: ApprovalRequest) -> bool:
        self.asked.append(request)
        await asyncio.sleep(self.delay_s)
        return self.answer


@pytest.fixture
def talk(house):
    """Make a house whose provider runs MCP servers: `async with talk(*plans, server=…) as h`."""

    def make(*plans: Plan, listed=("search", "delete"), server=None, **settings):
        return house(
            ScriptedBrain(Turn("which lamps are there", plans)),
            behaviour=Behaviour(mcp_tools={"docs": listed} if listed else {}),
            make_provider=OpenAIProvider,
            mcp_servers=[server or RemoteMCPServer("docs", URL, approval="never", authorization="token-123")],
            **settings,
        )

    return make


async def answered(h, turns: int = 2) -> None:
    await h.until(lambda: len(h.agent.turns) == turns and h.agent.state == "listening" and h.speaker.played_samples)


async def test_a_call_of_the_provider_is_heard_in_the_answer(talk) -> None:
    async with talk(Plan((SEARCH,)), FOUND) as h:
        await h.start()
        await h.until(lambda: h.server("mcp_list_tools.completed"))
        h.microphone.speak()
        await answered(h)
        result = await h.stop()
        assert [turn.transcript for turn in result.turns] == ["which lamps are there", "I found three lamps."]
        (started,), (executed,) = h.of(ToolExecutionStartedEvent), h.of(ToolExecutedEvent)
        assert (started.name, started.call_id) == ("docs_search", executed.call_id)
        assert (executed.ok, executed.output) == (True, "Three lamps")
        assert executed.duration_s == pytest.approx(0.3, abs=0.2)
        assert len(h.client("response.create")) == 1
        assert not h.client("conversation.item.create")
        (update,) = h.client("session.update")
        (tool,) = update["session"]["tools"]
        assert (tool["server_label"], tool["server_url"]) == ("docs", URL)


async def test_a_call_that_fails_is_spoken_about_as_well(talk) -> None:
    broken = RemoteCall("search", "docs", error="No such page")
    async with talk(Plan((broken,)), Plan((Say("I could not find it."),))) as h:
        await h.start()
        h.microphone.speak()
        await answered(h)
        await h.stop()
        (executed,) = h.of(ToolExecutedEvent)
        assert not executed.ok
        assert "No such page" in executed.output


async def test_several_calls_and_one_of_ours_are_spoken_about(talk) -> None:
    tools = Tools()

    @tools.action("Turn a lamp on")
    async def turn_on(name: str) -> str:
        await asyncio.sleep(0.6)
        return f"{name} is on"

    plan = Plan((SEARCH, RemoteCall("search", "docs", output="Two chairs"), Call("turn_on", {"name": "hall"})))
    async with talk(plan, FOUND, tools=tools) as h:
        await h.start()
        h.microphone.speak()
        await answered(h)
        await h.stop()
        assert sorted(event.name for event in h.of(ToolExecutedEvent)) == ["docs_search", "docs_search", "turn_on"]
        assert len(h.client("response.create")) == 1


async def test_other_tools_leave_the_server_in_place(talk) -> None:
    async with talk(Plan((SEARCH,)), FOUND) as h:
        await h.start()
        tools = Tools()
        tools.register(ToolDefinition("turn_on", "Turn something on"), _nothing)
        await h.agent.update_tools(tools)
        await h.until(lambda: len(h.client("session.update")) == 2)
        assert [tool["type"] for tool in h.client("session.update")[1]["session"]["tools"]] == ["function", "mcp"]
        await h.until(lambda: len(h.server("mcp_list_tools.completed")) == 2)
        await h.stop()


async def test_a_listing_that_fails_is_told_and_survived(talk) -> None:
    async with talk(Plan((Say("I do not know."),)), listed=None) as h:
        await h.start()
        await h.until(lambda: h.of(AgentErrorEvent))
        assert h.of(AgentErrorEvent)[0].error.type == "mcp_listing_failed"
        assert "'docs'" in h.of(AgentErrorEvent)[0].error.message
        h.microphone.speak()
        await answered(h)
        assert (await h.stop()).end_reason is EndReason.STOPPED


# --- approval ---------------------------------------------------------------------------------------------------------


async def test_a_call_that_the_user_allows(talk) -> None:
    desk = Desk(delay_s=0.2)
    server = RemoteMCPServer("Docs", URL, on_approval=desk)
    search = RemoteCall("search", "Docs", {"q": "lamps"}, output="Three lamps")
    async with talk(Plan((search,)), FOUND, server=server) as h:
        await h.start()
        h.microphone.speak()
        await answered(h)
        await h.stop()
        (request,) = desk.asked
        assert (request.server, request.tool, request.arguments) == ("Docs", "search", '{"q": "lamps"}')
        (sent,) = h.client("conversation.item.create")
        assert (sent["item"]["type"], sent["item"]["approve"]) == ("mcp_approval_response", True)
        assert [(event.name, event.ok) for event in h.of(ToolExecutedEvent)] == [("Docs_search", True)]
        assert len(h.client("response.create")) == 1


@pytest.mark.parametrize(
    "server", [RemoteMCPServer("docs", URL), RemoteMCPServer("docs", URL, on_approval=Desk(False))]
)
async def test_a_call_that_nobody_allows_is_not_made(talk, server) -> None:
    async with talk(Plan((SEARCH,)), Plan((Say("I may not do that."),)), server=server) as h:
        await h.start()
        h.microphone.speak()
        await answered(h)
        await h.stop()
        (sent,) = h.client("conversation.item.create")
        assert (sent["item"]["approve"], bool(sent["item"]["reason"])) == (False, True)
        assert not h.server("response.mcp_call.in_progress")
        assert [(event.name, event.ok) for event in h.of(ToolExecutedEvent)] == [("docs_search", False)]


async def test_speech_during_the_decision_leaves_it_open(talk) -> None:
    desk = Desk(delay_s=1.5)
    server = RemoteMCPServer("docs", URL, on_approval=desk)
    async with talk(Plan((SEARCH,)), Plan((Say("Hm?", seconds=0.2),)), FOUND, server=server) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: desk.asked)
        h.microphone.speak()
        await h.until(lambda: h.of(ToolExecutedEvent))
        await answered(h, 4)
        await h.stop()
        answers = [event["item"]["approve"] for event in h.client("conversation.item.create")]
        assert answers == [True]


async def test_what_an_interrupted_response_asks_for_is_refused(talk) -> None:
    desk = Desk(delay_s=5)
    server = RemoteMCPServer("docs", URL, on_approval=desk)
    story = Say("Let me look for lamps, which may take a while, as there are very many of them.", seconds=6)
    async with talk(Plan((SEARCH, story)), Plan((Say("Yes?", seconds=0.2),)), server=server) as h:
        h.simulator.behaviour.speed = 1
        await h.start()
        h.microphone.speak()
        await h.until(lambda: desk.asked and h.speaker.played_samples > 12_000)
        h.microphone.speak()
        await h.until(lambda: h.of(AssistantInterruptedEvent))
        await h.until(lambda: h.client("conversation.item.create"))
        (sent,) = h.client("conversation.item.create")
        assert not sent["item"]["approve"]
        await h.until(lambda: len(h.server("response.done")) == 2)
        await h.stop()
        assert not h.server("response.mcp_call.in_progress")


async def test_a_link_that_breaks_during_the_decision(talk) -> None:
    desk = Desk(delay_s=1)
    server = RemoteMCPServer("docs", URL, on_approval=desk)
    async with talk(Plan((SEARCH,)), Plan((Say("It was interrupted."),)), sane=False, server=server) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: desk.asked)
        h.simulator.connections[0].cut()
        await h.until(lambda: len(h.simulator.connections) == 2)
        await answered(h)
        await asyncio.sleep(1.2)
        await h.stop()
        second = h.simulator.connections[1]
        created = [
            event["item"]["type"] for event in second.client_events if event["type"] == "conversation.item.create"
        ]
        assert created == ["message", "function_call", "function_call_output"]
        listed = [event for event in second.server_events if event["type"] == "mcp_list_tools.completed"]
        assert len(listed) == 1
        sent = [event["item"]["type"] for event in h.client("conversation.item.create")]
        assert "mcp_approval_response" not in sent


async def test_a_link_that_breaks_during_a_call(talk) -> None:
    slow = RemoteCall("search", "docs", seconds=30)
    async with talk(Plan((slow,)), Plan((Say("I lost it."),)), sane=False) as h:
        await h.start()
        h.microphone.speak()
        await h.until(lambda: h.of(ToolExecutionStartedEvent))
        h.simulator.connections[0].close(1011, "gone")
        await answered(h)
        await h.stop()
        (executed,) = h.of(ToolExecutedEvent)
        assert not executed.ok
        assert "may have been carried out" in executed.output


async def _nothing(_: object) -> None: ...
