"""One stretch of speech on its way to the player that fetches it."""

import asyncio
from typing import Final

from ...engine.audio.frame import SAMPLE_BYTES
from ...engine.errors import SinkError

STALLED_AFTER_S: Final = 8.0
"""A player that takes nothing for so long, though there is something, plays no more."""


class SpeechStream:
    """Bytes from one writer to one reader.

    At most `capacity_bytes` and one piece wait (full: `room` waits). What was dropped is never read.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._queued = bytearray()
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._opened = asyncio.Event()
        self._ended = False
        self._error: SinkError | None = None
        self._taken_s = 0.0

    @property
    def unread_samples(self) -> int:
        """How much was given and not read."""
        return len(self._queued) // SAMPLE_BYTES

    @property
    def alive(self) -> bool:
        """Whether what was given is or will be read, as far as one can see."""
        return self._error is None and (not self._queued or _now_s() - self._taken_s < STALLED_AFTER_S)

    # --- for the writer -----------------------------------------------------------------------------------------------

    async def until_read(self) -> None:
        """Wait until the reader has begun. Raises SinkError."""
        await self._opened.wait()
        self._check()

    def put(self, pcm: bytes) -> None:
        """Give samples."""
        self._queued += pcm
        self._readable.set()

    async def room(self) -> None:
        """Wait until there is room for more. Raises SinkError, also if the reader takes nothing for too long."""
        self._check()
        while len(self._queued) > self._capacity_bytes:
            self._writable.clear()
            try:
                async with asyncio.timeout(STALLED_AFTER_S):
                    await self._writable.wait()
            except TimeoutError as err:
                raise SinkError("The media player does not take what it should play") from err
            self._check()

    def end(self) -> None:
        """Nothing follows."""
        self._ended = True
        self._readable.set()

    def drop(self) -> None:
        """What was not read is not wanted any more, and nothing follows."""
        self._queued.clear()
        self.end()
        self._writable.set()

    def fail(self, error: SinkError) -> None:
        """It cannot be played, which does not matter once all was read; only the first error counts."""
        if self._ended and not self._queued:
            return
        self._error = self._error or error
        for event in (self._opened, self._writable, self._readable):
            event.set()

    # --- for the reader -----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Reading begins."""
        self._taken_s = _now_s()
        self._opened.set()

    async def take(self) -> bytes:
        """Read what there is, at least one sample; nothing at the end. Waits for it."""
        while not self._queued and not self._ended and self._error is None:
            self._readable.clear()
            await self._readable.wait()
        pcm = bytes(self._queued)
        self._queued.clear()
        self._taken_s = _now_s()
        self._writable.set()
        return pcm

    def leave(self) -> None:
        """Nobody reads any more."""
        if self._queued or not self._ended:
            self.fail(SinkError("The media player stopped playing"))

    def _check(self) -> None:
        if self._error is not None:
            raise self._error


def _now_s() -> float:
    return asyncio.get_running_loop().time()
