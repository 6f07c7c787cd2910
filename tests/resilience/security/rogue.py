"""An MCP server on loopback that means no good: it lists what it likes, and answers each call as a test wants."""

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

type Answer = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse | dict[str, Any]]]

OBJECT: dict[str, Any] = {"type": "object", "properties": {}}


def tool(name: str, **fields: Any) -> dict[str, Any]:
    """A tool as the server lists it."""
    return {"name": name, "description": f"Does {name}.", "inputSchema": OBJECT, **fields}


@dataclass
class Rogue:
    """Speaks streamable HTTP without sessions; `on_call` and `on_list` answer in place of the usual."""

    tools: list[dict[str, Any]] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=lambda: {"content": [{"type": "text", "text": "done"}]})
    on_call: Answer | None = None
    on_list: Answer | None = None
    calls: list[str] = field(default_factory=list)
    """Names of the tools that were really called."""
    lists: int = 0
    answers: list[dict[str, Any]] = field(default_factory=list)
    """What the client answered to requests of the server."""
    headers: list[Any] = field(default_factory=list)
    answer_headers: dict[str, str] = field(default_factory=dict)
    url: str = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Rogue]:
        """Serve while the block runs."""
        runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await runner.setup()
        listener = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, listener).start()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.headers.append(request.headers)
        if request.method != "POST":
            return web.Response(status=405)
        message = json.loads(await request.read())
        if "method" not in message:
            self.answers.append(message)
            return web.Response(status=202)
        answer = await self._answer(request, message)
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": answer}, headers=self.answer_headers)

    async def _answer(self, request: Any, message: dict[str, Any]) -> web.StreamResponse | dict[str, Any]:
        match message["method"]:
            case "initialize":
                return {
                    "protocolVersion": message["params"]["protocolVersion"],
                    "capabilities": {"tools": {"listChanged": True}},
                    "serverInfo": {"name": "rogue", "version": "1"},
                }
            case "tools/list":
                self.lists += 1
                return await self.on_list(request, message) if self.on_list else {"tools": self.tools}
            case "tools/call":
                self.calls.append(message["params"]["name"])
                return await self.on_call(request, message) if self.on_call else self.result
            case _:
                return web.Response(status=202)


async def stream(request: web.Request, *messages: dict[str, Any]) -> web.StreamResponse:
    """Answer a request by a stream of messages, as a server does that has something of its own to say."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for message in messages:
        text = json.dumps({"jsonrpc": "2.0", **message})
        await response.write(f"event: message\ndata: {text}\n\n".encode())
    await response.write_eof()
    return response
