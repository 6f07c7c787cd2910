"""Whatever an MCP server says of its tools and returns from them: tools that a provider takes, and results."""

import asyncio
import contextlib
import json
import re
import sys
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
import pytest
from aiohttp import web
from homeassistant.const import CONF_TIMEOUT, CONF_URL
from homeassistant.core import HomeAssistant
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice import const
from custom_components.rtvoice.engine import Tools
from custom_components.rtvoice.engine.conversation.values import ToolCall, ToolDefinition
from custom_components.rtvoice.engine.errors import ToolFailedError
from custom_components.rtvoice.engine.mcp import MCPServer, MCPServerHTTP, MCPServerStdio, MCPTools
from custom_components.rtvoice.engine.mcp.listing import mended_listing
from custom_components.rtvoice.engine.mcp.package import load
from custom_components.rtvoice.engine.mcp.results import mended_result, result_text
from custom_components.rtvoice.engine.mcp.schemas import object_schema
from custom_components.rtvoice.engine.options import SessionOptions
from custom_components.rtvoice.engine.providers.openai.codec import update_of
from custom_components.rtvoice.engine.providers.openai.session_config import GENERAL
from simulator import Call, Plan, Say, ScriptedBrain
from tests.ha.test_conversation import converse
from tests.ha.test_equipment import add

from . import scripted
from .explore import explore
from .profile import examples
from .quiet import TOKEN, WORDS, quiet
from .scripted import GIVEN, SECRET, VARIABLE, Script
from .shapes import mutated, nested, wild
from .shown import check_shown

AT_ONCE_S: Final = 2.0
"""How long reading something may hold up the loop, on a slow machine."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_echoes: Final = st.sampled_from([GIVEN, SECRET, f"{SECRET} is not allowed to", f'{{"key": "{SECRET}"}}'])
"""What a server repeats of what it was given."""
_words: Final = st.one_of(_echoes, st.just(WORDS))
"""And of what it was called with."""
_names: Final = st.one_of(
    st.sampled_from(["add", "add", "ADD", "ad d", "", "💥", "a" * 200, "../x", "add\0", "$ref", "properties", "ä"]),
    st.sampled_from([GIVEN, SECRET]),
    st.text(max_size=5),
)
_types: Final = st.one_of(
    st.sampled_from(["object", "object", "string", "array", "int", "null", "Dict", "x", ""]),
    st.lists(st.sampled_from(["object", "null", "string", "x", 5]), max_size=3),
    wild,
)
_references: Final = st.sampled_from(
    [
        "#",
        "#",
        "#/$defs/a",
        "#/$defs/b",
        "#/properties/x",
        "#/allOf/0",
        "#/anyOf/0",
        "http://127.0.0.1:9/x",
        "",
        "#/",
        "x",
        "#/~",
    ]
)


def _schema(deeper: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    many = st.lists(deeper, max_size=3)
    named = st.dictionaries(st.sampled_from(["x", "y", "a/b", "~", ""]), deeper, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": _types,
            "$ref": st.one_of(_references, wild),
            "$defs": st.one_of(st.fixed_dictionaries({"a": deeper, "b": deeper}), wild),
            "properties": st.one_of(named, named, wild),
            "required": st.one_of(st.lists(st.sampled_from(["x", "y", "z", 5, None]), max_size=3), wild),
            "anyOf": st.one_of(many, wild),
            "oneOf": st.one_of(many, wild),
            "allOf": st.one_of(many, wild),
            "items": st.one_of(deeper, many),
            "additionalProperties": st.one_of(st.booleans(), deeper, wild),
            "enum": wild,
            "const": wild,
            "not": deeper,
            "default": wild,
            "minimum": wild,
            "pattern": st.one_of(_names, wild),
            "format": _names,
            "description": st.one_of(_names, wild),
            "$schema": wild,
            "$id": wild,
        },
    )


schemas: Final = st.one_of(
    st.recursive(st.one_of(st.booleans(), st.just({}), wild), _schema, max_leaves=12), _schema(_schema(wild))
)


def check_schema(schema: Any) -> None:
    assert schema["type"] == "object"
    assert isinstance(schema["properties"], dict)
    assert not schema.keys() & {"anyOf", "oneOf", "allOf", "not", "enum", "const", "$ref"}
    orjson.dumps(schema)


@given(schemas)
@examples(80)
def test_any_schema_becomes_one_of_an_object(schema) -> None:
    began_s = time.monotonic()
    made, odd = object_schema(schema)
    assert time.monotonic() - began_s < AT_ONCE_S
    check_schema(made)
    assert all(isinstance(words, str) for words in odd)


_blocks: Final = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": st.one_of(_words, _names, wild)}),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["image", "audio"]),
            "data": st.one_of(st.just("AAAA"), wild),
            "mimeType": st.one_of(_names, wild),
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("resource_link"), "uri": st.one_of(_names, wild), "name": st.one_of(_names, wild)}
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("resource"),
            "resource": st.one_of(
                wild,
                st.fixed_dictionaries({"uri": st.just("x:y")}, optional={"text": wild, "blob": wild, "mimeType": wild}),
            ),
        }
    ),
    wild,
)
results: Final = mutated(
    st.fixed_dictionaries(
        {"content": st.one_of(st.lists(_blocks, max_size=4), wild)},
        optional={
            "isError": st.one_of(st.booleans(), wild),
            "structuredContent": st.one_of(wild, nested),
            "_meta": wild,
            "resultType": wild,
        },
    )
)
_tool: Final = st.fixed_dictionaries(
    {"name": st.one_of(_names, _names, wild)},
    optional={
        "description": st.one_of(_echoes, _names, wild),
        "title": wild,
        "inputSchema": schemas,
        "outputSchema": wild,
        "annotations": wild,
        "_meta": wild,
    },
)
listings: Final = mutated(
    st.fixed_dictionaries(
        {"tools": st.one_of(st.lists(st.one_of(_tool, wild), max_size=5), wild)},
        optional={"nextCursor": st.one_of(st.sampled_from(["1", "2", ""]), wild), "_meta": wild},
    )
)


@given(results)
@examples(80)
def test_any_result_is_text_or_a_failure(result) -> None:
    if not isinstance(result, dict):
        return
    try:
        text = result_text(mended_result(result))
    except ToolFailedError as err:
        text = str(err)
    assert isinstance(text, str)


@given(listings)
@examples(60)
def test_any_list_of_tools_can_be_read(listing) -> None:
    if not isinstance(listing, dict):
        return
    page = mended_listing(listing)
    for tool in page["tools"]:
        assert isinstance(tool["name"], str)
        assert isinstance(tool["description"], str)
        check_schema(tool["inputSchema"])


def _mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(usual, usual, _words, wild)


_greetings: Final = st.one_of(
    st.just({}),
    st.just({}),
    st.fixed_dictionaries({"serverInfo": st.fixed_dictionaries({"name": _echoes, "version": st.just("1")})}),
    st.fixed_dictionaries(
        {},
        optional={
            "protocolVersion": _mostly(wild),
            "capabilities": _mostly(wild),
            "serverInfo": _mostly(wild),
            "instructions": _mostly(wild),
        },
    ),
)


def _errors(told: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    codes = st.sampled_from([-32700, -32601, -32602, -32000, 0, 401])
    error = st.fixed_dictionaries({"code": codes, "message": told}, optional={"data": st.one_of(told, wild)})
    return st.one_of(st.none(), error, mutated(error))


_about: Final = st.fixed_dictionaries(
    {},
    optional={
        "progressToken": _mostly(wild),
        "progress": _mostly(wild),
        "requestId": _mostly(wild),
        "reason": _mostly(wild),
        "level": _mostly(st.just("error")),
        "data": _mostly(wild),
        "uri": _mostly(wild),
        "messages": _mostly(wild),
        "message": _mostly(wild),
    },
)
_notices: Final = st.lists(
    st.fixed_dictionaries(
        {
            "method": st.one_of(
                st.sampled_from(
                    [
                        "notifications/tools/list_changed",
                        "notifications/tools/list_changed",
                        "notifications/message",
                        "notifications/progress",
                        "notifications/cancelled",
                        "notifications/resources/updated",
                        "sampling/createMessage",
                        "elicitation/create",
                        "roots/list",
                        "ping",
                        SECRET,
                    ]
                ),
                _names,
            )
        },
        optional={"params": st.one_of(_about, _about, _mostly(wild)), "id": st.one_of(st.integers(0, 5), _names)},
    ),
    max_size=3,
)
"""What a server says of its own accord: with an id it wants an answer."""
_raw: Final = st.one_of(
    st.none(),
    st.none(),
    st.sampled_from(["{", "[]", "null", '{"jsonrpc": "2.0"}', "[" * 3000, '{"jsonrpc":"2.0","id":"\\ud800"}']),
    st.sampled_from(
        [
            GIVEN,
            f'"{SECRET}"',
            f'{{"jsonrpc": "2.0", "id": 1, "result": "{SECRET}"}}',
            f'{{"jsonrpc": "2.0", "id": "{SECRET}", "result": {{}}}}',
            f'{{"jsonrpc": "2.0", "id": ["{SECRET}"], "error": "{WORDS}"}}',
            f'{{"jsonrpc": "2.0", "method": ["{SECRET}"]}}',
        ]
    ),
)
dealings: Final = st.fixed_dictionaries(
    {
        "greeting": _greetings,
        "listings": st.lists(listings, min_size=1, max_size=3),
        "results": st.lists(results, max_size=4),
        "errors": st.one_of(st.just([]), st.lists(_errors(_echoes), max_size=2)),
        "failures": st.one_of(st.just([]), st.lists(_errors(_words), max_size=4)),
        "notices": st.one_of(st.just([]), st.lists(_notices, max_size=4)),
        "raw": st.one_of(st.just([]), st.just([]), st.lists(_raw, max_size=4)),
    }
)


class Server:
    """A server over HTTP, by both transports, that says what a script wants and repeats who it was called by."""

    def __init__(self) -> None:
        self.script = Script({})
        self.repeated = 0
        """How often a secret was really told."""
        self.closed = asyncio.Event()
        self._listening: web.StreamResponse | None = None

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/sse":
            return await self._listen(request)
        if request.method != "POST":
            return web.Response(status=405)
        try:
            message = await request.json()
        except ConnectionError:
            return web.Response(status=400)
        replies = self.script.replies(message, request.headers.get("Authorization", "nobody"))
        self.repeated += sum(TOKEN in reply for reply in replies)
        if request.path == "/messages":
            assert self._listening is not None
            await self._tell(self._listening, replies)
            return web.Response(status=202)
        if len(replies) == 1:
            return web.Response(text=replies[0], content_type="application/json")
        if not replies:
            return web.Response(status=202)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await self._tell(response, replies)
        return response

    async def _listen(self, request: web.BaseRequest) -> web.StreamResponse:
        self._listening = response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"event: endpoint\ndata: /messages\n\n")
        await self.closed.wait()
        return response

    async def _tell(self, response: web.StreamResponse, replies: list[str]) -> None:
        # Whoever has gone hears no more.
        with contextlib.suppress(ConnectionError):
            for reply in replies:
                await response.write(f"event: message\ndata: {reply}\n\n".encode())


@pytest.fixture
async def server(socket_enabled) -> AsyncIterator[tuple[Server, str]]:
    told = Server()
    runner = web.ServerRunner(web.Server(told.serve), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield told, f"http://127.0.0.1:{runner.addresses[0][1]}"
    told.closed.set()
    await runner.cleanup()


_HEADERS: Final = {"Authorization": f"Bearer {TOKEN}"}


async def use(server: MCPServer) -> None:
    """Have a session with a server's tools; what comes of it is bounded, and tells no secret."""
    # The first import takes longer than answers are waited for.
    await load()
    registry = Tools()
    there = ToolDefinition("x_add", "It was there before")
    registry.register(there, lambda _: asyncio.sleep(0))
    with quiet():
        async with MCPTools([server], registry) as tools:
            definitions = registry.definitions()
            assert there in [ToolDefinition(one.name, one.description) for one in definitions]
            assert all(_NAME.fullmatch(one.name) for one in definitions)
            assert not any(TOKEN in one.name for one in definitions)
            orjson.dumps(update_of(GENERAL.session_of(SessionOptions(model="x", tools=definitions)), "setup-1"))
            for definition in definitions:
                outcome = await registry.run(ToolCall("c", definition.name, f'{{"text": "{WORDS}"}}'))
                outcome.output.encode()
                assert len(outcome.output) <= 16_000
            assert TOKEN not in server.name
            assert all(TOKEN not in problem.message + problem.server for problem in tools.problems)


@pytest.mark.parametrize(("transport", "count"), [("streamable_http", 30), ("sse", 15)])
async def test_no_server_breaks_a_session(server, transport, count) -> None:
    told, url = server
    path = "sse" if transport == "sse" else "mcp"

    async def attempt(script: dict[str, Any]) -> None:
        told.script = Script(script)
        await use(MCPServerHTTP(f"{url}/{path}", headers=_HEADERS, transport=transport, timeout=0.4))

    await explore(dealings, count, attempt)
    assert told.repeated > count / 3


async def test_no_program_breaks_a_session(socket_enabled, tmp_path) -> None:
    script = tmp_path / "script.json"

    async def attempt(dealings: dict[str, Any]) -> None:
        script.write_text(json.dumps(dealings), encoding="utf-8")
        environment = {VARIABLE: f"Bearer {TOKEN}"}
        await use(MCPServerStdio(sys.executable, [scripted.__file__, str(script)], env=environment, timeout=0.6))

    await explore(dealings, 8, attempt)


_deep: Final = st.integers(1, 5000).map(lambda depth: b'{"properties":{"x":' * depth + b"{}" + b"}}" * depth)


@given(_deep)
@examples(5)
def test_a_schema_may_be_as_deep_as_it_likes(text) -> None:
    with contextlib.suppress(orjson.JSONDecodeError):
        made, _ = object_schema(orjson.loads(text))
        Draft202012Validator.check_schema(made)


async def test_what_a_server_repeats_is_shown_to_nobody(
    hass: HomeAssistant,
    house: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    server: tuple[Server, str],
) -> None:
    """Neither in diagnostics nor in states, problems or the log of Home Assistant."""
    told, url = server
    shop = {const.CONF_TRANSPORT: "streamable_http", CONF_URL: f"{url}/mcp", const.CONF_AUTHORIZATION: TOKEN}
    await add(hass, setup_integration, const.SUBENTRY_MCP_SERVER, "Shop", {**shop, CONF_TIMEOUT: 1})

    async def attempt(dealings: dict[str, Any]) -> None:
        told.script = Script(dealings)
        calls = [Plan((Call("Shop_add"),))]
        brain.respond_with = lambda _: calls.pop() if calls else Plan((Say(f"{WORDS}.", seconds=0.1),))
        with quiet():
            assert await hass.config_entries.async_reload(setup_integration.entry_id)
            await converse(hass, WORDS)
            await check_shown(hass, setup_integration)

    await explore(dealings, 6, attempt)
    assert told.repeated
