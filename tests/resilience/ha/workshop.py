"""A server of tools that starts at once, line by line: workshop.py FOLDER. It leaves its process id in the folder."""

import json
import os
import sys
from pathlib import Path
from typing import Any

TOOLS = [
    {
        "name": "add",
        "inputSchema": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}},
    },
    {"name": "wait", "inputSchema": {"type": "object", "properties": {"witness": {"type": "string"}}}},
]


def answer(request: dict[str, Any], result: dict[str, Any]) -> None:
    """Write a response."""
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}) + "\n")
    sys.stdout.flush()


def handle(request: dict[str, Any]) -> None:
    """Do what is asked; a call of `wait` says so in the file `witness`, and is never answered."""
    match request["method"]:
        case "initialize":
            version = request["params"]["protocolVersion"]
            info = {"name": "workshop", "version": "1"}
            answer(request, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info})
        case "tools/list":
            answer(request, {"tools": TOOLS})
        case "tools/call" if request["params"]["name"] == "wait":
            Path(request["params"]["arguments"]["witness"]).write_text("started", encoding="utf-8")
        case "tools/call":
            given = request["params"]["arguments"]
            answer(request, {"content": [{"type": "text", "text": str(given["a"] + given["b"])}]})


(Path(sys.argv[1]) / str(os.getpid())).touch()
for line in sys.stdin:
    handle(json.loads(line))
