"""A server on loopback that answers the chat completions API by a script."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web


def completion(text: str | None = None, *calls: tuple[str, str], **fields) -> dict:
    """An answer as OpenAI gives it."""
    tool_calls = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": text, "refusal": None}
    if calls:
        message["tool_calls"] = tool_calls
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1764000000,
        "model": "tiny-2026-11-01",
        "choices": [
            {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls" if calls else "stop"}
        ],
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 120,
            "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
        },
        **fields,
    }


def fault(status: int, code: str | None = None, message: str = "No.", **headers: str) -> web.Response:
    """An error as OpenAI gives it."""
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response(body, status=status, headers=names)


@dataclass
class ChatServer:
    """Answers as scripted and notes what it was asked."""

    url: str = ""
    script: list = field(default_factory=list)
    bodies: list[dict] = field(default_factory=list)
    headers: list = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.headers.append(request.headers)
        self.bodies.append(json.loads(await request.read()))
        step = self.script.pop(0)
        if callable(step):
            step = await step(request)
        return step if isinstance(step, web.StreamResponse) else web.json_response(step)


@pytest.fixture
async def chat_server(socket_enabled) -> AsyncIterator[ChatServer]:
    server = ChatServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield server
    await runner.cleanup()
