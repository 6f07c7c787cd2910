"""What the tap makes of packets."""

from collections.abc import Iterator

import pytest

from bench.wire_tap import MissedPacketError, Stream
from tests.resilience.proxy import encoded

HANDSHAKE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
KEY = b"\x11\x22\x33\x44"


def frame(text: bytes, *, masked: bool = False, kind: int = 1) -> bytes:
    """A websocket frame; clients mask theirs."""
    plain = encoded(kind, text)
    if not masked:
        return plain
    head = bytearray(plain[: len(plain) - len(text)])
    head[1] |= 0x80
    return bytes(head) + KEY + bytes(byte ^ KEY[index % 4] for index, byte in enumerate(text))


def whole(stream: Stream, pieces: Iterator[bytes], number: int = 2**32 - 10) -> list[bytes]:
    """What comes out when the pieces come one after the other, beginning just before the numbers start again."""
    found: list[bytes] = []
    for piece in pieces:
        found += stream.take(number % 2**32, piece)
        number += len(piece)
    return found


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", [1, 7, 70_000])
def test_messages_are_put_together_from_packets_of_any_size(size: int, masked: bool) -> None:
    texts = [b"a", b"b" * 125, b"c" * 126, b"d" * 65_535, b"e" * 65_536, b""]
    data = HANDSHAKE + b"".join(frame(text, masked=masked) for text in texts)
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    assert whole(Stream(), pieces) == texts


def test_pings_and_closes_are_no_messages() -> None:
    data = HANDSHAKE + frame(b"hello", kind=9) + frame(b"text") + frame(b"\x03\xe8", kind=8)
    assert whole(Stream(), iter([data])) == [b"text"]


def test_what_is_sent_again_counts_once_and_what_is_missing_is_told() -> None:
    stream = Stream()
    assert list(stream.take(100, HANDSHAKE)) == []
    start = 100 + len(HANDSHAKE)
    assert list(stream.take(start, frame(b"one"))) == [b"one"]
    assert list(stream.take(start, frame(b"one"))) == []
    with pytest.raises(MissedPacketError):
        list(stream.take(start + 100, frame(b"three")))
