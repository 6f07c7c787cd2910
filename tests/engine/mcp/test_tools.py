import asyncio
import json
import logging
import re

import pytest

from custom_components.rtvoice.engine.conversation.values import ToolCall, ToolDefinition, ToolOutcome
from custom_components.rtvoice.engine.mcp import MCPServerStdio, MCPTools
from custom_components.rtvoice.engine.tools import Tools
from tests.engine.mcp.rig import house, odd, until


async def run(registry: Tools, tool: str, **arguments) -> ToolOutcome:
    return await registry.run(ToolCall("c1", tool, json.dumps(arguments)))


def warnings_of(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def test_tools_of_several_servers_are_in_the_registry_for_as_long_as_they_are_connected() -> None:
    registry = Tools()
    async with MCPTools([house(), odd("fine", name="o")], registry) as mcp:
        assert {"House_of_tests_add", "o_ok"} <= set(registry.names())
        assert mcp.problems == ()
        assert await run(registry, "House_of_tests_add", a=1, b=2) == ToolOutcome("3")
        assert await run(registry, "o_ok") == ToolOutcome("ok")
        failed = await run(registry, "House_of_tests_fail")
        assert not failed.ok
        assert failed.output.startswith("Error executing tool fail")
        await mcp.start()
    assert registry.names() == ()
    await mcp.close()


async def test_b22_one_broken_server_costs_the_others_nothing_and_is_tried_again(tmp_path, caplog) -> None:
    registry = Tools()
    changes = asyncio.Event()
    ready = tmp_path / "ready"
    servers = [odd("late", str(ready), name="late"), odd("mute", name="mute"), odd("fine", name="fine")]
    mcp = MCPTools(servers, registry, on_change=changes.set)
    # The second server never answers: only patience ends the waiting.
    await mcp.start(patience_s=3)
    assert registry.names()
    assert all(name.startswith("fine_") for name in registry.names())
    assert [problem.server for problem in mcp.problems] == ["late"]
    assert "exit code 7" in mcp.problems[0].message
    assert len([message for message in warnings_of(caplog) if "'late' is not available" in message]) == 1
    ready.touch()
    await changes.wait()
    assert {"late_ok", "fine_ok"} <= set(registry.names())
    assert mcp.problems == ()
    await mcp.close()
    assert registry.names() == ()


async def test_a_problem_is_logged_once(caplog) -> None:
    server = odd("exits", name="x")
    async with MCPTools([server], Tools()):
        await until(lambda: len([message for message in caplog.messages if "exit code 7" in message]) > 1)
    assert len([message for message in warnings_of(caplog) if "exit code 7" in message]) == 1


async def test_b20_odd_schemas_cost_only_what_cannot_be_said() -> None:
    registry = Tools()
    async with MCPTools([odd("schemas", name="s")], registry) as mcp:
        schemas = {tool.name: tool.parameters for tool in registry.definitions()}
        messages = [problem.message for problem in mcp.problems]
    assert set(schemas) == {
        "s_union", "s_types", "s_numbers", "s_references", "s_nothing", "s_text", "s_missing_schema",
    }  # fmt: skip
    assert all(schema["type"] == "object" for schema in schemas.values())
    assert schemas["s_union"]["properties"]["x"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert schemas["s_types"]["properties"]["x"] == {"type": ["string", "integer"]}
    assert schemas["s_numbers"]["properties"]["level"] == {"enum": [1, 2.5, None, True]}
    assert schemas["s_references"]["required"] == ["next"]
    assert [message.partition("'s': ")[2] for message in messages if "huge" not in message] == [
        "A tool without a name is left out",
        "Tool 'missing schema': it has no schema",
        "Tool 'nothing': it has no schema",
        "Tool 'text': its schema is no object",
    ]
    assert len([message for message in messages if "Tool 's_huge': its parameters are no JSON" in message]) == 1


async def test_names_are_valid_and_unique_and_lead_back_to_the_tool() -> None:
    registry = Tools()
    taken = ToolDefinition("s_ok", "Was there before")

    async def handler(arguments: object) -> str:
        return "mine"

    registry.register(taken, handler)
    async with MCPTools([odd("echo", name="s"), odd("echo", name="s")], registry):
        names = registry.names()
        assert len(set(names)) == 11
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
        said = [json.loads((await run(registry, name)).output)["name"] for name in names if name != "s_ok"]
        assert sorted(said) == sorted(2 * ["odd.tool", "odd tool", "x" * 80, "x" * 80 + "y", "ok"])
        assert await run(registry, "s_ok") == ToolOutcome("mine")
    assert registry.definitions() == (taken,)


async def test_b22_tools_that_change_are_changed_in_the_registry() -> None:
    registry = Tools()
    changes = asyncio.Event()
    async with MCPTools([house(name="h")], registry, on_change=changes.set):
        assert "h_picture" in registry.names()
        assert (await run(registry, "h_learn", name="bake")).output == "learned"
        await changes.wait()
        assert "h_picture" not in registry.names()
        assert (await run(registry, "h_bake")).output == "I am bake"


async def test_a_changed_description_is_told_even_if_whoever_is_told_fails(caplog) -> None:
    def fail() -> None:
        raise LookupError

    registry = Tools()
    async with MCPTools([odd("changes", name="c")], registry, on_change=fail):
        assert {tool.description for tool in registry.definitions()} == {"v1"}
        await run(registry, "c_ok")
        await until(lambda: {tool.description for tool in registry.definitions()} == {"v2"})
    assert "The change of tools could not be reported" in caplog.messages


async def test_nobody_needs_to_be_told() -> None:
    registry = Tools()
    async with MCPTools([odd("changes", name="c")], registry):
        await run(registry, "c_ok")
        await until(lambda: {tool.description for tool in registry.definitions()} == {"v2"})


async def test_a_lost_server_comes_back_by_itself_and_its_tools_stay() -> None:
    registry = Tools()
    server = house(name="h")
    async with MCPTools([server], registry):
        first = await run(registry, "h_pid")
        lost = await run(registry, "h_crash")
        assert not lost.ok
        assert "MCP server 'h' is not available" in lost.output
        assert "h_pid" in registry.names()
        await until(lambda: server.is_connected)
        assert (await run(registry, "h_pid")).output != first.output


async def test_a_server_that_dies_again_and_again_is_started_less_and_less_often(tmp_path) -> None:
    starts = tmp_path / "starts"
    server = odd("dies at once", str(starts), name="d")
    async with MCPTools([server], Tools()):
        await until(lambda: not server.is_connected and server.retry_wait_s > 1.5)
        assert len(starts.read_text().splitlines()) <= 4


async def test_a_server_whose_list_fails_is_asked_again(tmp_path) -> None:
    registry = Tools()
    async with MCPTools([odd("deaf", str(tmp_path / "asked"), name="d")], registry) as mcp:
        assert ["tools cannot be listed: Not now" in problem.message for problem in mcp.problems] == [True]
        await until(registry.names)
        assert mcp.problems == ()


class Broken(MCPServerStdio):
    """A server whose list is an error nobody thought of."""

    async def list_tools(self):
        raise LookupError("what was that")


async def test_an_error_that_nobody_thought_of_costs_the_others_nothing(caplog) -> None:
    registry = Tools()
    async with MCPTools([Broken("true", name="b"), odd("fine", name="f")], registry) as mcp:
        assert "f_ok" in registry.names()
        assert [problem.server for problem in mcp.problems] == ["b"]


async def test_an_unexpected_error_is_logged_with_its_traceback(caplog) -> None:
    server = odd("fine", name="f")
    server.__class__ = Broken
    async with MCPTools([server], Tools()) as mcp:
        assert [problem.message for problem in mcp.problems] == ["what was that"]
    assert "The tools of MCP server f could not be read" in caplog.messages


async def test_tools_may_have_been_taken_away_by_somebody_else() -> None:
    registry = Tools()
    async with MCPTools([odd("fine", name="f")], registry):
        registry.remove("f_ok")
    assert registry.names() == ()


async def test_a_cancelled_start_leaves_nothing() -> None:
    mcp = MCPTools([odd("mute")], Tools())
    task = asyncio.create_task(mcp.start())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert mcp.problems == ()


async def test_a_cancelled_close_closes_all_the_same(tmp_path) -> None:
    mcp = MCPTools([odd("stubborn", str(tmp_path / "pids"))], Tools())
    await mcp.start()
    task = asyncio.create_task(mcp.close())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_can_be_started_again() -> None:
    registry = Tools()
    mcp = MCPTools([odd("fine", name="f")], registry)
    for _ in range(2):
        async with mcp:
            assert "f_ok" in registry.names()
        assert registry.names() == ()


async def test_no_servers_are_no_problem() -> None:
    async with MCPTools([], Tools()) as mcp:
        assert mcp.problems == ()
