import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import sys
import warnings
from pathlib import Path

import pytest

from custom_components.rtvoice.engine.errors import ToolFailedError, ToolTimeoutError
from custom_components.rtvoice.engine.mcp import MCPServerStdio, MCPTools, ServerUnavailableError
from custom_components.rtvoice.engine.tools import Tools
from tests.engine.mcp.rig import house, lives, odd, until


async def test_a_real_server_lists_and_runs_its_tools() -> None:
    async with house() as server:
        assert server.is_connected
        assert server.name == "House of tests"
        tools = {tool.name: tool for tool in await server.list_tools()}
        assert tools["add"].description == "Add two numbers."
        assert set(tools["add"].parameters["properties"]) == {"a", "b"}
        assert server.oddities == ()
        assert await server.call_tool("add", {"a": 2, "b": 3}) == "5"
        assert json.loads(await server.call_tool("weather", {"place": "Bonn", "days": None})) == {
            "place": "Bonn", "days": None, "sky": ["sun", "rain"],
        }  # fmt: skip
        assert await server.call_tool("picture") == "[image, image/png, 9 bytes; it cannot be shown here]"
        with pytest.raises(ToolFailedError, match="Error executing tool fail"):
            await server.call_tool("fail")
        with pytest.raises(ToolFailedError, match="nothing"):
            await server.call_tool("nothing")
    assert not server.is_connected
    with pytest.raises(ServerUnavailableError, match="not connected"):
        await server.call_tool("add", {"a": 2, "b": 3})


async def test_calls_run_at_the_same_time(tmp_path) -> None:
    async with house() as server:
        slow = asyncio.create_task(server.call_tool("wait", {"seconds": 60, "witness": str(tmp_path / "w")}))
        answers = await asyncio.gather(*(server.call_tool("add", {"a": n, "b": 0}) for n in range(20)))
        assert answers == [str(n) for n in range(20)]
        assert not slow.done()
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow


async def test_the_server_is_told_about_a_cancelled_call(tmp_path) -> None:
    witness = tmp_path / "witness"
    async with house() as server:
        call = asyncio.create_task(server.call_tool("wait", {"seconds": 600, "witness": str(witness)}))
        await until(lambda: witness.exists() and witness.read_text() == "started")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await until(lambda: witness.read_text() == "cancelled")
        assert await server.call_tool("add", {"a": 1, "b": 1}) == "2"


async def test_a_call_without_an_answer_times_out_and_the_server_is_told(tmp_path) -> None:
    told = tmp_path / "told"
    async with odd("silent", str(told), timeout=2) as server:
        await server.list_tools()
        with pytest.raises(ToolTimeoutError, match=r"'odd'.*'ok'.*2 s"):
            await server.call_tool("ok")
        await until(told.exists)
        assert server.is_connected


async def test_secrets_of_the_host_stay_with_the_host(monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    server = house()
    server._env |= {"GIVEN": "1"}
    async with server:
        names = (await server.call_tool("environment")).split("\n")
    assert "OPENAI_API_KEY" not in str(names)
    assert "PATH" in str(names)
    assert "GIVEN" in str(names)


async def test_only_allowed_tools_are_listed_and_called() -> None:
    async with house(name="h", allowed_tools=["add", "subtract"]) as server:
        assert [tool.name for tool in await server.list_tools()] == ["add"]
        assert server.oddities == ("Tool 'subtract' is allowed, but the server has no such tool",)
        with pytest.raises(ToolFailedError, match="not allowed"):
            await server.call_tool("fail")


async def test_a_crashed_server_is_started_again_on_the_next_use() -> None:
    changes = asyncio.Event()
    async with house() as server:
        server.on_change = changes.set
        first = await server.call_tool("pid")
        with pytest.raises(ServerUnavailableError, match="ended"):
            await server.call_tool("crash")
        await changes.wait()
        assert not server.is_connected
        assert await server.call_tool("pid") != first
        with pytest.raises(ServerUnavailableError):
            await server.call_tool("crash")
        await until(lambda: not server.is_connected and server.retry_wait_s > 0)
        with pytest.raises(ServerUnavailableError, match="it ended with exit code 3; the next attempt"):
            await server.call_tool("pid")


async def test_a_killed_server_says_so() -> None:
    async with house() as server:
        for _ in range(2):
            os.kill(int(await server.call_tool("pid")), signal.SIGKILL)
            await until(lambda: not server.is_connected)
        await until(lambda: server.retry_wait_s > 0)
        with pytest.raises(ServerUnavailableError, match="ended by signal 9"):
            await server.call_tool("pid")


async def test_b21_a_ping_with_the_id_of_a_call_is_no_answer() -> None:
    async with odd("pings") as server:
        await server.list_tools()
        assert await server.call_tool("ok") == "ponged"


async def test_b21_a_flooded_stderr_and_lines_that_are_no_messages_stop_nothing(caplog) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.rtvoice.engine.mcp")
    async with odd("chatty", name="chatty") as server:
        assert len(await server.list_tools()) == 5
        assert await server.call_tool("ok") == "ok"
    assert "MCP server chatty: noise 1" in caplog.messages
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG and "mcp" in record.name]


async def test_b21_a_message_may_be_long() -> None:
    async with odd("big") as server:
        await server.list_tools()
        assert len(await server.call_tool("ok")) == 3_000_000


async def test_a_message_without_end_ends_the_server() -> None:
    async with odd("endless line", timeout=60) as server:
        await server.list_tools()
        with pytest.raises(ServerUnavailableError):
            await server.call_tool("ok")
        await until(lambda: not server.is_connected and not lives_of(server))


def lives_of(server) -> bool:
    return server._link is not None and server._link._task is not None and not server._link._task.done()


async def test_what_a_server_says_before_it_ends_is_heard() -> None:
    async with odd("last words") as server:
        await server.list_tools()
        assert await server.call_tool("ok") == "my last words"


async def test_a_server_that_closes_its_output_is_lost() -> None:
    async with odd("closes") as server:
        await server.list_tools()
        with pytest.raises(ServerUnavailableError):
            await server.call_tool("ok")


async def test_a_server_that_stops_reading_holds_up_nobody_for_longer_than_its_timeout() -> None:
    async with odd("stops reading", timeout=1) as server:
        await server.list_tools()
        calls = [server.call_tool("ok", {"text": "x" * 300_000}) for _ in range(4)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result) for result in results] == [ToolTimeoutError] * 4


async def test_calls_that_wait_to_be_sent_fail_when_the_server_is_closed() -> None:
    async with odd("stops reading", timeout=60) as server:
        await server.list_tools()
        calls = [asyncio.create_task(server.call_tool("ok", {"text": "x" * 300_000})) for _ in range(4)]
        await asyncio.sleep(0.1)
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results] == [ServerUnavailableError] * 4


async def test_odd_blocks_become_text() -> None:
    async with odd("blocks") as server:
        await server.list_tools()
        assert await server.call_tool("ok") == '{"type":"hologram","data":1}\nbare\n{"type":"text"}'


async def test_arguments_arrive_as_they_are() -> None:
    arguments = {"none": None, "list": [None, {"deep": None}], "text": "ä\n\u2028"}
    async with odd("echo") as server:
        await server.list_tools()
        sent = json.loads(await server.call_tool("ok", arguments))
    assert sent["name"] == "ok"
    assert sent["arguments"] == arguments


async def test_a_refusal_is_told_in_the_servers_words() -> None:
    async with odd("refuses") as server:
        await server.list_tools()
        with pytest.raises(ToolFailedError, match="'odd': tool 'ok' failed: I do not want to"):
            await server.call_tool("ok")


async def test_an_answer_that_is_no_block_is_told_as_it_is() -> None:
    async with odd("nonsense") as server:
        await server.list_tools()
        assert json.loads(await server.call_tool("ok")) == {"type": "text", "text": 7}
        assert server.is_connected


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [("exits", "exit code 7"), ("mute", "did not answer within 1 s"), ("old", "cannot be understood")],
)
async def test_a_server_that_does_not_shake_hands_is_not_available(behaviour, reason) -> None:
    server = odd(behaviour, name="x", timeout=1 if behaviour == "mute" else 30)
    with pytest.raises(ServerUnavailableError, match=f"MCP server 'x' is not available: .*{reason}"):
        await server.connect()
    assert not server.is_connected
    assert server.retry_wait_s > 0


async def test_a_program_that_is_not_there_is_not_available() -> None:
    server = MCPServerStdio("/no/such/program")
    with pytest.raises(ServerUnavailableError, match="'program' is not available: it cannot be started"):
        await server.connect()


async def test_b10_closing_a_dead_server_returns() -> None:
    async with house() as server:
        with pytest.raises(ServerUnavailableError):
            await server.call_tool("crash")
    await server.close()


@pytest.mark.parametrize("how", ["closed", "cancelled twice"])
async def test_processes_die_whatever_they_do(tmp_path, how) -> None:
    noted = tmp_path / "pids"

    async def session() -> None:
        async with odd("stubborn", str(noted)) as server:
            await server.list_tools()
            if how != "closed":
                await asyncio.Event().wait()

    task = asyncio.create_task(session())
    if how != "closed":
        await until(lambda: noted.exists() and noted.read_text())
        task.cancel()
        if how == "cancelled twice":
            await asyncio.sleep(0.3)
            task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    pids = [int(pid) for pid in noted.read_text().split()]
    assert len(pids) == 2
    await until(lambda: not any(lives(pid) for pid in pids))


def test_processes_die_when_the_program_ends_without_closing_them(tmp_path, socket_enabled) -> None:
    noted = tmp_path / "pids"

    async def program() -> None:
        await odd("stubborn", str(noted)).connect()
        raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(program())
    assert not any(lives(int(pid)) for pid in noted.read_text().split())


async def test_children_that_outlive_their_server_die_too(tmp_path) -> None:
    noted = tmp_path / "pids"
    async with odd("orphan", str(noted)) as server:
        await server.list_tools()
    pids = [int(pid) for pid in noted.read_text().split()]
    assert not any(lives(pid) for pid in pids)


async def test_a_cancelled_connect_leaves_nothing(tmp_path) -> None:
    server = odd("mute")
    task = asyncio.create_task(server.connect())
    await until(lambda: server._link is not None and any(Path("/proc/self/task").glob("*/children")))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not server.is_connected


async def test_closing_while_connecting_ends_the_attempt() -> None:
    server = odd("mute")
    task = asyncio.create_task(server.connect())
    await until(lambda: server._link is not None)
    await server.close()
    with pytest.raises(ServerUnavailableError):
        await task


async def test_a_server_that_is_closed_while_it_is_started_anew_stays_closed() -> None:
    server = house()
    await server.connect()
    with pytest.raises(ServerUnavailableError):
        await server.call_tool("crash")
    uses = [asyncio.create_task(use) for use in (server.call_tool("pid"), server.connect(), server.call_tool("pid"))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await server.close()
    results = await asyncio.gather(*uses, return_exceptions=True)
    assert [type(result) for result in results] == 3 * [ServerUnavailableError]
    assert not server.is_connected


def test_a_server_can_be_used_in_one_event_loop_after_the_other(socket_enabled) -> None:
    async def use(server: MCPServerStdio) -> None:
        async with MCPTools([server], Tools()) as mcp:
            assert mcp.problems == ()
            await asyncio.gather(*(server.connect() for _ in range(3)))

    server = odd("fine")
    for _ in range(2):
        asyncio.run(use(server))


async def test_pending_calls_fail_when_the_server_is_closed(tmp_path) -> None:
    witness = tmp_path / "witness"
    async with house() as server:
        call = asyncio.create_task(server.call_tool("wait", {"seconds": 600, "witness": str(witness)}))
        await until(witness.exists)
    with pytest.raises(ServerUnavailableError):
        await call


async def test_a_server_can_be_used_again_after_closing() -> None:
    server = odd("fine")
    for _ in range(2):
        async with server:
            await server.connect()
            assert len(await server.list_tools()) == 5


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


async def test_nothing_is_left_open() -> None:
    before = open_files()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        async with odd("fine") as server:
            await server.list_tools()
        await asyncio.sleep(0.05)
        gc.collect()
    assert open_files() <= before


async def test_a_server_without_tools_has_none() -> None:
    async with odd("without tools") as server:
        assert await server.list_tools() == ()


async def test_a_list_without_end_is_cut() -> None:
    async with odd("endless list") as server:
        assert [tool.name for tool in await server.list_tools()] == ["a"]
        assert server.oddities == ("The list of tools does not end",)


async def test_a_list_that_is_none_is_empty() -> None:
    async with odd("no list") as server:
        assert await server.list_tools() == ()
        assert server.oddities == ("The list of tools is none",)


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": float("nan")}, {"allowed_tools": "add"}])
def test_impossible_options_are_refused(options) -> None:
    with pytest.raises(ValueError, match=r"MCP server|allowed_tools"):
        MCPServerStdio(sys.executable, **options)
