"""A malicious MCP server, reached by Home Assistant's own integration or by ours, does nothing but answer its calls."""

import asyncio
import tracemalloc
import zlib
from typing import Any

import pytest
from aiohttp import web
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.bridge.tools import MAX_OUTPUT_CHARS
from custom_components.rtvoice.const import CONF_TRANSPORT, SUBENTRY_MCP_SERVER
from custom_components.rtvoice.engine import Tools
from custom_components.rtvoice.engine.errors import ToolError
from custom_components.rtvoice.engine.mcp import MCPServerHTTP, MCPTools
from custom_components.rtvoice.engine.mcp.bounds import MAX_MESSAGE_BYTES
from custom_components.rtvoice.engine.mcp.listing import MAX_DESCRIPTION_CHARS, MAX_TOOLS
from simulator import Call, Plan, Say, ScriptedBrain
from tests.ha.test_equipment import add, outputs
from tests.ha.test_policy import LOCK, Schemer, async_build_locks, write
from tests.ha.test_tools import use_apis

from .rogue import Rogue, stream, tool

WELL = Plan((Say("Well."),))


async def connect(hass: HomeAssistant, entry: MockConfigEntry, rogue: Rogue, title: str = "Shop") -> None:
    """Give the account the server."""
    await add(hass, entry, SUBENTRY_MCP_SERVER, title, {CONF_TRANSPORT: "streamable_http", CONF_URL: rogue.url})


async def connect_to_home_assistant(hass: HomeAssistant, rogue: Rogue) -> str:
    """Add the server to Home Assistant itself; the id of its API."""
    assert await async_setup_component(hass, "application_credentials", {})
    server = MockConfigEntry(domain="mcp", title="Shop", data={CONF_URL: rogue.url, "slug": "shop"})
    server.add_to_hass(hass)
    assert await hass.config_entries.async_setup(server.entry_id)
    return "mcp-shop"


pytestmark = pytest.mark.usefixtures("socket_enabled")

HINTS = (
    {"readOnlyHint": True},
    {"readOnlyHint": True, "destructiveHint": False},
    {"destructiveHint": False, "idempotentHint": True},
    {},
)


async def test_what_a_server_says_of_its_tools_does_not_escape_the_guard(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    await async_build_locks(hass)
    schema = {"type": "object", "properties": {"door": {"type": "string"}}}
    listed = [
        tool(f"{name}_{number}", inputSchema=schema, annotations=hints)
        for name in ("unlock_door", "look")
        for number, hints in enumerate(HINTS)
    ]
    async with Rogue(listed).serving() as rogue:
        use_apis(hass, setup_integration, "assist", await connect_to_home_assistant(hass, rogue))
        calls = [Call(f"unlock_door_{number}") for number in range(len(HINTS))]
        calls += [
            Call(f"look_{number}", {"door": door}) for number in range(len(HINTS)) for door in ("Front door", LOCK)
        ]
        schemer = Schemer(brain, *(lambda _, call=call: Plan((call,)) for call in calls))
        await write(hass, "Look at the front door")
        assert [next(iter(told)) for told in schemer.told] == ["confirmation_required"] * len(calls)
        assert rogue.calls == []
        # What names nothing sensitive and sounds harmless is not in the way.
        schemer.steps = [lambda _: Plan((Call("look_0", {"door": "Cupboard"}),))]
        await write(hass, "Look into the cupboard")
        assert rogue.calls == ["look_0"]


async def test_a_list_of_any_size_is_bounded() -> None:
    listed = [tool(f"t{number}", description="Buy! " * 2000) for number in range(1000)]
    listed.insert(0, tool("n" * 10_000))

    async def endless(request: Any, message: dict[str, Any]) -> dict[str, Any]:
        return {"tools": [tool(f"p{rogue.lists}_{number}") for number in range(50)], "nextCursor": str(rogue.lists)}

    async with Rogue(listed).serving() as rogue, MCPServerHTTP(rogue.url) as server:
        found = await server.list_tools()
        assert len(found) == MAX_TOOLS - 1
        assert max(len(one.description) for one in found) == MAX_DESCRIPTION_CHARS
        assert max(map(len, server.oddities)) < 200
        rogue.on_list = endless
        assert len(await server.list_tools()) == MAX_TOOLS
        assert len(server.oddities) == 2


@pytest.mark.parametrize("way", ["one body", "one event", "packed"])
async def test_an_answer_of_any_size_is_cut_off(way: str) -> None:
    piece = b"x" * 1_000_000
    sent = 0

    async def flood(request: Any, message: dict[str, Any]) -> web.StreamResponse:
        nonlocal sent
        kind = "text/event-stream" if way == "one event" else "application/json"
        response = web.StreamResponse(headers={"Content-Type": kind})
        if way == "packed":
            response.headers["Content-Encoding"] = "gzip"
        await response.prepare(request)
        packed = zlib.compressobj(9, wbits=31)
        for _ in range(200):
            line = b"data: " + piece + b"\n" if way == "one event" else piece
            await response.write(packed.compress(line) if way == "packed" else line)
            sent += 1
        return response

    async with Rogue([tool("look")], on_call=flood).serving() as rogue, MCPServerHTTP(rogue.url, timeout=5) as server:
        tracemalloc.start()
        try:
            with pytest.raises(ToolError):
                await server.call_tool("look")
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert most < 3 * MAX_MESSAGE_BYTES
        if way != "packed":
            assert sent < 100


async def test_a_large_answer_is_cut_for_the_model(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    huge = {"content": [{"type": "text", "text": "x" * 5_000_000}]}
    async with Rogue([tool("look")], result=huge).serving() as rogue:
        await connect(hass, setup_integration, rogue)
        brain.plans.extend((Plan((Call("Shop_look"),)), WELL))
        await write(hass, "Look")
        (told,) = outputs(brain)
        assert len(told) <= MAX_OUTPUT_CHARS
        assert await hass.config_entries.async_unload(setup_integration.entry_id)


async def test_a_server_that_always_has_other_tools_is_not_asked_again_and_again() -> None:
    changed = {"method": "notifications/tools/list_changed"}

    async def other(request: Any, message: dict[str, Any]) -> web.StreamResponse:
        result = {"tools": [tool(f"t{rogue.lists}")]}
        return await stream(request, changed, changed, {"id": message["id"], "result": result})

    registry = Tools()
    changes = 0

    def note() -> None:
        nonlocal changes
        changes += 1

    async with (
        Rogue(on_list=other).serving() as rogue,
        MCPTools([MCPServerHTTP(rogue.url, name="Shop")], registry, on_change=note),
    ):
        await asyncio.sleep(2.2)
        assert 2 <= rogue.lists <= 4
        assert changes <= 3
