"""A microphone and a speaker in the hands of a test."""

import asyncio
from collections.abc import AsyncIterator

from custom_components.rtvoice.engine.errors import SinkError, SourceError


class HandSource:
    """A microphone that hears what the test says."""

    def __init__(self, sample_rate: int = 24_000) -> None:
        self.sample_rate = sample_rate
        self.is_active = True
        self._chunks: asyncio.Queue[bytes | SourceError | None] = asyncio.Queue()

    async def start(self) -> None:
        self.is_active = True

    async def stop(self) -> None:
        self.is_active = False
        self._chunks.put_nowait(None)

    def hear(self, pcm: bytes) -> None:
        self._chunks.put_nowait(pcm)

    def end(self) -> None:
        self._chunks.put_nowait(None)

    def fail(self) -> None:
        self._chunks.put_nowait(SourceError("unplugged"))

    async def stream_chunks(self) -> AsyncIterator[bytes]:
        while (chunk := await self._chunks.get()) is not None:
            if isinstance(chunk, SourceError):
                raise chunk
            yield chunk


class HandSink:
    """A speaker that plays when the test says so, and takes a chunk when it has room, whatever happened meanwhile."""

    def __init__(self, sample_rate: int = 24_000, capacity_ms: int = 100) -> None:
        self.sample_rate = sample_rate
        self.capacity_bytes = sample_rate * capacity_ms // 1000 * 2
        self.heard = bytearray()
        self.queued = bytearray()
        self.given: list[int] = []
        self.dead = False
        self.failure: Exception | None = None
        self._changed = asyncio.Event()

    @property
    def is_playing(self) -> bool:
        return bool(self.queued) and not self.dead

    @property
    def played_samples(self) -> int:
        return len(self.heard) // 2

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        self.queued.clear()

    async def play_chunk(self, pcm: bytes) -> None:
        while self.queued and len(self.queued) + len(pcm) > self.capacity_bytes and self.failure is None:
            self._changed.clear()
            await self._changed.wait()
        if self.failure is not None:
            raise self.failure
        self.given.append(len(pcm) // 2)
        self.queued += pcm

    async def clear_buffer(self) -> None:
        self.queued.clear()
        self._changed.set()
        await asyncio.sleep(0)

    def advance(self, samples: int) -> None:
        """Play so many samples of what is queued."""
        self.heard += self.queued[: 2 * samples]
        del self.queued[: 2 * samples]
        self._changed.set()

    def fail(self, failure: Exception | None = None) -> None:
        self.failure = failure or SinkError("unplugged")
        self._changed.set()
