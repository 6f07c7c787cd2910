"""A network between a client and a server on loopback, which does on demand what networks do."""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
CONTINUATION = 0

_LENGTH = re.compile(rb"^content-length: *(\d+)\r$", re.IGNORECASE | re.MULTILINE)
_BYTEWISE = 20
"""So many bytes of a frame come one by one: its header, its length and the beginning of its event."""
_PACKET = 1_400
"""Bytes that a packet carries on the internet."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that a server sends."""

    opcode: int
    payload: bytes

    @property
    def is_event(self) -> bool:
        """Whether it carries data, and does not only keep the connection."""
        return self.opcode in (TEXT, BINARY)

    def has(self, kind: str) -> bool:
        """Whether it is an event of this type."""
        return self.is_event and f'"{kind}"'.encode() in self.payload[:300]

    def encoded(self) -> bytes:
        """As it is on the wire."""
        return encoded(self.opcode, self.payload)


def encoded(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """A frame without a mask, as servers send them."""
    head = opcode | (0x80 if final else 0)
    if len(payload) < 126:
        return bytes((head, len(payload))) + payload
    if len(payload) < 65_536:
        return struct.pack("!BBH", head, 126, len(payload)) + payload
    return struct.pack("!BBQ", head, 127, len(payload)) + payload


type Shape = Callable[[Frame], Iterable[bytes]]
"""What is sent for a frame, piece by piece: each is on its way before the next is sent."""


def whole(frame: Frame) -> Iterable[bytes]:
    """The frame as it is."""
    yield frame.encoded()


def byte_by_byte(frame: Frame) -> Iterable[bytes]:
    """Every byte of the frame's beginning and of its end in a packet of its own."""
    wire = frame.encoded()
    for at in range(min(_BYTEWISE, len(wire))):
        yield wire[at : at + 1]
    yield wire[_BYTEWISE:-3]
    for at in range(max(_BYTEWISE, len(wire) - 3), len(wire)):
        yield wire[at : at + 1]


def crumbs(frame: Frame) -> Iterable[bytes]:
    """A message in as many frames as it has bytes, each with one byte."""
    if not frame.is_event or len(frame.payload) < 2:
        yield frame.encoded()
        return
    last = len(frame.payload) - 1
    yield b"".join(
        encoded(CONTINUATION if at else frame.opcode, frame.payload[at : at + 1], final=at == last)
        for at in range(last + 1)
    )


def packets(frame: Frame) -> Iterable[bytes]:
    """The frame in pieces as large as packets are."""
    wire = frame.encoded()
    for at in range(0, len(wire), _PACKET):
        yield wire[at : at + _PACKET]


def doubled(frame: Frame) -> Iterable[bytes]:
    """Every event twice."""
    yield frame.encoded()
    if frame.is_event:
        yield frame.encoded()


class Line:
    """One connection of a client, through to the server."""

    def __init__(self, proxy: Proxy, writer: asyncio.StreamWriter) -> None:
        self.held = asyncio.Event()
        """Whether something waits that the proxy holds back."""
        self.silent = False
        """Half open: whatever is sent, either way, is lost, and nobody is told."""
        self.eventless = False
        """The server keeps the connection, but sends no event any more."""
        self.deaf = False
        """Nothing more is taken of what the client sends, until `release`; one that is half open never takes it."""
        self.over = asyncio.Event()
        self.proxy = proxy
        self._given_up = asyncio.Event()
        self._client = writer
        self._server: asyncio.StreamWriter | None = None
        self._late: Frame | None = None
        self._ended = False

    def cut(self) -> None:
        """Reset both connections, as a router does that has forgotten them."""
        self._given_up.set()
        for writer in (self._client, self._server):
            if writer is not None:
                _reset(writer)

    def end(self) -> None:
        """End the stream to the client without a close frame."""
        self._ended = True
        if self._client.can_write_eof():
            self._client.write_eof()
        else:
            self._client.close()

    def inject(self, data: bytes) -> None:
        """Send the client bytes of any kind between two frames."""
        self._client.write(data)

    def interject(self, event: bytes) -> None:
        """Send the client a text frame that the server has not sent, ahead of what is held back."""
        self.inject(encoded(TEXT, event))

    def close(self, code: int | None) -> None:
        """Send the client a close frame (None: without a code), and nothing after it."""
        self.inject(encoded(CLOSE, b"" if code is None else struct.pack("!H", code)))
        self._ended = True

    async def carry(self, reader: asyncio.StreamReader) -> None:
        """Carry bytes until either side ends."""
        upstream, self._server = await asyncio.open_connection("127.0.0.1", self.proxy.server_port)
        try:
            async with asyncio.TaskGroup() as tasks:
                up = tasks.create_task(self._up(reader, self._server))
                down = tasks.create_task(self._down(upstream))
                await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
                if self.silent:
                    # Of the end of a connection that is half open nobody hears either.
                    await asyncio.wait((up,))
                up.cancel()
                down.cancel()
        except* OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError:
            pass
        finally:
            for writer in (self._server, self._client):
                _reset(writer) if self.silent else writer.close()
            self.over.set()

    async def _up(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        while data := await reader.read(self.proxy.upstream_bytes):
            if self.deaf:
                await self.proxy.released.wait()
            if self.deaf and self.silent:
                await self._given_up.wait()
                return
            if self.proxy.delay_s:
                await asyncio.sleep(self.proxy.delay_s)
            if not self.silent:
                server.write(data)
                await server.drain()

    async def _down(self, upstream: asyncio.StreamReader) -> None:
        head = await upstream.readuntil(b"\r\n\r\n")
        await self._give(head)
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            # One answer, and the connection is closed, so that no websocket begins on it.
            length = int(_LENGTH.findall(head)[0])
            await self._give(await upstream.readexactly(length))
            return
        self.proxy.links.append(self)
        async for frame in _frames(upstream):
            if self.proxy.hold is not None and self.proxy.hold(self, frame):
                self.held.set()
                await self.proxy.released.wait()
                self.held.clear()
            if self.proxy.delay_s:
                await asyncio.sleep(self.proxy.delay_s)
            for ordered in self._ordered(frame):
                await self._give_frame(ordered)

    def _ordered(self, frame: Frame) -> Iterable[Frame]:
        """The frames that are due; each second event overtakes the one before it, if that was there just before."""
        if not self.proxy.swaps or not frame.is_event:
            return (frame,)
        if self._late is None:
            self._late = frame
            asyncio.get_running_loop().call_later(0.03, self._flush)
            return ()
        late, self._late = self._late, None
        return (frame, late)

    def _flush(self) -> None:
        if self._late is not None and not (self._ended or self._client.is_closing()):
            self._note(self._late)
            self._client.write(self._late.encoded())
        self._late = None

    def _note(self, frame: Frame) -> None:
        if self.proxy.swaps and frame.has("response.output_audio.delta"):
            self.proxy.swapped.append(frame)

    async def _give_frame(self, frame: Frame) -> None:
        if self.eventless and (frame.is_event or frame.opcode == CLOSE):
            return
        self._note(frame)
        for piece in self.proxy.shape(frame):
            await self._give(piece)
            await asyncio.sleep(self.proxy.pause_s)

    async def _give(self, data: bytes) -> None:
        if data and not (self.silent or self._ended):
            self._client.write(data)
            await self._client.drain()


class Proxy:
    """Carries connections to a server while its context is entered; with `tls` it ends TLS on the client's side.

    What it is told to do holds for all connections from then on, also for those that are open.
    """

    def __init__(self, server_port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.server_port = server_port
        self.tls = tls
        self.links: list[Line] = []
        """The websockets so far, oldest first."""
        self._lines: list[Line] = []
        self.refuses = False
        """Whether new connections are reset."""
        self.babbles = False
        """Whether new connections find something that is no web server."""
        self.mute = False
        """Whether new connections are taken and nothing is ever said on them, not even what begins TLS."""
        self.turned_away = 0
        """How many connections came to nothing: because of these, or because the client trusts no such certificate."""
        self.shape: Shape = whole
        self.delay_s = 0.0
        """How long each frame of the server takes, and each piece of what the client sends."""
        self.pause_s = 0.0
        """How long it takes from one piece of a frame to the next."""
        self.upstream_bytes = 65_536
        """The largest piece of what the client sends."""
        self.swaps = False
        """Whether events that come in quick succession change places."""
        self.swapped: list[Frame] = []
        """The audio among them, in the order in which it was sent on."""
        self.hold: Callable[[Line, Frame], bool] | None = None
        """Which frame, with everything behind it, is held back until `release`."""
        self.released = asyncio.Event()
        self._listening: asyncio.Server | None = None
        self._port = 0
        self._muted: list[asyncio.StreamWriter] = []

    @property
    def port(self) -> int:
        """Where clients connect to."""
        return self._port

    @property
    def line(self) -> Line:
        """The latest websocket."""
        return self.links[-1]

    @property
    def unreleased(self) -> bool:
        """Whether something is held back on the latest websocket, which is still carried."""
        return bool(self.links) and self.line.held.is_set() and not self.line.over.is_set()

    def release(self) -> None:
        """Hold nothing back any more."""
        self.hold = None
        self.released.set()

    def advance(self, hold: Callable[[Line, Frame], bool] | None) -> None:
        """Let go what is held back now, and hold back something else from then on."""
        self.hold = hold
        self.released.set()
        self.released = asyncio.Event()

    def shut(self) -> None:
        """Have nobody listen any more: the machine refuses new connections. Those that are open stay so."""
        assert self._listening is not None
        self._listening.close()

    async def reopen(self) -> None:
        """Listen again, at the same port."""
        self._listening = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = int(self._listening.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        await self.reopen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listening is not None
        self._listening.close()
        for writer in self._muted:
            _reset(writer)
        for line in self._lines:
            line.cut()
        async with asyncio.timeout(5):
            for line in self._lines:
                await line.over.wait()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            self.turned_away += 1
            _reset(writer)
            return
        if self.babbles:
            self.turned_away += 1
            writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")
            writer.close()
            return
        if self.mute:
            self.turned_away += 1
            await self._say_nothing(reader, writer)
            return
        if self.tls is not None:
            try:
                await writer.start_tls(self.tls)
            except OSError:
                self.turned_away += 1
                writer.close()
                return
        line = Line(self, writer)
        self._lines.append(line)
        await line.carry(reader)

    async def _say_nothing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take what comes until the client has enough."""
        self._muted.append(writer)
        try:
            while await reader.read(65_536):
                pass
        except OSError:
            pass
        finally:
            self._muted.remove(writer)
            writer.close()


async def _frames(upstream: asyncio.StreamReader) -> AsyncIterator[Frame]:
    while True:
        first, second = await upstream.readexactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await upstream.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await upstream.readexactly(8))
        yield Frame(first & 0x0F, await upstream.readexactly(size))


def _reset(writer: asyncio.StreamWriter) -> None:
    if writer.transport.is_closing():
        return
    connected = writer.get_extra_info("socket")
    if connected is not None and connected.fileno() != -1:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
