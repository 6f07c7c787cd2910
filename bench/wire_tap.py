"""What goes over a local websocket, with the kernel's time for each message: when it was on the wire.

Whoever looks at one end of a connection counts that end's own work in: a program notes a message before it has been
sent, and one that came in after it has been read. This looks at the packets of the loopback device, as only root may.
"""

import json
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

_ETH_P_IP: Final = 0x0800
_SO_TIMESTAMPNS: Final = 35
_TIMESPEC: Final = struct.Struct("@ll")
_LARGEST: Final = 2**18
_ROOM: Final = 2**24
_TEXT: Final = 1


@dataclass(frozen=True, slots=True)
class Passed:
    """A message on the wire."""

    at_s: float
    """When its last byte was, by the kernel's wall clock."""
    from_server: bool
    event: dict[str, Any]


class MissedPacketError(Exception):
    """The kernel has let go of a packet before it was looked at."""


@dataclass(slots=True)
class Stream:
    """One way of a connection; packets of the loopback device come in order and are never lost."""

    next_number: int | None = None
    upgraded: bool = False
    unread: bytearray = field(default_factory=bytearray)

    def take(self, number: int, payload: bytes) -> Iterator[bytes]:
        """The text messages that are whole with a packet. Raises MissedPacketError."""
        if self.next_number is not None and number != self.next_number:
            if (number - self.next_number) & 0xFFFFFFFF >= 2**31:
                return
            raise MissedPacketError
        self.next_number = (number + len(payload)) & 0xFFFFFFFF
        self.unread += payload
        if not self.upgraded:
            head = self.unread.find(b"\r\n\r\n")
            if head < 0:
                return
            del self.unread[: head + 4]
            self.upgraded = True
        while (frame := self._frame()) is not None:
            kind, text = frame
            if kind == _TEXT:
                yield text

    def _frame(self) -> tuple[int, bytes] | None:
        unread = self.unread
        if len(unread) < 2:
            return None
        masked, length, at = unread[1] & 0x80, unread[1] & 0x7F, 2
        if length == 126:
            length, at = int.from_bytes(unread[2:4]), 4
        elif length == 127:
            length, at = int.from_bytes(unread[2:10]), 10
        key = bytes(unread[at : at + 4]) if masked else b""
        at += len(key)
        if len(unread) < at + length:
            return None
        kind, body = unread[0] & 0x0F, bytes(unread[at : at + length])
        del unread[: at + length]
        if key:
            pad = (key * (length // 4 + 1))[:length]
            body = (int.from_bytes(body) ^ int.from_bytes(pad)).to_bytes(length)
        return kind, body


class WireTap:
    """Notes what goes over connections that begin while the body runs, to a server on a port of this machine.

    Raises PermissionError where packets may not be looked at.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._packets: list[tuple[float, bytes]] = []
        self._thread = threading.Thread(target=self._listen, name="wire tap", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP))
        except PermissionError as err:
            raise PermissionError("Only root may look at packets") from err
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind(("lo", _ETH_P_IP))
        self._socket.settimeout(0.2)
        self._open = True
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._thread.join()
        self._socket.close()

    def messages(self) -> list[Passed]:
        """All so far, in the order of the wire. Raises MissedPacketError."""
        streams: defaultdict[tuple[int, int], Stream] = defaultdict(Stream)
        found: list[Passed] = []
        for at_s, packet in list(self._packets):
            tcp = packet[(packet[0] & 0x0F) * 4 : int.from_bytes(packet[2:4])]
            source, target, number = struct.unpack_from("!HHI", tcp)
            payload = tcp[(tcp[12] >> 4) * 4 :]
            if payload:
                stream = streams[source, target]
                found += (Passed(at_s, source == self._port, json.loads(text)) for text in stream.take(number, payload))
        return found

    def _listen(self) -> None:
        while self._open:
            try:
                packet, extra, _, _ = self._socket.recvmsg(_LARGEST, 64)
            except TimeoutError:
                continue
            if packet[9] != socket.IPPROTO_TCP:
                continue
            start = (packet[0] & 0x0F) * 4
            if self._port in struct.unpack_from("!HH", packet, start):
                seconds, nanoseconds = _TIMESPEC.unpack(extra[0][2])
                self._packets.append((seconds + nanoseconds / 1e9, packet))
