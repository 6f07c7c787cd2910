"""Microphones elsewhere, whose audio is handed over as it arrives."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from ..errors import SourceError


class FedInput:
    """A microphone that hears what `hear` is given, on the event loop.

    At most `max_chunks` wait for the reader (full: the oldest is dropped and counted). What was given before `start`
    is not lost.
    """

    def __init__(self, sample_rate: int, *, max_chunks: int) -> None:
        self._sample_rate = sample_rate
        self._chunks: deque[bytes] = deque(maxlen=max_chunks)
        self._changed = asyncio.Event()
        self._read = asyncio.Event()
        self._running = False
        self._failure: SourceError | None = None
        self.dropped_chunks = 0

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self._sample_rate

    @property
    def is_active(self) -> bool:
        """Whether it was started and has neither failed nor been stopped since."""
        return self._running and self._failure is None

    async def start(self) -> None:
        """Begin to hear. Raises SourceError."""
        self._running = True

    async def stop(self) -> None:
        """Hear no more; `stream_chunks` ends. Idempotent."""
        self._running = False
        self._changed.set()
        self._read.set()

    def hear(self, pcm: bytes) -> None:
        """Take in whole samples."""
        if len(self._chunks) == self._chunks.maxlen:
            self.dropped_chunks += 1
        self._chunks.append(pcm)
        self._read.clear()
        self._changed.set()

    def break_off(self, error: SourceError) -> None:
        """There is no more to hear than what waits; of several errors the first is raised."""
        self._failure = self._failure or error
        self._changed.set()

    async def wait_read(self) -> None:
        """Wait until everything that was heard has been read and dealt with, or nobody reads any more."""
        await self._read.wait()

    async def stream_chunks(self) -> AsyncIterator[bytes]:
        """Chunks as they were given, until `stop`. Raises SourceError behind the last of them when it broke off."""
        while self._running:
            if self._chunks:
                yield self._chunks.popleft()
                continue
            # Asked for more, the reader has dealt with all that it was given.
            self._read.set()
            if self._failure is not None:
                raise self._failure
            self._changed.clear()
            await self._changed.wait()
