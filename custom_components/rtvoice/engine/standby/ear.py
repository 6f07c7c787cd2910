"""The microphone's audio as a detector wants it."""

from collections.abc import AsyncIterator
from typing import Self, override

from ..audio.frame import SAMPLE_BYTES, frame_bytes
from ..audio.resample import Resampler
from ..errors import SourceError
from ..ports import Detection
from .microphone import OpenMicrophone


class Ear(AsyncIterator[bytes]):
    """Frames of 20 ms in a detector's rate, from when it is made until it is closed or the microphone is.

    A failure of the microphone ends the frames; the microphone knows it.
    """

    def __init__(self, microphone: OpenMicrophone, sample_rate: int, resampler: Resampler) -> None:
        self._microphone = microphone
        self._sample_rate = sample_rate
        self._resampler = resampler
        self._frame_bytes = frame_bytes(sample_rate)
        self._pending = bytearray()
        self.begin = self._position = microphone.position
        """The microphone's position at which it was opened."""
        self._missed = 0
        self._closed = False

    @classmethod
    async def open(cls, microphone: OpenMicrophone, sample_rate: int) -> Self:
        """Listen from now on."""
        return cls(microphone, sample_rate, await Resampler.prepare(microphone.sample_rate, sample_rate))

    @override
    async def __anext__(self) -> bytes:
        while len(self._pending) < self._frame_bytes:
            pcm = b"" if self._closed else await self._read()
            if self._closed or not pcm:
                raise StopAsyncIteration
            self._pending += self._resampler.process(pcm)
        frame = bytes(self._pending[: self._frame_bytes])
        del self._pending[: self._frame_bytes]
        return frame

    def close(self) -> None:
        """End the frames, also for whoever waits for the next one."""
        self._closed = True

    def position_of(self, detection: Detection) -> int:
        """The microphone's position at which a wake word was noticed."""
        rate = self._microphone.sample_rate
        if detection.noticed_ms is None:
            waiting = len(self._pending) // SAMPLE_BYTES * rate // self._sample_rate
            return self._position - waiting
        noticed = self.begin + self._missed + round(detection.noticed_ms * rate / 1000)
        return min(max(noticed, self.begin), self._microphone.position)

    async def _read(self) -> bytes:
        before = self._position
        try:
            self._position, pcm = await self._microphone.read(before)
        except SourceError:
            return b""
        self._missed += self._position - before - len(pcm) // SAMPLE_BYTES
        return pcm
