"""A server of tools that starts at once, without any package.

workshop.py stdio FOLDER | workshop.py http PORT

The program leaves its process id in the folder. A call of the tool `wait` says in the file `witness` that it has begun,
and is never answered.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, override

TOOLS = [
    {"name": name, "inputSchema": {"type": "object", "properties": {key: {"type": kind} for key in keys}}}
    for name, kind, keys in (("add", "number", ("a", "b")), ("wait", "string", ("witness",)))
]


def result_of(request: dict[str, Any]) -> dict[str, Any] | None:
    """What is answered to a request; None: nothing is."""
    match request["method"]:
        case "initialize":
            version = request["params"]["protocolVersion"]
            info = {"name": "workshop", "version": "1"}
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        case "tools/list":
            return {"tools": TOOLS}
        case "tools/call" if request["params"]["name"] == "wait":
            Path(request["params"]["arguments"]["witness"]).write_text("started", encoding="utf-8")
        case "tools/call":
            given = request["params"]["arguments"]
            return {"content": [{"type": "text", "text": str(given["a"] + given["b"])}]}
    return None


def answer_to(request: dict[str, Any]) -> str | None:
    """The message that answers a request."""
    result = result_of(request)
    return None if result is None else json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result})


class Handler(BaseHTTPRequestHandler):
    """Streamable HTTP: what is answered is a stream of one event."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """A message."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "id" not in request:
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        if (answer := answer_to(request)) is None:
            threading.Event().wait()
        event = f"event: message\ndata: {answer}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(event), event))

    def do_GET(self) -> None:
        """It says nothing by itself."""
        self.send_response(405)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_DELETE(self) -> None:
        """Nobody is kept in mind."""
        self.do_GET()

    @override
    def log_message(self, *_: object) -> None:
        """Nothing is told."""


if sys.argv[1] == "http":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
else:
    (Path(sys.argv[2]) / str(os.getpid())).touch()
    for line in sys.stdin:
        if (said := answer_to(json.loads(line))) is not None:
            print(said, flush=True)
