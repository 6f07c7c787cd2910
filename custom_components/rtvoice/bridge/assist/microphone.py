"""A microphone that hears what a pipeline brings."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

SAMPLE_RATE_HZ: Final = 16_000
"""What Assist pipelines bring to speech to text: 16-bit mono at this rate."""
MAX_CHUNKS: Final = 3000
"""Half a minute in pieces of 10 ms, as pipelines cut it."""


class PipelineMicrophone:
    """Takes in audio piece by piece; while nobody reads, at most MAX_CHUNKS (full: the oldest is dropped)."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque(maxlen=MAX_CHUNKS)
        self._filled = asyncio.Event()
        self._read = asyncio.Event()
        self._active = False

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return SAMPLE_RATE_HZ

    @property
    def is_active(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._active

    async def start(self) -> None:
        """Begin; what was heard before is not lost."""
        self._active = True

    async def stop(self) -> None:
        """End `stream_chunks`. Idempotent."""
        self._active = False
        self._filled.set()
        self._read.set()

    def hear(self, pcm: bytes) -> None:
        """Take in whole samples."""
        self._chunks.append(pcm)
        self._read.clear()
        self._filled.set()

    async def wait_read(self) -> None:
        """Wait until everything that was heard has been read and dealt with, or nobody reads any more."""
        await self._read.wait()

    async def stream_chunks(self) -> AsyncIterator[bytes]:
        """What was heard, piece by piece; ends when the microphone is stopped."""
        while self._active:
            if self._chunks:
                yield self._chunks.popleft()
                continue
            # Asked for more, the reader has dealt with all that it was given.
            self._read.set()
            self._filled.clear()
            await self._filled.wait()
