"""A microphone that hears nothing and a speaker that plays everything at once, for sessions in text only."""

import asyncio
from collections.abc import AsyncIterator

from ..audio.frame import SAMPLE_BYTES


class NullInput:
    """A microphone that never hears anything: active and silent until it is stopped."""

    def __init__(self, sample_rate: int = 24_000) -> None:
        self._sample_rate = sample_rate
        self._stopped = asyncio.Event()
        self._stopped.set()

    @property
    def sample_rate(self) -> int:
        """Samples per second, were there any."""
        return self._sample_rate

    @property
    def is_active(self) -> bool:
        """Whether it was started and not stopped since."""
        return not self._stopped.is_set()

    async def start(self) -> None:
        """Begin to hear nothing."""
        self._stopped.clear()

    async def stop(self) -> None:
        """End `stream_chunks`. Idempotent."""
        self._stopped.set()

    async def stream_chunks(self) -> AsyncIterator[bytes]:
        """No chunks at all; ends when the microphone is stopped."""
        await self._stopped.wait()
        nothing: tuple[bytes, ...] = ()
        for chunk in nothing:
            yield chunk


class NullOutput:
    """A speaker in no time: whatever it is given has been played when `play_chunk` returns."""

    def __init__(self, sample_rate: int = 24_000) -> None:
        self._sample_rate = sample_rate
        self._played_samples = 0

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self._sample_rate

    @property
    def is_playing(self) -> bool:
        """Never: nothing is ever left to be played."""
        return False

    @property
    def played_samples(self) -> int:
        """How many samples it was given."""
        return self._played_samples

    async def start(self) -> None:
        """Do nothing; it is always ready."""

    async def stop(self) -> None:
        """Do nothing; there is nothing to close."""

    async def play_chunk(self, pcm: bytes) -> None:
        """Count whole samples as played."""
        self._played_samples += len(pcm) // SAMPLE_BYTES

    async def clear_buffer(self) -> None:
        """Do nothing; there is never anything queued."""
