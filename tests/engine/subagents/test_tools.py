import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from custom_components.rtvoice.engine.conversation.values import ResponseUsage, ToolCall, ToolOutcome
from custom_components.rtvoice.engine.errors import ConfigurationError, ConnectionFailedError, ToolArgumentsError
from custom_components.rtvoice.engine.events import SessionEvent, SubAgentFinishedEvent, SubAgentStartedEvent
from custom_components.rtvoice.engine.history import ConversationHistory
from custom_components.rtvoice.engine.results import ConversationTurn
from custom_components.rtvoice.engine.subagents import ChatAnswer, ChatModel, SubAgent, SubAgentTools
from custom_components.rtvoice.engine.tools import Inject, ToolContext, Tools
from tests.engine import virtual_time
from tests.engine.mcp.rig import house
from tests.engine.subagents.fakes import USAGE, FakeChatModel, Gate, calls, done, says

CONTROLS = ("cancel_subagent", "update_subagent")


def agent(llm: ChatModel, name: str = "helper", **settings) -> SubAgent:
    return SubAgent(name, "Helps.", "Be helpful.", llm, **settings)


@dataclass
class House:
    """A registry with subagents, and all that they tell."""

    registry: Tools = field(default_factory=Tools)
    events: list[SessionEvent] = field(default_factory=list)
    changes: list[tuple[str, ...]] = field(default_factory=list)
    progress: list[tuple[str, str]] = field(default_factory=list)
    reports: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    usage: list[tuple[str, str, ResponseUsage]] = field(default_factory=list)

    @asynccontextmanager
    async def with_(self, *subagents: SubAgent) -> AsyncIterator[SubAgentTools]:
        self.registry.on_progress = lambda call_id, text: self.progress.append((call_id, text))
        tools = SubAgentTools(
            subagents,
            self.registry,
            publish=self.events.append,
            on_change=lambda: self.changes.append(self.registry.names()),
            on_report=self.reports.put_nowait,
            on_usage=lambda *used: self.usage.append(used),
        )
        async with tools:
            yield tools
        assert not tools.running
        self.check_pairs()

    async def call(self, name: str, call_id: str = "c1", **arguments) -> ToolOutcome:
        return await self.registry.run(ToolCall(call_id, name, json.dumps(arguments)))

    def calling(self, name: str, call_id: str = "c1", **arguments) -> asyncio.Task[ToolOutcome]:
        return asyncio.create_task(self.call(name, call_id, **arguments))

    def check_pairs(self) -> None:
        """Whatever happened, each start has its end."""
        at_work: set[str] = set()
        for event in self.events:
            match event:
                case SubAgentStartedEvent(name):
                    assert name not in at_work
                    at_work.add(name)
                case SubAgentFinishedEvent(name):
                    at_work.remove(name)
        assert not at_work


def output(outcome: ToolOutcome) -> dict:
    return json.loads(outcome.output)


@pytest.fixture
def home() -> House:
    return House()


class TestRegistering:
    async def test_each_subagent_is_a_tool(self, home) -> None:
        subagents = (
            agent(
                FakeChatModel(),
                "Tea Küche!",
                handoff_instructions="For tea only",
                result_instructions="Cheer",
                holding_instruction="Hum",
            ),
            agent(FakeChatModel(), "你好"),
        )
        async with home.with_(*subagents):
            assert home.registry.names() == ("Tea_Kuche", "subagent")
            spec = home.registry.spec("Tea_Kuche")
            assert spec.definition.description == "Helps.\n\nHandoff instructions: For tea only"
            assert spec.definition.parameters["required"] == ["task"]
            assert set(spec.definition.parameters["properties"]) == {"task", "clarification_answer"}
            assert (spec.result_instruction, spec.holding_instruction) == ("Cheer", "Hum")
            assert home.registry.spec("subagent").definition.description == "Helps."

    def test_names_that_are_taken_are_refused(self, home) -> None:
        home.registry.action("Help.", "helper")(lambda: None)
        with pytest.raises(ConfigurationError, match="there is a tool 'helper' already"):
            SubAgentTools([agent(FakeChatModel())], home.registry, publish=home.events.append)
        twins = [agent(FakeChatModel(), "a b"), agent(FakeChatModel(), "a_b")]
        with pytest.raises(ConfigurationError, match="Two subagents are called 'a_b'"):
            SubAgentTools(twins, home.registry, publish=home.events.append)

    def test_somebody_must_listen_to_late_reports(self, home) -> None:
        with pytest.raises(ConfigurationError, match="nobody would listen"):
            SubAgentTools([agent(FakeChatModel(), fire_and_forget=True)], home.registry, publish=home.events.append)

    async def test_b13_control_tools_are_there_only_while_a_subagent_works(self, home) -> None:
        first, second = Gate(done()), Gate(done())
        async with home.with_(agent(FakeChatModel(first), "one"), agent(FakeChatModel(second), "two")):
            assert home.registry.names() == ("one", "two")
            running = [home.calling("one", task="x"), home.calling("two", task="x")]
            for gate in (first, second):
                await gate.reached.wait()
                gate.opened.set()
            await asyncio.gather(*running)
            assert home.changes == [("one", "two", *CONTROLS), ("one", "two")]

    async def test_b13_a_users_tool_of_the_same_name_is_left_alone(self, home) -> None:
        home.registry.action("Theirs.", "cancel_subagent")(lambda: "theirs")
        gate = Gate(done())
        async with home.with_(agent(FakeChatModel(gate))):
            running = home.calling("helper", task="x")
            await gate.reached.wait()
            assert (await home.call("cancel_subagent")).output == "theirs"
            assert output(await home.call("cancel_subagent_2"))["status"] == "cancelled"
            await running
            assert home.registry.names() == ("cancel_subagent", "helper")

    async def test_tools_come_back_after_the_registry_was_emptied(self, home) -> None:
        gate = Gate(done())
        async with home.with_(agent(FakeChatModel(gate))) as tools:
            running = home.calling("helper", task="x")
            await gate.reached.wait()
            for _ in range(2):
                tools.register()
                assert home.registry.names() == ("helper", *CONTROLS)
                for name in home.registry.names():
                    home.registry.remove(name)
            home.registry.action("Theirs.", "cancel_subagent")(lambda: "theirs")
            tools.register()
            assert home.registry.names() == ("cancel_subagent", "helper", "cancel_subagent_2", "update_subagent")
            gate.opened.set()
            await running
            assert home.registry.names() == ("cancel_subagent", "helper")


class TestHandOff:
    async def test_a_task_is_handed_off_and_its_result_comes_as_the_calls(self, home) -> None:
        llm = FakeChatModel(done("Brewed."))
        async with home.with_(agent(llm, result_instructions="Cheer")) as tools:
            assert tools.running == ()
            outcome = await home.call("helper", task="Brew.")
            assert outcome == ToolOutcome('{"status":"done","result":"Brewed."}', instruction="Cheer")
        assert home.events == [SubAgentStartedEvent("helper"), SubAgentFinishedEvent("helper")]
        assert home.usage == [("helper", "fake-model", USAGE)]
        assert (llm.prewarmed, llm.closed) == (1, 1)

    async def test_b12_a_failure_is_a_result_and_the_next_task_works(self, home) -> None:
        async with home.with_(agent(FakeChatModel(ConnectionFailedError("no"), ZeroDivisionError(), done()))):
            for _ in range(2):
                outcome = await home.call("helper", task="x")
                assert (outcome.ok, outcome.respond) == (False, True)
                assert output(outcome)["status"] == "failed"
                assert home.registry.names() == ("helper",)
            assert (await home.call("helper", task="x")).ok
        assert len(home.events) == 6

    async def test_c9_the_step_limit_is_told_from_success(self, home) -> None:
        async with home.with_(agent(FakeChatModel(says("")), max_iterations=1)):
            outcome = await home.call("helper", task="x")
            assert not outcome.ok
            assert output(outcome)["status"] == "step_limit"

    async def test_b16_history_context_and_dependencies_are_forwarded(self, home) -> None:
        turn = ConversationTurn(role="user", transcript="I like it sweet", started_at=datetime.now(UTC))
        turns: list[ConversationTurn] = []
        home.registry.set_context(ToolContext({"sugar": 2}, ConversationHistory(lambda: tuple(turns))))
        tools = Tools()
        tools.action("Look.", "look")(sugar)
        llm = FakeChatModel(done(), calls(("look", {})), done())
        async with home.with_(agent(llm, tools=tools)):
            await home.call("helper", task="Brew.")
            assert "<conversation_history>" not in llm.told()
            turns.append(turn)
            await home.call("helper", task="Brew.")
            assert "[USER]: I like it sweet" in llm.told()
            assert llm.results() == ["2"]

    async def test_progress_comes_with_the_id_of_the_call(self, home) -> None:
        gate = Gate(done())
        llm = FakeChatModel(
            calls(("report_progress", {"message": "One."}), ("report_progress", {"message": "Two."})), gate
        )
        async with home.with_(agent(llm)):
            running = home.calling("helper", "c7", task="x")
            await gate.reached.wait()
            assert home.progress == [("c7", "One."), ("c7", "Two.")]
            gate.opened.set()
            assert (await running).ok

    async def test_a_silent_result_stays_silent(self, home) -> None:
        tools = Tools()
        tools.action("Dim.", "dim", respond=False)(lambda: None)
        async with home.with_(agent(FakeChatModel(calls(("dim", {})), done()), tools=tools)):
            outcome = await home.call("helper", task="x")
            assert (outcome.ok, outcome.respond) == (True, False)

    async def test_several_work_at_once_but_each_on_one_task(self, home) -> None:
        first, second = Gate(done("1")), Gate(done("2"))
        async with home.with_(agent(FakeChatModel(first), "one"), agent(FakeChatModel(second), "two")) as tools:
            running = [home.calling("one", task="x"), home.calling("two", task="x")]
            await asyncio.gather(first.reached.wait(), second.reached.wait())
            assert tools.running == ("one", "two")
            refused = await home.call("one", task="y")
            assert not refused.ok
            assert "still at work" in refused.output
            for gate in (second, first):
                gate.opened.set()
            assert [output(outcome)["result"] for outcome in await asyncio.gather(*running)] == ["1", "2"]

    def test_a_subagent_that_takes_too_long_is_stopped(self, home) -> None:
        async def main() -> ToolOutcome:
            async with home.with_(agent(FakeChatModel(forever), timeout=60)):
                return await home.call("helper", task="x")

        assert output(virtual_time.run(main()))["status"] == "timed_out"


class TestClarification:
    async def test_a_question_is_asked_by_voice_and_the_answer_resumes_the_task(self, home) -> None:
        llm = FakeChatModel(calls(("clarify", {"question": "Green or black?"})), done("Green tea."))
        async with home.with_(agent(llm, result_instructions="Cheer")):
            asked = await home.call("helper", task="Brew.")
            assert asked.ok
            assert output(asked)["question"] == "Green or black?"
            assert "call helper again" in asked.instruction
            assert home.registry.names() == ("helper",)
            outcome = await home.call("helper", task="Brew.", clarification_answer="Green")
            assert output(outcome) == {"status": "done", "result": "Green tea."}
        assert llm.results() == ["Green"]
        assert len(home.events) == 4

    @pytest.mark.parametrize("answer", [None, "", " "])
    async def test_without_an_answer_the_task_starts_anew(self, home, answer) -> None:
        llm = FakeChatModel(calls(("clarify", {"question": "Which?"})), done(), done())
        async with home.with_(agent(llm)):
            await home.call("helper", task="Brew.")
            await home.call("helper", task="Bake.", clarification_answer=answer)
            assert llm.told() == "<task>\nBake.\n</task>"
            await home.call("helper", task="Brew.", clarification_answer="Green")
            assert len(llm.asked[-1]) == 2

    async def test_an_answer_nobody_asked_for_becomes_part_of_the_task(self, home) -> None:
        llm = FakeChatModel(done())
        async with home.with_(agent(llm)):
            await home.call("helper", task="Brew.", clarification_answer="Green")
            assert "Brew.\n\nThe user has answered a question about it: Green" in llm.told()

    async def test_another_subagent_may_work_while_one_waits_for_an_answer(self, home) -> None:
        asking = FakeChatModel(calls(("clarify", {"question": "Which?"})), done("Asked."))
        async with home.with_(agent(asking, "asking"), agent(FakeChatModel(done()), "other")):
            await home.call("asking", task="x")
            assert (await home.call("other", task="x")).ok
            resumed = await home.call("asking", task="x", clarification_answer="That")
            assert output(resumed)["result"] == "Asked."


class TestCancelling:
    async def test_b14_the_call_of_a_cancelled_task_is_answered(self, home) -> None:
        gate = Gate(done())
        async with home.with_(agent(FakeChatModel(gate, done()))):
            running = home.calling("helper", task="x")
            await gate.reached.wait()
            assert output(await home.call("cancel_subagent")) == {"status": "cancelled", "subagent": "helper"}
            outcome = await running
            assert (outcome.ok, outcome.respond) == (False, False)
            assert "was cancelled" in outcome.output
            assert home.registry.names() == ("helper",)
            assert (await home.call("helper", task="x")).ok

    async def test_one_of_several_is_cancelled_by_name(self, home) -> None:
        first, second = Gate(done("1")), Gate(done("2"))
        async with home.with_(agent(FakeChatModel(first), "The one"), agent(FakeChatModel(second), "two")):
            running = [home.calling("The_one", task="x"), home.calling("two", task="x")]
            await asyncio.gather(first.reached.wait(), second.reached.wait())
            refused = await home.call("cancel_subagent")
            assert not refused.ok
            assert "at work: The one, two" in refused.output
            assert not (await home.call("update_subagent", message="x", subagent="three")).ok
            assert (await home.call("cancel_subagent", subagent="The_one")).ok
            assert home.registry.names()[-2:] == CONTROLS
            second.opened.set()
            cancelled, finished = await asyncio.gather(*running)
            assert (cancelled.ok, finished.ok) == (False, True)

    async def test_all_are_cancelled_by_command_and_questions_are_forgotten(self, home) -> None:
        gate = Gate(done())
        asking = FakeChatModel(calls(("clarify", {"question": "Which?"})), done())
        async with home.with_(agent(asking, "asking"), agent(FakeChatModel(gate), "two")) as tools:
            await home.call("asking", task="x")
            running = home.calling("two", task="x")
            await gate.reached.wait()
            assert await tools.cancel() == ("two",)
            assert not (await running).ok
            await home.call("asking", task="x", clarification_answer="That")
            assert len(asking.asked[-1]) == 2
            assert await tools.cancel() == ()
            with pytest.raises(ToolArgumentsError, match="No subagent is at work"):
                await tools.cancel("two")

    async def test_cancelling_the_call_stops_the_work(self, home) -> None:
        gate = Gate(done())
        async with home.with_(agent(FakeChatModel(gate, done()))) as tools:
            running = home.calling("helper", task="x")
            await gate.reached.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert tools.running == ()
            assert home.events == [SubAgentStartedEvent("helper"), SubAgentFinishedEvent("helper")]
            assert (await home.call("helper", task="x")).ok

    async def test_a_call_cancelled_at_once_leaves_nothing(self, home) -> None:
        async with home.with_(agent(FakeChatModel(done()))) as tools:
            running = home.calling("helper", task="x")
            await asyncio.sleep(0)
            running.cancel()
            await asyncio.wait({running})
            assert tools.running == ()

    async def test_work_that_somebody_else_cancelled_is_spoken_about(self, home) -> None:
        async def cancelled() -> ChatAnswer:
            raise asyncio.CancelledError

        async with home.with_(agent(FakeChatModel(cancelled))):
            outcome = await home.call("helper", task="x")
            assert (outcome.ok, outcome.respond) == (False, True)


class TestUpdating:
    async def test_what_the_user_adds_reaches_the_task(self, home) -> None:
        gate = Gate(done("Early."))
        llm = FakeChatModel(gate, done("With milk."))
        async with home.with_(agent(llm)):
            running = home.calling("helper", task="Brew.")
            await gate.reached.wait()
            told = await home.call("update_subagent", message="With milk")
            assert output(told) == {"status": "told", "subagent": "helper"}
            gate.opened.set()
            assert output(await running)["result"] == "With milk."
        assert llm.told() == "<update>\nWith milk\n</update>"

    async def test_an_update_without_work_is_an_error(self, home) -> None:
        async with home.with_(agent(FakeChatModel())) as tools:
            with pytest.raises(ToolArgumentsError, match="No subagent is at work"):
                tools.update("x")


class TestFireAndForget:
    async def test_the_call_is_answered_at_once_and_the_result_reported_later(self, home) -> None:
        gate = Gate(done("Brewed."))
        llm = FakeChatModel(gate)
        async with home.with_(agent(llm, fire_and_forget=True, result_instructions="Cheer")) as tools:
            outcome = await home.call("helper", task="Brew.")
            assert output(outcome)["status"] == "started"
            await gate.reached.wait()
            assert llm.offered[0] == ("done", "clarify")
            assert tools.running == ("helper",)
            assert not (await home.call("helper", task="Again.")).ok
            gate.opened.set()
            report = await home.reports.get()
            assert report == "'helper' has worked on this task: Brew.\nStatus: done. Result: Brewed.\nCheer"
            assert tools.running == ()

    async def test_failures_and_questions_are_reported(self, home) -> None:
        llm = FakeChatModel(ZeroDivisionError(), calls(("clarify", {"question": "Which?"})), done("That."))
        async with home.with_(agent(llm, fire_and_forget=True, result_instructions="Cheer")):
            await home.call("helper", task="Brew.")
            failed = await home.reports.get()
            assert "Status: failed" in failed
            assert "Cheer" not in failed
            await home.call("helper", task="Brew.")
            assert "It has a question: Which?\nAsk the user" in await home.reports.get()
            await home.call("helper", task="Brew.", clarification_answer="That")
            assert "Result: That." in await home.reports.get()
        assert llm.results() == ["That"]

    async def test_silent_and_cancelled_work_is_not_reported(self, home) -> None:
        tools = Tools()
        tools.action("Dim.", "dim", respond=False)(lambda: None)
        gate = Gate(done())
        llm = FakeChatModel(calls(("dim", {})), done(), gate)
        async with home.with_(agent(llm, tools=tools, fire_and_forget=True)) as subagents:
            await home.call("helper", task="x")
            while subagents.running:
                await asyncio.sleep(0)
            await home.call("helper", task="x")
            await gate.reached.wait()
            assert (await home.call("cancel_subagent")).ok
        assert home.reports.empty()


class TestClosing:
    async def test_b16_closing_stops_all_work_and_the_servers(self, home, socket_enabled) -> None:
        server, gate, later = house(), Gate(done()), Gate(done())
        working = agent(FakeChatModel(gate), "one", mcp_servers=[server])
        async with home.with_(working, agent(FakeChatModel(later), "two", fire_and_forget=True)) as tools:
            running = home.calling("one", task="x")
            await home.call("two", task="x")
            await asyncio.gather(gate.reached.wait(), later.reached.wait())
            assert server.is_connected
            await tools.close()
            assert not server.is_connected
            assert tools.running == ()
            assert not (await running).ok
            assert home.reports.empty()
            assert home.registry.names() == ("one", "two")
            await tools.close()

    async def test_closing_while_things_are_prepared_leaves_nothing(self, home, socket_enabled) -> None:
        server = house()
        async with home.with_(agent(FakeChatModel(), mcp_servers=[server])) as tools:
            await tools.start()
            await asyncio.sleep(0)
        assert not server.is_connected
        assert [task.get_name() for task in asyncio.all_tasks() if "rtvoice" in task.get_name()] == []

    async def test_one_that_cannot_be_closed_costs_the_others_nothing(self, home, caplog) -> None:
        class Stubborn(FakeChatModel):
            async def close(self) -> None:
                raise OSError("no")

        other = FakeChatModel()
        async with home.with_(agent(Stubborn(), "one"), agent(other, "two")):
            pass
        assert other.closed == 1
        assert "Subagent one could not be closed" in caplog.text

    async def test_listeners_that_raise_do_not_stop_the_work(self, caplog) -> None:
        def refuse(*_) -> None:
            raise ZeroDivisionError

        registry = Tools()
        subagent = agent(FakeChatModel(done("Brewed.")))
        async with SubAgentTools([subagent], registry, publish=refuse, on_change=refuse, on_usage=refuse):
            outcome = await registry.run(ToolCall("c1", "helper", '{"task": "x"}'))
        assert output(outcome)["result"] == "Brewed."
        assert caplog.text.count("could not be taken") == 5

    async def test_nobody_needs_to_listen(self) -> None:
        registry, events = Tools(), []
        async with SubAgentTools([agent(FakeChatModel(done()))], registry, publish=events.append):
            assert (await registry.run(ToolCall("c1", "helper", '{"task": "x"}'))).ok


async def forever() -> ChatAnswer:
    await asyncio.Event().wait()
    raise AssertionError


def sugar(context: Inject[dict]) -> str:
    return str(context["sugar"])
