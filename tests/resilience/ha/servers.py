"""MCP servers that die at any stage: one on the network, and programs of this machine."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from homeassistant.const import CONF_COMMAND, CONF_URL

from custom_components.rtvoice.const import (
    CONF_ARGUMENTS,
    CONF_MCP_SERVERS,
    CONF_TRANSPORT,
    SUBENTRY_MCP_SERVER,
    TRANSPORT_STDIO,
)
from custom_components.rtvoice.engine.mcp import server as mcp_server
from custom_components.rtvoice.engine.mcp.backoff import Backoff
from simulator import Call
from tests.engine.mcp.rig import free_port, listening, lives
from tests.resilience.faults.scene import ANSWER, PATIENCE_S
from tests.resilience.faults.stages import Stage
from tests.resilience.faults.table import GOES_ON

from .rooms import Room, befall, rooms, subentry
from .verify import LIVE, HouseFault, Stand, Told, all_of, answered, hold_to, response_of, went_on_speaking

WORKSHOP = "Workshop"
WORKSHOP_SERVER = ("-I", "-S", str(Path(__file__).with_name("workshop.py")))
ADD = Call("Workshop_add", {"a": 2, "b": 3})


@asynccontextmanager
async def serving(port: int) -> AsyncGenerator[str]:
    """The server on the network, until it is killed; yields its address."""
    async with listening(port, *WORKSHOP_SERVER, "http", str(port)):
        yield f"http://127.0.0.1:{port}/mcp"


def wait_in_the_workshop(folder: Path) -> Callable[[Room], None]:
    """At the stage "in a tool" it is a tool of the server that runs."""

    def prepare(room: Room) -> None:
        witness = folder / f"witness {room.stage.name}"
        room.call = Call("Workshop_wait", {"seconds": 60, "witness": str(witness)})
        room.called = witness.exists

    return prepare


def assert_offered(all_rooms: list[Room]) -> None:
    """The model knows the server's tools, where it was told anything."""
    for room in all_rooms:
        offered = room.offered()
        assert bool(offered) is (room.stage is not Stage.CONNECTING), room.stage
        assert all({"Workshop_add", "Workshop_wait"} <= tools for tools in offered), room.stage


async def server_dies(stand: Stand, fault: HouseFault) -> None:
    """A server on the network is killed, and started again after a while."""
    # In life it may take a minute until it is tried again.
    stand.monkeypatch.setattr(mcp_server, "Backoff", partial(Backoff, limit_s=1.0))
    port = free_port()
    async with AsyncExitStack() as stack:
        async with serving(port) as url:
            server = subentry(WORKSHOP, SUBENTRY_MCP_SERVER, {CONF_TRANSPORT: "streamable_http", CONF_URL: url})
            prepare, chosen = wait_in_the_workshop(stand.folder), {CONF_MCP_SERVERS: [WORKSHOP]}
            made = rooms(stand.hass, stand.folder, stand.monkeypatch, server, prepare=prepare, **chosen)
            all_rooms = await stack.enter_async_context(made)
            assert_offered(all_rooms)
            befall(all_rooms)
        await all_of([does_without(room) for room in all_rooms])
        async with serving(port):
            await all_of([has_it_again(room, fault) for room in all_rooms])


async def does_without(room: Room) -> None:
    """The session goes on while the server is away, and says so; one that begins then knows nothing of it."""
    await answered(room)
    if room.stage is Stage.STOPPING:
        await room.ended()
        await room.begin_anew()
        assert not room.offered()[-1] & {"Workshop_add", "Workshop_wait"}
        return
    await room.converse(ADD)
    assert "not available" in room.results()[-1]
    assert [one["tool"] for one in room.told if one["event_type"] == "tool_failed"][-1] == "Workshop_add"


async def has_it_again(room: Room, fault: HouseFault) -> None:
    """The server's tools work again, or are there again in the next session, before long."""
    async with asyncio.timeout(PATIENCE_S):
        if room.stage is Stage.STOPPING:
            await room.begin_anew()
            while "Workshop_add" not in room.offered()[-1]:
                await room.begin_anew()
        else:
            while room.results()[-1:] != ["5"]:
                await room.converse(ADD)
            await room.act("stop")
    await hold_to(room, fault)


async def program_dies(stand: Stand, fault: HouseFault) -> None:
    """Servers that are programs are killed, one in each room."""
    pids = stand.folder / "pids"
    await stand.hass.async_add_executor_job(pids.mkdir)
    program = {
        CONF_TRANSPORT: TRANSPORT_STDIO,
        CONF_COMMAND: sys.executable,
        CONF_ARGUMENTS: [*WORKSHOP_SERVER, "stdio", str(pids)],
    }
    server = subentry(WORKSHOP, SUBENTRY_MCP_SERVER, program)
    prepare, chosen = wait_in_the_workshop(stand.folder), {CONF_MCP_SERVERS: [WORKSHOP]}
    async with rooms(stand.hass, stand.folder, stand.monkeypatch, server, prepare=prepare, **chosen) as all_rooms:
        assert_offered(all_rooms)
        befall(all_rooms)
        killed = [int(path.name) for path in await stand.hass.async_add_executor_job(lambda: list(pids.iterdir()))]
        assert len(killed) == len(all_rooms)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        await all_of([answered(room) for room in all_rooms])
        await all_of([has_it_again(room, fault) for room in all_rooms])
        started = [int(path.name) for path in await stand.hass.async_add_executor_job(lambda: list(pids.iterdir()))]
        assert sum(lives(pid) for pid in started) == len(all_rooms)
    assert not any(lives(pid) for pid in started)


async def call_has_failed(room: Room) -> None:
    """The call that was under way is told as failed, in the activity and in the response, once."""
    told = [one["tool"] for one in room.told if one["event_type"] in ("tool_failed", "tool_called")]
    assert told[0] == "Workshop_wait"
    assert room.happened.count("tool_failed") >= 1
    assert [tool["ok"] for tool in response_of(room)["tools"] if tool["name"] == "Workshop_wait"] == [False]


async def said_so(room: Room) -> None:
    """The model was told that the call has failed, and what it says to that was heard."""
    assert "not available" in room.results()[0]
    assert ANSWER in [turn["text"] for turn in response_of(room)["turns"]]
    await went_on_speaking(room)


async def works_again(room: Room) -> None:
    """A tool has its result after all."""
    assert room.results()[-1] == "5"
    assert [tool["ok"] for tool in response_of(room)["tools"]][-1]


CALL_FAILS = Told("a call that is under way fails: *Activity*: `tool_failed`", call_has_failed, (Stage.IN_A_TOOL,))
SAYS_SO = Told("the agent says so", said_so, (Stage.IN_A_TOOL,))

SERVER_DIES = HouseFault(
    "An MCP server dies",
    server_dies,
    GOES_ON,
    seen=(CALL_FAILS,),
    heard=(SAYS_SO,),
    conversation=(
        Told(
            "goes on, and the server's tools fail until it is back; one that begins meanwhile does without",
            works_again,
            LIVE,
        ),
    ),
)
PROGRAM_DIES = HouseFault(
    "An MCP server that is a program dies",
    program_dies,
    GOES_ON,
    seen=(CALL_FAILS,),
    heard=(SAYS_SO,),
    conversation=(Told("goes on, and the program is started again", works_again, LIVE),),
)
