"""A server may repeat what it was entrusted with in whatever it says: it gets into no log and into no text about it."""

import inspect
import json
import logging
import sys
from typing import Any

import pytest
from aiohttp import web

from custom_components.rtvoice.engine import Tools
from custom_components.rtvoice.engine.conversation.values import ToolCall
from custom_components.rtvoice.engine.mcp import MCPServer, MCPServerHTTP, MCPServerStdio, MCPTools
from custom_components.rtvoice.engine.mcp.discretion import Discretion, discreet, hush
from custom_components.rtvoice.engine.mcp.package import load
from tests.engine.mcp.rig import until
from tests.engine.mcp.test_http import answering

SECRET = "sesame-0123456789-open"
GIVEN = f"Bearer {SECRET}"
OBJECT = {"type": "object"}

SAID: dict[str, dict[str, Any]] = {
    "its own name": {"initialize": {"result": {"serverInfo": {"name": SECRET, "version": "1"}}}},
    "a name": {"tools/list": {"result": {"tools": [{"name": f"look {SECRET}", "inputSchema": OBJECT}]}}},
    "an odd name": {"tools/list": {"result": {"tools": [{"name": SECRET, "inputSchema": 5}]}}},
    "an error about the list": {"tools/list": {"error": {"code": -32603, "message": f"Not with {GIVEN}"}}},
    "an error about a call": {"tools/call": {"error": {"code": -32602, "message": f"Not with {GIVEN}"}}},
    "an answer that is none": {"tools/call": {"result": SECRET}},
    "another's answer": {"tools/call": {"id": SECRET, "result": {}}},
    "a notification": {"tools/list": {"before": {"method": SECRET, "params": {"x": GIVEN}}}},
    "a request": {"tools/list": {"before": {"id": 1, "method": "sampling/createMessage", "params": {"x": GIVEN}}}},
    "what is no JSON": {"tools/call": {"raw": f"{{{SECRET}"}},
    "JSON that is no message": {"tools/call": {"raw": json.dumps([GIVEN])}},
}
LOST = {"an answer that is none", "another's answer", "what is no JSON", "JSON that is no message"}
"""These are answers to nothing, so that the call ends by its timeout."""
PROGRAM = """
import json, os, sys
said = json.loads(sys.argv[1])
print(os.environ["KEY"], sys.argv[2], file=sys.stderr, flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if "id" in message and "method" in message:
        for text in TEXTS(said, message):
            print(text, flush=True)
"""


def texts(said: dict[str, Any], message: dict[str, Any]) -> list[str]:
    """What a message is answered by."""
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "x", "version": "1"},
    }
    usual = {
        "initialize": hello,
        "tools/list": {"tools": [{"name": "look", "inputSchema": {"type": "object"}}]},
        "tools/call": {"content": []},
    }[message["method"]]
    told = dict(said.get(message["method"], {}))
    before, raw = told.pop("before", None), told.pop("raw", None)
    if isinstance(told.get("result"), dict):
        told["result"] = {**usual, **told["result"]}
    body = told if {"result", "error"} & told.keys() else {"result": usual}
    answer = raw or json.dumps({"jsonrpc": "2.0", "id": message["id"], **body})
    return [answer] if before is None else [json.dumps({"jsonrpc": "2.0", **before}), answer]


async def use(server: MCPServer) -> tuple[Tools, MCPTools]:
    """Have all tools of a server called."""
    registry = Tools()
    async with MCPTools([server], registry) as tools:
        for name in registry.names():
            await registry.run(ToolCall("c", name, "{}"))
        assert SECRET not in str([problem.message + problem.server for problem in tools.problems])
        assert SECRET not in str(registry.names())
    return registry, tools


@pytest.mark.parametrize("what", SAID)
@pytest.mark.parametrize("transport", ["streamable_http", "program"])
async def test_what_it_repeats_is_not_told(what, transport, caplog) -> None:
    # The first import takes longer than some answers are waited for.
    await load()
    said, timeout_s = SAID[what], 0.5 if what in LOST else 20.0
    caplog.set_level(logging.DEBUG)
    answered = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.headers["Authorization"] == GIVEN
        try:
            message = await request.json() if request.method == "POST" else {}
        except ConnectionError:
            # Whoever has gone asks no more.
            message = {}
        if "method" not in message or "id" not in message:
            return web.Response(status=202 if message else 405)
        answered.append(message["method"])
        lines = texts(said, message)
        if len(lines) == 1:
            return web.Response(text=lines[0], content_type="application/json")
        body = "".join(f"event: message\ndata: {line}\n\n" for line in lines)
        return web.Response(text=body, content_type="text/event-stream")

    if transport == "program":
        program = inspect.getsource(texts).replace("Any", "object") + PROGRAM.replace("TEXTS", "texts")
        arguments = ["-c", "import json\n" + program, json.dumps(said), f"--key={SECRET}"]
        await use(MCPServerStdio(sys.executable, arguments, env={"KEY": GIVEN}, timeout=timeout_s))
        await until(lambda: "MCP server python: " in caplog.text)
    else:
        async with answering(answer) as url:
            await use(
                MCPServerHTTP(url, headers={"Authorization": GIVEN}, transport="streamable_http", timeout=timeout_s)
            )
        assert {"initialize", "tools/list"} <= set(answered)
        assert said.keys() <= set(answered)
    assert caplog.records
    assert SECRET not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert {record.name.partition(".")[0] for record in caplog.records} <= {"custom_components", "asyncio", "aiohttp"}


def test_a_secret_is_also_what_stands_behind_a_scheme_or_an_option() -> None:
    discretion = Discretion(["Bearer sesame-open", "--key=sesame-shut", "short"])
    assert discretion("Bearer sesame-open sesame-open --key=sesame-shut sesame-shut short") == "… … … … short"


def test_a_tool_may_be_named_after_what_is_hardly_a_secret() -> None:
    discretion = Discretion(["production", SECRET])
    assert not discretion.is_broken_by("production_list")
    assert discretion.is_broken_by(f"list_{SECRET}")


def test_what_others_log_with_the_same_packages_is_left_alone(caplog) -> None:
    caplog.set_level(logging.DEBUG)
    theirs = logging.getLogger("mcp.client.streamable_http")
    hush()
    theirs.warning("Theirs")
    with discreet(Discretion([SECRET])):
        theirs.error("Ours: %s\nmore of it: %s", SECRET, SECRET[:5], exc_info=ValueError(SECRET))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "Theirs"),
        ("DEBUG", "mcp.client.streamable_http: Ours: … (ValueError)"),
    ]
