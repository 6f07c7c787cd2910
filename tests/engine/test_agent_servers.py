"""An agent with tool servers of its own."""

import asyncio

import pytest

from custom_components.rtvoice.engine import (
    AgentState,
    ApprovalRequest,
    ConfigurationError,
    MCPServerStdio,
    RemoteMCPServer,
    ToolDefinition,
    Tools,
)
from custom_components.rtvoice.engine.conversation import effects as e
from custom_components.rtvoice.engine.conversation.remote_facts import ApprovalRequested
from custom_components.rtvoice.engine.conversation.values import Capabilities

from .fakes import FakeProvider
from .mcp.rig import house, lives, until
from .test_agent import Rig


def agent_with(*servers: MCPServerStdio) -> Rig:
    return Rig(mcp_servers=servers)


async def test_tools_of_a_server_are_offered_called_and_gone_with_the_session() -> None:
    server = house(name="house")
    rig = agent_with(server)
    await rig.agent.prewarm()
    task = await rig.start()
    names = [tool.name for tool in rig.provider.options.tools]
    assert "house_add" in names
    rig.call("house_add", '{"a": 2, "b": 3}')
    await rig.until(lambda: rig.provider.connection.sent(e.SendToolOutput))
    assert "5" in rig.provider.connection.sent(e.SendToolOutput)[0].output
    await rig.agent.stop()
    await task
    assert not server.is_connected


async def test_a_server_that_cannot_start_costs_neither_the_session_nor_the_others() -> None:
    broken = MCPServerStdio("/nowhere/server", name="broken")
    rig = agent_with(broken, house(name="house"))
    await rig.agent.prewarm()
    task = await rig.start()
    assert "house_add" in [tool.name for tool in rig.provider.options.tools]
    await rig.agent.stop()
    await task


async def test_a_server_that_comes_late_is_offered_when_it_comes(monkeypatch) -> None:
    monkeypatch.setattr("custom_components.rtvoice.engine.run.EQUIPMENT_PATIENCE_S", 0.001)
    rig = agent_with(house(name="house"))
    task = await rig.start()
    await until(lambda: rig.provider.connection.sent(e.UpdateSession))
    assert "house_add" in [tool.name for tool in rig.provider.connection.sent(e.UpdateSession)[0].tools]
    await rig.agent.stop()
    await task


async def test_prewarmed_and_never_run_is_closed_by_stop() -> None:
    server = house(name="house")
    rig = agent_with(server)
    await rig.agent.prewarm()
    assert server.is_connected
    await rig.agent.stop()
    assert not server.is_connected


async def test_cancelling_kills_the_servers() -> None:
    server = house(name="house")
    rig = agent_with(server)
    await rig.agent.prewarm()
    pid = int(await server.call_tool("pid", {}))
    assert lives(pid)
    task = await rig.start()
    task.cancel()
    await asyncio.wait({task})
    assert not server.is_connected
    assert not lives(pid)


async def test_tools_that_come_in_time_are_offered_from_the_start() -> None:
    rig = agent_with(house(name="house"))
    task = await rig.start()
    assert "house_add" in [tool.name for tool in rig.provider.options.tools]
    await rig.agent.stop()
    await task


async def test_other_tools_leave_those_of_servers_in_place() -> None:
    rig = agent_with(house(name="house"))
    await rig.agent.prewarm()
    task = await rig.start()
    for name in ("first", "second"):
        tools = Tools()
        tools.register(ToolDefinition(name, name), _nothing)
        await rig.agent.update_tools(tools)
        names = {tool.name for tool in rig.agent._tools.definitions()}
        assert {name, "house_add"} <= names
    assert "first" not in names
    rig.call("house_add", '{"a": 2, "b": 3}')
    await rig.until(lambda: rig.provider.connection.sent(e.SendToolOutput))
    assert "5" in rig.provider.connection.sent(e.SendToolOutput)[0].output
    await rig.agent.stop()
    await task


async def test_what_is_asked_while_servers_are_awaited_is_not_lost() -> None:
    rig = agent_with(house(name="house"))
    task = asyncio.create_task(rig.agent.run())
    await until(lambda: rig.agent.state is AgentState.CONNECTING)
    assert rig.agent.turns == ()
    await rig.agent.say("Hello")
    await rig.until(lambda: rig.provider.connection.sent(e.CreateResponse))
    await rig.agent.stop()
    await task


async def test_a_session_that_cannot_be_made_leaves_no_server_behind() -> None:
    server = house(name="house")
    rig = agent_with(server)
    await rig.agent.prewarm()
    rig.agent._recording_path = object()
    with pytest.raises(TypeError):
        await rig.agent.run()
    assert not server.is_connected


async def _nothing(_: object) -> None: ...


# --- servers that the provider runs -----------------------------------------------------------------------------------

ABLE = Capabilities(runs_mcp_servers=True, asks_before_mcp_calls=True)
DOCS = RemoteMCPServer("docs", "https://example.org/mcp")


async def test_a_server_of_the_provider_goes_to_the_session_and_no_further() -> None:
    provider = FakeProvider(capabilities=ABLE)
    rig = Rig(mcp_servers=[DOCS, house(name="house")], provider=provider)
    await rig.agent.prewarm()
    task = await rig.start()
    assert provider.options.mcp_servers == (DOCS,)
    assert "house_add" in [tool.name for tool in provider.options.tools]
    assert not [tool.name for tool in provider.options.tools if tool.name.startswith("docs")]
    await rig.agent.stop()
    await task


async def test_a_provider_that_cannot_run_it_is_told_when_the_agent_is_made() -> None:
    with pytest.raises(ConfigurationError, match="cannot run MCP server 'docs'"):
        Rig(mcp_servers=[DOCS], provider=FakeProvider())
    with pytest.raises(ConfigurationError, match="cannot run MCP server 'docs'"):
        Rig(mcp_servers=[DOCS], provider=FakeProvider(capabilities=ABLE), fallback_providers=[FakeProvider()])


async def test_the_agent_s_user_is_asked() -> None:
    asked = []

    async def ask(request: ApprovalRequest) -> bool:
        asked.append(request)
        return True

    server = RemoteMCPServer("docs", "https://example.org/mcp", on_approval=ask)
    rig = Rig(mcp_servers=[server], provider=FakeProvider(capabilities=ABLE))
    task = await rig.start()
    request = ApprovalRequest("q1", "docs", "search", '{"q":"x"}')
    rig.provider.connection.feed(ApprovalRequested(request))
    await rig.until(lambda: rig.provider.connection.sent(e.AnswerApproval))
    assert rig.provider.connection.sent(e.AnswerApproval) == [e.AnswerApproval("q1", approved=True)]
    assert asked == [request]
    await rig.agent.stop()
    await task
