"""A raw client and the official types, for the simulator's own tests."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import TypeAdapter

from simulator import Behaviour, Brain, Event, Simulator

Json = dict[str, Any]
SERVER_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
CLIENT_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)


def check_server_event(event: Event) -> None:
    """Fail if the official types do not know this event."""
    SERVER_EVENT.validate_python(dict(event))


class Client:
    """A bare websocket client."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.events: list[Json] = []
        self.close: tuple[int, str] | None = None

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send_json({"type": kind, **fields})

    async def append(self, pcm: bytes, chunk_bytes: int = 4_800) -> None:
        for at in range(0, len(pcm), chunk_bytes):
            audio = base64.b64encode(pcm[at : at + chunk_bytes]).decode()
            await self.send("input_audio_buffer.append", audio=audio)

    async def until(self, kind: str, timeout_s: float = 10.0) -> Json:
        """The next event of this type; all on the way are kept in `events`."""
        async with asyncio.timeout(timeout_s):
            while True:
                event = await self.next()
                if event["type"] == kind:
                    return event

    async def next(self) -> Json:
        message = await self.socket.receive()
        if message.type is aiohttp.WSMsgType.CLOSE:
            self.close = (message.data, message.extra)
            raise ConnectionResetError(self.close)
        if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.ERROR):
            raise ConnectionResetError(message)
        event: Json = json.loads(message.data)
        self.events.append(event)
        return event

    async def configure(self, **session: Any) -> Json:
        await self.until("session.created")
        await self.send("session.update", session={"type": "realtime", **session})
        return await self.until("session.updated")

    async def ask(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        await self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        await self.send("response.create")

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def of(self, kind: str) -> list[Json]:
        return [event for event in self.events if event["type"] == kind]


type Start = Callable[..., Any]


@pytest.fixture
async def start(socket_enabled: None) -> AsyncIterator[Start]:
    """Start a simulator whose events are checked against the official types."""
    async with AsyncExitStack() as stack:

        async def start(
            brain: Brain | None = None, *, check: bool = True, speed: float = 0, **options: Any
        ) -> Simulator:
            behaviour = options.pop("behaviour", Behaviour(speed=speed))
            observer = check_server_event if check else None
            simulator = Simulator(brain, behaviour=behaviour, on_server_event=observer, **options)
            return await stack.enter_async_context(simulator)

        yield start


@pytest.fixture
async def connect(start: Start) -> AsyncIterator[Start]:
    """Connect a bare client to a simulator."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())

        async def connect(
            simulator: Simulator, *, model: str | None = "gpt-realtime-2.1-mini", headers: Json | None = None
        ) -> Client:
            params = {"model": model} if model else {}
            socket = await http.ws_connect(
                f"{simulator.base_url}/realtime", params=params, headers=headers, max_msg_size=0
            )
            stack.push_async_callback(socket.close)
            return Client(socket)

        yield connect
