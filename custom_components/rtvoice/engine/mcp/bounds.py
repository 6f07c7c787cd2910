"""How much a server may say at once."""

from collections.abc import AsyncIterator
from typing import Final

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""Longest message; a longer one ends the connection."""

_BETWEEN_EVENTS: Final = (b"\n\n", b"\r\r", b"\r\n\r\n")
_LONGEST_BETWEEN: Final = max(map(len, _BETWEEN_EVENTS))


TOO_LONG: Final = f"it sent a message of more than {MAX_MESSAGE_BYTES} bytes"


class UnfitAnswerError(Exception):
    """A server's answer is of a size that nobody wants to find out; the text says why."""


def check_encoding(encoding: str | None) -> None:
    """Raise UnfitAnswerError where an answer is packed: nobody has asked for that, and it may unpack to anything."""
    if encoding is not None and encoding.strip().lower() not in ("", "identity"):
        raise UnfitAnswerError("it sent an answer that is packed")


async def bounded(chunks: AsyncIterator[bytes], *, events: bool) -> AsyncIterator[bytes]:
    """The same bytes. Raises UnfitAnswerError when a message is too long; of `events` each is one, else all is one."""
    length, tail = 0, b""
    async for chunk in chunks:
        length += len(chunk)
        if events:
            end, tail = _after_last_event(tail + chunk), (tail + chunk)[1 - _LONGEST_BETWEEN :]
            length = length if end is None else end
        if length > MAX_MESSAGE_BYTES:
            raise UnfitAnswerError(TOO_LONG)
        yield chunk


def _after_last_event(text: bytes) -> int | None:
    """How much stands behind the last event that is complete; None if none is."""
    ends = [text.rfind(mark) + len(mark) for mark in _BETWEEN_EVENTS if mark in text]
    return len(text) - max(ends) if ends else None
