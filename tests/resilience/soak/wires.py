"""Websockets without sockets: two ends in one process, with latency, congestion, cuts and silence in between.

They stand in for aiohttp's, whose interface they have as far as the engine's provider and the simulator use it.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import override

import aiohttp
from aiohttp import WSMessage, WSMsgType
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from custom_components.rtvoice.engine.providers.openai.http import redirect_guard

GONE = WSMessage(WSMsgType.CLOSED, None, None)
CONGESTED_BYTES = 65_536


class Way:
    """One direction: messages arrive in order, each after the time that the network takes."""

    def __init__(self, latency_s: Callable[[], float]) -> None:
        self.stalled_until_s = 0.0
        self.swallows = False
        """Half open: nothing arrives, and nobody is told."""
        self._latency_s = latency_s
        self._messages: deque[tuple[float, WSMessage, int]] = deque()
        self._last_s = 0.0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._bytes = 0
        self.broken = False

    def put(self, message: WSMessage, size: int = 0) -> None:
        if self.swallows:
            return
        now_s = asyncio.get_running_loop().time()
        self._last_s = max(self._last_s, now_s + self._latency_s(), self.stalled_until_s)
        self._messages.append((self._last_s, message, size))
        self._bytes += size
        if self._bytes > CONGESTED_BYTES:
            self._room.clear()
        self._changed.set()

    async def room(self) -> None:
        await self._room.wait()

    async def get(self) -> WSMessage:
        loop = asyncio.get_running_loop()
        while True:
            if self.broken:
                return GONE
            if not self._messages:
                self._changed.clear()
                await self._changed.wait()
                continue
            due_s, message, size = self._messages[0]
            if due_s <= loop.time():
                self._messages.popleft()
                self._bytes -= size
                if self._bytes <= CONGESTED_BYTES:
                    self._room.set()
                return message
            await asyncio.sleep(due_s - loop.time())

    def break_off(self) -> None:
        """What is on its way is lost."""
        self.broken = True
        self._messages.clear()
        self._changed.set()
        self._room.set()


class Wires:
    """A connection: what both ends share."""

    def __init__(self, chance: random.Random, slowest_s: float) -> None:
        fastest_s = slowest_s / 10
        self.up = Way(lambda: chance.uniform(fastest_s, slowest_s))
        self.down = Way(lambda: chance.uniform(fastest_s, slowest_s))
        self.client = ClientEnd(self)
        self.server = ServerEnd(self)

    def cut(self) -> None:
        """Break without a close frame."""
        self.up.break_off()
        self.down.break_off()

    def fall_silent(self) -> None:
        """From now on nothing gets through, and neither end is told."""
        self.up.swallows = self.down.swallows = True

    def stall(self, until_s: float) -> None:
        """What is sent meanwhile arrives then, all at once."""
        self.up.stalled_until_s = self.down.stalled_until_s = until_s

    @property
    def broken(self) -> bool:
        return self.up.broken


class Cable(asyncio.Transport):
    """What the simulator breaks a connection by."""

    def __init__(self, wires: Wires) -> None:
        super().__init__()
        self._wires = wires

    @override
    def abort(self) -> None:
        self._wires.cut()


class ClientEnd:
    """As `aiohttp.ClientWebSocketResponse` with `autoping=False, autoclose=False, decode_text=False`."""

    def __init__(self, wires: Wires) -> None:
        self._wires = wires
        self._closing = False
        self._closed = False

    async def send_frame(self, frame: bytes, kind: WSMsgType) -> None:
        self._check()
        self._wires.up.put(WSMessage(kind, frame.decode(), None), len(frame))
        await self._wires.up.room()
        self._check()

    async def receive(self) -> WSMessage:
        if self._closed:
            return GONE
        message = await self._wires.down.get()
        if message.type is WSMsgType.CLOSE:
            self._closing = True
        self._closed = self._closed or message is GONE
        return message

    async def ping(self, message: bytes = b"") -> None:
        self._check()
        self._wires.up.put(WSMessage(WSMsgType.PING, message, None))

    async def pong(self, message: bytes = b"") -> None:
        self._check()

    async def close(self) -> bool:
        if self._closed:
            return False
        try:
            self._wires.up.put(WSMessage(WSMsgType.CLOSE, 1000, ""))
            while not self._closing:
                message = await self._wires.down.get()
                self._closing = message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
        finally:
            self._closed = True
            self._wires.cut()
        return True

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def exception(self) -> BaseException | None:
        return None

    def _check(self) -> None:
        if self._closed or self._closing or self._wires.broken:
            raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")


class ServerEnd:
    """As `aiohttp.web.WebSocketResponse`."""

    def __init__(self, wires: Wires) -> None:
        self._wires = wires
        self.closed = False
        self.close_code: int | None = None

    def __aiter__(self) -> ServerEnd:
        return self

    async def __anext__(self) -> WSMessage:
        message = await self.receive()
        if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED):
            raise StopAsyncIteration
        return message

    async def receive(self) -> WSMessage:
        while True:
            if self.closed:
                return GONE
            message = await self._wires.up.get()
            if message.type is WSMsgType.PING:
                self._wires.down.put(WSMessage(WSMsgType.PONG, message.data, None))
                continue
            if message.type is WSMsgType.CLOSE:
                self._end(message.data)
                self._wires.down.put(message)
            elif message is GONE:
                self._end(1006)
            return message

    async def send_str(self, frame: str) -> None:
        self._check()
        data = frame.encode()
        self._wires.down.put(WSMessage(WSMsgType.TEXT, data, None), len(data))

    async def send_bytes(self, frame: bytes) -> None:
        self._check()
        self._wires.down.put(WSMessage(WSMsgType.BINARY, frame, None), len(frame))

    async def ping(self, message: bytes = b"") -> None:
        self._check()
        self._wires.down.put(WSMessage(WSMsgType.PING, message, None))

    async def close(self, *, code: int = 1000, message: bytes = b"") -> bool:
        if self.closed:
            return False
        self._wires.down.put(WSMessage(WSMsgType.CLOSE, code, message.decode()))
        self._end(code)
        # Whoever reads is told that there will be nothing more.
        self._wires.up.put(GONE)
        return True

    def _end(self, code: int) -> None:
        self.closed = True
        self.close_code = self.close_code or code

    def _check(self) -> None:
        if self.closed or self._wires.broken:
            raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")


class Network:
    """As `aiohttp.ClientSession`, guarded against redirects as the provider wants it: opens wires to `answer`."""

    def __init__(self, answer: Callable[[URL], ClientEnd]) -> None:
        self.closed = False
        self.trace_configs = [redirect_guard()]
        self._answer = answer

    async def ws_connect(self, url: URL, **_: object) -> ClientEnd:
        await asyncio.sleep(0)
        return self._answer(url)


def refused_handshake(url: URL, status: int) -> aiohttp.WSServerHandshakeError:
    """What `ws_connect` raises when a server answers with an HTTP status."""
    headers = CIMultiDictProxy(CIMultiDict[str]())
    request = aiohttp.RequestInfo(url, "GET", headers, url)
    return aiohttp.WSServerHandshakeError(request, (), status=status, headers=headers, message="Invalid status")
