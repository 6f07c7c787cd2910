"""Whatever an MCP server says of its tools and returns from them: tools that a provider takes, and results."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from custom_components.rtvoice.engine import Tools
from custom_components.rtvoice.engine.conversation.values import ToolCall, ToolDefinition
from custom_components.rtvoice.engine.errors import ToolFailedError
from custom_components.rtvoice.engine.mcp import MCPServerHTTP, MCPTools
from custom_components.rtvoice.engine.mcp.listing import mended_listing
from custom_components.rtvoice.engine.mcp.results import mended_result, result_text
from custom_components.rtvoice.engine.mcp.schemas import object_schema
from custom_components.rtvoice.engine.options import SessionOptions
from custom_components.rtvoice.engine.providers.openai.codec import update_of
from custom_components.rtvoice.engine.providers.openai.session_config import GENERAL

from .explore import explore
from .profile import examples
from .quiet import WORDS, quiet
from .shapes import mutated, nested, wild

AT_ONCE_S: Final = 2.0
"""How long reading something may hold up the loop, on a slow machine."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SECRET: Final = "Bearer mcp-secret-0123456789"

_names: Final = st.one_of(
    st.sampled_from(["add", "add", "ADD", "ad d", "", "💥", "a" * 200, "../x", "add\0", "$ref", "properties", "ä"]),
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
    st.fixed_dictionaries({"type": st.just("text"), "text": st.one_of(st.just(WORDS), _names, wild)}),
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
        "description": st.one_of(_names, wild),
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


class Server:
    """A server over HTTP that says what a test wants."""

    def __init__(self) -> None:
        self.greeting: Any = {}
        self.listings: list[Any] = []
        self.results: list[Any] = []
        self.raw: list[bytes] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response(status=405)
        message = await request.json()
        match message.get("method"):
            case "initialize":
                version = message["params"]["protocolVersion"]
                hello = {
                    "protocolVersion": version,
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "x", "version": "1"},
                }
                result = {**hello, **self.greeting}
            case "tools/list":
                result = self.listings.pop(0) if self.listings else {"tools": []}
            case "tools/call":
                result = self.results.pop(0) if self.results else {"content": []}
            case _:
                return web.Response(status=202)
        if self.raw:
            return web.Response(body=self.raw.pop(0), content_type="application/json")
        body = orjson.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result})
        return web.Response(body=body, content_type="application/json")


@pytest.fixture
async def server(socket_enabled) -> AsyncIterator[tuple[Server, str]]:
    told = Server()
    runner = web.ServerRunner(web.Server(told.serve), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield told, f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    await runner.cleanup()


_greetings: Final = st.one_of(
    st.just({}),
    st.just({}),
    st.fixed_dictionaries(
        {}, optional={"protocolVersion": wild, "capabilities": wild, "serverInfo": wild, "instructions": wild}
    ),
)
_raw: Final = st.lists(
    st.sampled_from(
        [b"", b"{", b"[]", b"null", b'{"jsonrpc": "2.0"}', b"[" * 3000, b'{"jsonrpc":"2.0","id":"\\ud800"}']
    ),
    max_size=2,
)
_dealings: Final = st.tuples(
    _greetings,
    st.lists(listings, min_size=1, max_size=3),
    st.lists(results, max_size=4),
    st.one_of(st.just([]), st.just([]), _raw),
)


async def test_no_server_breaks_a_session(server) -> None:
    told, url = server

    async def attempt(dealings: tuple[Any, list[Any], list[Any], list[bytes]]) -> None:
        told.greeting, told.listings, told.results, told.raw = dealings
        registry = Tools()
        there = ToolDefinition("x_add", "It was there before")
        registry.register(there, lambda _: asyncio.sleep(0))
        with quiet(secrets=(_SECRET,)):
            async with MCPTools([MCPServerHTTP(url, headers={"Authorization": _SECRET}, timeout=1)], registry) as tools:
                definitions = registry.definitions()
                assert there in [ToolDefinition(one.name, one.description) for one in definitions]
                assert all(_NAME.fullmatch(one.name) for one in definitions)
                orjson.dumps(update_of(GENERAL.session_of(SessionOptions(model="x", tools=definitions)), "setup-1"))
                for definition in definitions:
                    outcome = await registry.run(ToolCall("c", definition.name, "{}"))
                    outcome.output.encode()
                    assert len(outcome.output) <= 16_000
                assert all(_SECRET not in problem.message for problem in tools.problems)

    await explore(_dealings, 8, attempt)


_deep: Final = st.integers(1, 5000).map(lambda depth: b'{"properties":{"x":' * depth + b"{}" + b"}}" * depth)


@given(_deep)
@examples(5)
def test_a_schema_may_be_as_deep_as_it_likes(text) -> None:
    with contextlib.suppress(orjson.JSONDecodeError):
        made, _ = object_schema(orjson.loads(text))
        Draft202012Validator.check_schema(made)
