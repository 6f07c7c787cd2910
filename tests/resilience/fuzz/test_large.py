"""Ten megabytes where a few words are expected: told clearly, bounded, and over soon."""

import asyncio
import contextlib
import functools
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from aiohttp import web
from homeassistant.core import HomeAssistant
from mcp.types import JSONRPCMessage

from custom_components.rtvoice.bridge.tools import MAX_OUTPUT_CHARS, Toolbox
from custom_components.rtvoice.bridge.wyoming.link import LinkState, WyomingLink
from custom_components.rtvoice.bridge.wyoming.probe import Finding, async_probe
from custom_components.rtvoice.engine import Tools
from custom_components.rtvoice.engine.conversation.values import ToolCall
from custom_components.rtvoice.engine.errors import ToolError
from custom_components.rtvoice.engine.mcp import MCPServerHTTP, MCPServerStdio, MCPTools
from custom_components.rtvoice.engine.tools.parameters import MAX_ARGUMENTS_CHARS
from tests.engine.mcp.rig import odd
from tests.engine.mcp.test_http import answer, answering
from tests.engine.virtual_time import run
from tests.ha.house import LIGHT
from tests.ha.test_tools_actions import pictures  # noqa: F401 - a fixture

from . import scripted
from .quiet import TOKEN, quiet
from .scripted import Script
from .test_tools import LOCK, everyday, toolbox  # noqa: F401 - a fixture
from .test_wyoming import Ear, Satellite

LARGE: Final = 10_000_000
MOST_HELD: Final = 1.6
"""It may hold up the loop so many times as long as the mcp package takes to read as much, more than a second here."""
OVER_WITHIN_S: Final = 20.0
SMALL_PARTS: Final = [{"type": "text", "text": "x"}] * (LARGE // 34)


@functools.cache
def reading_s() -> float:
    """Processor time that the package takes for a message of LARGE characters of small parts, on this machine."""
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": SMALL_PARTS}})
    began_s = time.thread_time()
    JSONRPCMessage.model_validate_json(text)
    return time.thread_time() - began_s


@asynccontextmanager
async def watched() -> AsyncIterator[None]:
    """Fail if the block takes long, or lets nothing else run for long."""
    loop, held_s = asyncio.get_running_loop(), [0.0]

    async def watch() -> None:
        while True:
            asked_s = time.thread_time()
            await asyncio.sleep(0.005)
            held_s.append(time.thread_time() - asked_s)

    watching = loop.create_task(watch())
    await asyncio.sleep(0.01)
    try:
        async with asyncio.timeout(OVER_WITHIN_S):
            began_s = time.thread_time()
            yield
            held_s.append(time.thread_time() - began_s if len(held_s) < 3 else 0.0)
            # What held it up last is noticed now.
            await asyncio.sleep(0.01)
    finally:
        watching.cancel()
    assert max(held_s) < MOST_HELD * reading_s()


ARGUMENTS: Final = (
    {"text": "x" * LARGE},
    {"names": ["x" * LARGE]},
    {"names": ["Front door"] * (LARGE // 12)},
    {"entity_id": ["light.x"] * (LARGE // 10)},
    {"entity_id": LIGHT, "more": "x" * LARGE},
    {"entity_id": LOCK, "confirmation_token": "front door " * (LARGE // 11)},
    {"more": {str(number): number for number in range(LARGE // 14)}},
)


async def check_refused(tools: Tools, name: str, arguments: str) -> None:
    async with watched():
        outcome = await tools.run(ToolCall("c", name, arguments))
    assert outcome.ok is False
    assert outcome.output == (
        f"Tool '{name}' was not called: arguments: {len(arguments)} characters are too many,"
        f" no more than {MAX_ARGUMENTS_CHARS} are taken"
    )


async def test_arguments_of_a_tool_of_the_house(toolbox: Toolbox, hass: HomeAssistant) -> None:  # noqa: F811
    with quiet(warnings=False):
        for name in ("get_state", "watch", "light__turn_on", "lock__unlock"):
            for arguments in map(json.dumps, ARGUMENTS):
                assert len(arguments) > 8_000_000
                await check_refused(toolbox.tools, name, arguments)
    assert hass.states.get(LOCK).state == "locked"


async def test_arguments_of_other_tools() -> None:
    tools = everyday()
    arguments = json.dumps({"text": "x" * LARGE})
    with quiet(warnings=False):
        for name in ("many", "slow", "wait_for_user"):
            await check_refused(tools, name, arguments)
        assert tools.status_of(ToolCall("c", "slow", arguments)) is None
        # As many as are taken are taken.
        fits = json.dumps({"text": "x" * (MAX_ARGUMENTS_CHARS - 12)})
        assert len(fits) == MAX_ARGUMENTS_CHARS
        assert (await tools.run(ToolCall("c", "many", fits))).ok


async def test_arguments_and_the_name_of_a_tool_that_is_not_there() -> None:
    async with watched():
        outcome = await everyday().run(ToolCall("c", "x" * LARGE, json.dumps({"text": "x" * LARGE})))
    assert not outcome.ok
    assert outcome.output.startswith("There is no tool 'xxx")
    assert len(outcome.output) <= 16_000


@pytest.mark.parametrize("block", ["text", "structure", "many"])
@pytest.mark.parametrize("way", ["http", "program"])
async def test_a_result_of_a_server(socket_enabled, tmp_path, block: str, way: str) -> None:
    result = {
        "text": {"content": [{"type": "text", "text": "x" * LARGE}]},
        "structure": {"content": [], "structuredContent": {"x": ["y" * 1000] * (LARGE // 1000)}},
        "many": {"content": SMALL_PARTS},
    }[block]
    dealings = {"results": [result]}
    registry = Tools(max_output_chars=MAX_OUTPUT_CHARS)

    async def use(server: Any) -> None:
        async with MCPTools([server], registry):
            (name,) = registry.names()
            async with watched():
                outcome = await registry.run(ToolCall("c", name, "{}"))
            assert outcome.ok
            assert len(outcome.output) <= MAX_OUTPUT_CHARS
            assert ("more parts are left out]" if block == "many" else "[cut, ") in outcome.output
            # It can be called again.
            assert (await registry.run(ToolCall("c", name, "{}"))).ok

    with quiet(warnings=False):
        if way == "program":
            path = tmp_path / "script.json"
            path.write_text(json.dumps(dealings), encoding="utf-8")
            environment = {scripted.VARIABLE: f"Bearer {TOKEN}"}
            await use(MCPServerStdio(scripted.PYTHON, [scripted.__file__, str(path)], env=environment))
            return
        script = Script(dealings)

        async def serve(request: web.BaseRequest) -> web.StreamResponse:
            if request.method != "POST":
                return web.Response(status=405)
            replies = script.replies(await request.json(), TOKEN)
            return (
                web.Response(text=replies[0], content_type="application/json") if replies else web.Response(status=202)
            )

        async with answering(serve) as url:
            await use(MCPServerHTTP(f"{url}/mcp", transport="streamable_http"))


@pytest.mark.parametrize("way", ["http", "program"])
async def test_a_result_without_end_says_so(socket_enabled, way: str) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        if request.method != "POST" or (await request.json())["method"] != "tools/call":
            return await answer(request)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 1_000_000)
        return response

    async with answering(endless) as url:
        server = odd("endless line", timeout=30) if way == "program" else MCPServerHTTP(f"{url}/mcp", timeout=30)
        async with server:
            await server.list_tools()
            with pytest.raises(ToolError, match="it sent a message of more than 16777216 bytes"):
                async with watched():
                    await server.call_tool("ok")


EVENTS: Final = {
    "a line": b"x" * LARGE + b"\n",
    "a header": json.dumps({"type": "ping", "data": {"text": "x" * LARGE}}).encode() + b"\n",
    "data": json.dumps({"type": "ping", "data_length": LARGE}).encode() + b"\n" + b"x" * LARGE,
    "a payload": json.dumps({"type": "audio-chunk", "data": {"rate": 16_000, "width": 2, "channels": 1}}).encode()[:-1]
    + f', "payload_length": {LARGE}}}\n'.encode()
    + bytes(LARGE),
}
REASONS: Final = {
    "a line": "A line is too long",
    "a header": "A line is too long",
    "data": "data_length is not within bounds",
    "a payload": "payload_length is not within bounds",
}


@pytest.mark.parametrize("what", EVENTS)
def test_an_event_of_a_satellite(socket_enabled, caplog, what: str) -> None:
    """The link ends, tells why, and is made anew."""
    caplog.set_level(logging.DEBUG, "custom_components.rtvoice")

    async def meet() -> None:
        async with Satellite([EVENTS[what]], introduced=True).serving() as satellite:
            link = WyomingLink("127.0.0.1", satellite.port, woken=lambda _: None, changed=lambda: None)
            satellite.act = Ear(link).act
            running = asyncio.create_task(link.run())
            async with watched():
                while "The link to 127.0.0.1" not in caplog.text:
                    await asyncio.sleep(0.1)
            assert link.state is not LinkState.READY
            async with asyncio.timeout(60):
                while link.state is not LinkState.READY:
                    await asyncio.sleep(1)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    with quiet():
        run(meet())
    assert REASONS[what] in caplog.text
    assert max(len(record.getMessage()) for record in caplog.records) < 300


@pytest.mark.parametrize("what", EVENTS)
def test_whoever_says_it_when_asked_who_they_are_is_no_satellite(socket_enabled, what: str) -> None:
    async def ask() -> None:
        async with Satellite([EVENTS[what]], introduced=False).serving() as satellite, watched():
            assert await async_probe("127.0.0.1", satellite.port) is Finding.OTHER

    with quiet():
        run(ask())
