"""Speakers that are given audio and do not say what they have played of it."""

import asyncio
from abc import ABC, abstractmethod

from ..audio.frame import SAMPLE_BYTES, frame_bytes


class PacedOutput(ABC):
    """A speaker elsewhere that plays in real time what it is given, `latency_s` after it began to be given something.

    Nothing is given more than `ahead_s` before its time, so that silence comes that soon where the speaker has no
    way to drop what it was given. What was heard is known by the loop's clock. The audio between two silences is a
    stream of its own, with a beginning and an end.
    """

    def __init__(self, sample_rate: int, *, ahead_s: float = 0.2, latency_s: float = 0.0) -> None:
        self._sample_rate = sample_rate
        self._ahead_s = ahead_s
        self._latency_s = latency_s
        self._given = 0
        self._heard_before = 0
        self._end_s = 0.0
        self._streaming = False
        self._clears = 0

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self._sample_rate

    @property
    def is_playing(self) -> bool:
        """Whether what it was given takes longer than the time that has passed."""
        return self.played_samples < self._given

    @property
    def played_samples(self) -> int:
        """How many of the samples it was given have had their time."""
        left = round(max(0.0, self._end_s - _now_s()) * self._sample_rate)
        return self._given - min(left, self._given - self._heard_before)

    async def start(self) -> None:  # noqa: B027 - most have nothing to open
        """Open it. Raises SinkError."""

    async def stop(self) -> None:
        """Fall silent. Idempotent."""
        await self.clear_buffer()

    async def play_chunk(self, pcm: bytes) -> None:
        """Give whole samples in time, and drop the rest when it is cleared meanwhile. Raises SinkError."""
        clears = self._clears
        size = frame_bytes(self._sample_rate)
        for start in range(0, len(pcm), size):
            if (wait_s := self._end_s - _now_s() - self._ahead_s) > 0:
                await asyncio.sleep(wait_s)
            if self._clears != clears:
                return
            if not self._streaming:
                self._streaming = True
                await self._begin()
            frame = pcm[start : start + size]
            self._enter(len(frame) // SAMPLE_BYTES)
            await self._give(frame)
            # Whoever sends it has its turn at once: a frame does not wait for all that came together with it.
            await asyncio.sleep(0)

    async def finish_stream(self) -> None:
        """All that was given is all there is for now. Raises SinkError."""
        if self._streaming:
            self._streaming = False
            await self._end()

    async def clear_buffer(self) -> None:
        """Drop what is queued; what was dropped never counts as played."""
        self._given = self._heard_before = self.played_samples
        self._end_s = _now_s()
        self._clears += 1
        if self._streaming:
            self._streaming = False
            await self._cut()

    def _enter(self, samples: int) -> None:
        now_s = _now_s()
        if now_s >= self._end_s:
            # All before has been heard: what comes now begins anew.
            self._heard_before = self._given
            self._end_s = now_s + self._latency_s
        self._given += samples
        self._end_s += samples / self._sample_rate

    @abstractmethod
    async def _begin(self) -> None:
        """A stream begins. Raises SinkError."""

    @abstractmethod
    async def _give(self, pcm: bytes) -> None:
        """Hand over a frame of 20 ms, or the last piece of a stream. Raises SinkError."""

    @abstractmethod
    async def _end(self) -> None:
        """The stream is complete. Raises SinkError."""

    async def _cut(self) -> None:
        """The rest of the stream is not wanted. Raises SinkError."""
        await self._end()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
