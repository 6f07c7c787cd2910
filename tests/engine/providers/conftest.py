"""A websocket server on loopback whose every connection follows a script."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import orjson
import pytest
from aiohttp import web

from custom_components.rtvoice.engine.providers.openai.dialect import Timeouts


class Peer:
    """The server's end of one connection."""

    def __init__(self, websocket: web.WebSocketResponse, request: web.Request) -> None:
        self.websocket = websocket
        self.request = request

    async def send(self, *events: dict) -> None:
        for event in events:
            await self.websocket.send_str(orjson.dumps(event).decode())

    async def receive(self, kind: str) -> dict:
        message = await self.websocket.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        event = orjson.loads(message.data)
        assert event["type"] == kind
        return event

    async def greet(self) -> None:
        await self.send({"type": "session.created", "event_id": "e0", "session": {"id": "sess_1", "type": "realtime"}})

    async def set_up(self) -> dict:
        """Do what a server does until a session is ready; returns the settings."""
        await self.greet()
        update = await self.receive("session.update")
        await self.send({"type": "session.updated", "event_id": "e1", "session": update["session"]})
        return update["session"]

    async def fail(self, code: str | None, close: int | None = None, reason: str = "", **error: object) -> None:
        body = {"type": "invalid_request_error", "code": code, "message": f"About {code}", "param": None, **error}
        await self.send({"type": "error", "event_id": "e9", "error": body})
        if close is not None:
            await self.close(close, reason)

    async def close(self, code: int, reason: str = "") -> None:
        await self.websocket.close(code=code, message=reason.encode())

    async def closed(self) -> int | None:
        """Wait until the client is gone; returns the code of its close frame."""
        while True:
            message = await self.websocket.receive()
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                return self.websocket.close_code


type Script = Callable[[Peer], Awaitable[object]]


@dataclass
class Loopback:
    """A running server."""

    app: web.Application
    port: int = 0
    requests: list[web.Request] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    scripts: set[asyncio.Task] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def until_done(self) -> None:
        """Wait for the scripts of all connections."""
        if self.scripts:
            _, running = await asyncio.wait(self.scripts, timeout=5)
            assert not running


type Serve = Callable[..., Awaitable[Loopback]]


@pytest.fixture
async def serve(socket_enabled) -> AsyncIterator[Serve]:
    """Start a server: `await serve(script, routes=…, path=…, receive_buffer=…, autoping=…)`."""
    running: list[tuple[Loopback, web.AppRunner]] = []

    async def start(
        script: Script | None = None,
        *,
        routes: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] | None = None,
        path: str = "/v1/realtime",
        receive_buffer: int | None = None,
        autoping: bool = True,
    ) -> Loopback:
        loopback = Loopback(web.Application())

        async def realtime(request: web.Request) -> web.WebSocketResponse:
            loopback.requests.append(request)
            websocket = web.WebSocketResponse(max_msg_size=0, autoping=autoping)
            await websocket.prepare(request)
            task = asyncio.current_task()
            loopback.scripts.add(task)
            try:
                assert script is not None
                await script(Peer(websocket, request))
            except Exception as err:  # noqa: BLE001 it fails the test, at its end
                loopback.failures.append(err)
            return websocket

        for route, handler in (routes or {}).items():
            loopback.app.router.add_get(route, handler)
        if script is not None:
            loopback.app.router.add_get(path, realtime)
        listening = socket.socket()
        if receive_buffer is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        listening.bind(("127.0.0.1", 0))
        runner = web.AppRunner(loopback.app, shutdown_timeout=0.1)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        loopback.port = listening.getsockname()[1]
        running.append((loopback, runner))
        return loopback

    yield start
    for loopback, runner in running:
        await runner.cleanup()
        assert not loopback.failures, loopback.failures


@pytest.fixture
def quick() -> Timeouts:
    """Timeouts for tests of what happens when they pass."""
    return Timeouts(greet_s=0.5, configure_s=0.5, unconfirmed_s=0.1, close_s=0.3, heartbeat_s=30)
