"""A server of tools that behaves as no server should, line by line: odd.py BEHAVIOUR [FILE]."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

BEHAVIOUR = sys.argv[1]
VERSIONS = [1]
SCHEMAS = {
    "union": {"type": "object", "properties": {"x": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
    "types": {"type": ["object", "null"], "properties": {"x": {"type": ["string", "integer"]}}},
    "numbers": {"properties": {"level": {"enum": [1, 2.5, None, True]}}},
    "references": {
        "$ref": "#/$defs/Args",
        "$defs": {"Args": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Args"}}, "required": ["next"]}},
    },
    "nothing": None,
    "text": "a string",
    "huge": {"type": "object", "properties": {"x": {"default": 2**70}}},
}


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(request, result):
    send({"id": request["id"], "result": result})


def text(words):
    return {"content": [{"type": "text", "text": words}]}


def listing(request):
    cursor = request.get("params", {}).get("cursor")
    if BEHAVIOUR == "schemas":
        names = list(SCHEMAS)[:3] if cursor is None else list(SCHEMAS)[3:]
        tools = [{"name": name, "inputSchema": SCHEMAS[name], "annotations": "odd"} for name in names]
        page = {"tools": [*tools, {"title": "nameless"}, 7, {"name": "missing schema"}]}
        return page | ({"nextCursor": "2"} if cursor is None else {})
    if BEHAVIOUR == "endless list":
        return {"tools": [{"name": "a", "inputSchema": {"type": "object"}}], "nextCursor": "again"}
    if BEHAVIOUR == "no list":
        return {"tools": "none"}
    names = ["odd.tool", "odd tool", "x" * 80, "x" * 80 + "y", "ok"]
    described = {"description": f"v{VERSIONS[-1]}", "inputSchema": {"type": "object"}}
    return {"tools": [{"name": name, **described} for name in names]}


def ping_first(request):
    # A request of the server's own that has the very id of the call.
    send({"id": request["id"], "method": "ping"})
    pong = json.loads(sys.stdin.readline())
    assert pong == {"jsonrpc": "2.0", "id": request["id"], "result": {}}, pong
    answer(request, text("ponged"))


def write_forever(request):
    while True:
        sys.stdout.write("x" * 1_000_000)
        sys.stdout.flush()


def answer_and_die(request):
    answer(request, text("my last words"))
    os._exit(0)


def close_output(request):
    os.close(1)
    time.sleep(60)


def show_blocks(request):
    answer(request, {"content": [{"type": "hologram", "data": 1}, "bare", {"type": "text"}], "isError": None})


def change(request):
    VERSIONS.append(VERSIONS[-1] + 1)
    send({"method": "notifications/tools/list_changed"})
    answer(request, text("changed"))


def refuse(request):
    send({"id": request["id"], "error": {"code": -32602, "message": "I do not want to"}})


CALLS = {
    "pings": ping_first,
    "endless line": write_forever,
    "last words": answer_and_die,
    "closes": close_output,
    "blocks": show_blocks,
    "changes": change,
    "refuses": refuse,
    "stops reading": lambda request: time.sleep(600),
    "big": lambda request: answer(request, text("x" * 3_000_000)),
    "echo": lambda request: answer(request, text(json.dumps(request["params"]))),
    "nonsense": lambda request: answer(request, {"content": [{"type": "text", "text": 7}]}),
    "silent": lambda request: None,
}


def handle(request):
    method = request.get("method")
    if method == "initialize" and BEHAVIOUR == "mute":
        return
    if method == "initialize":
        version = "1999-01-01" if BEHAVIOUR == "old" else request["params"]["protocolVersion"]
        info = {"name": "odd", "version": "1"}
        answer(request, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info})
    elif method == "tools/list" and BEHAVIOUR == "without tools":
        send({"id": request["id"], "error": {"code": -32601, "message": "Method not found"}})
    elif method == "tools/list" and BEHAVIOUR == "deaf" and not Path(sys.argv[2]).exists():
        Path(sys.argv[2]).touch()
        send({"id": request["id"], "error": {"code": -32603, "message": "Not now"}})
    elif method == "tools/list":
        answer(request, listing(request))
        if BEHAVIOUR == "dies at once":
            os._exit(1)
    elif method == "tools/call":
        CALLS.get(BEHAVIOUR, lambda request: answer(request, text("ok")))(request)
    elif method == "notifications/cancelled" and BEHAVIOUR == "silent":
        Path(sys.argv[2]).write_text(json.dumps(request["params"]), encoding="utf-8")


def stubborn():
    """Ignore all polite requests to leave, and have a child that does so too; note both ids."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(
        [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"]
    )
    Path(sys.argv[2]).write_text(f"{os.getpid()} {child.pid}", encoding="utf-8")


if BEHAVIOUR == "exits" or (BEHAVIOUR == "late" and not Path(sys.argv[2]).exists()):
    sys.exit(7)
if BEHAVIOUR == "dies at once":
    with Path(sys.argv[2]).open("a", encoding="utf-8") as starts:
        starts.write("started\n")
if BEHAVIOUR in ("stubborn", "orphan"):
    stubborn()
if BEHAVIOUR == "chatty":
    print("Welcome to the odd server!", flush=True)
    sys.stderr.write("".join(f"noise {number}\n" for number in range(20_000)))
for line in sys.stdin:
    handle(json.loads(line))
if BEHAVIOUR == "stubborn":
    time.sleep(600)
