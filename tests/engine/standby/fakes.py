"""A microphone whose frames are numbered through, and detectors that know the numbers."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Container

from custom_components.rtvoice.engine import Detection
from custom_components.rtvoice.engine.errors import SourceError

RATE = 24_000
FRAME = 960


def numbered(number: int, samples: int = FRAME // 2, *, loud: bool = False) -> bytes:
    """A frame whose first sample is its number, in silence or in noise."""
    return array("H", [number, *[20_000 if loud else 1] * (samples - 1)]).tobytes()


def number(frame: bytes) -> int:
    return int.from_bytes(frame[:2], "little")


class CountingMicrophone:
    """Captures a frame every 20 ms from the time that it is started; counts on when it is started again.

    There is a voice in the frames with the numbers in `voice`.
    """

    def __init__(self, *, start_s: float = 0.0, voice: Container[int] = ()) -> None:
        self.voice = voice
        self.sample_rate = RATE
        self.is_active = False
        self.start_s = start_s
        self.starts = 0
        self.stops = 0
        self.captured = 0
        self.failure: Exception | None = None
        self.ends = False
        self.stop_s = 0.0

    async def start(self) -> None:
        self.starts += 1
        await asyncio.sleep(self.start_s)
        self.is_active = True

    async def stop(self) -> None:
        self.stops += 1
        self.is_active = False
        await asyncio.sleep(self.stop_s)

    async def stream_chunks(self) -> AsyncIterator[bytes]:
        while self.is_active:
            await asyncio.sleep(0.02)
            if self.failure is not None:
                raise self.failure
            if self.ends:
                return
            self.captured += 1
            yield numbered(self.captured, loud=self.captured in self.voice)

    def unplug(self) -> None:
        self.failure = SourceError("The microphone was unplugged")


class NumberDetector:
    """Notices the wake word in the frames with these numbers, and says so `late` frames later.

    When it is more than half a second late, it says when that was.

    It fails as often as there are `failures`: None gives up, an exception is raised.
    """

    sample_rate = RATE

    def __init__(self, *words: int, late: int = 0) -> None:
        self.words = set(words)
        self.late = late
        self.knows_when = late > 25
        self.failures: list[Exception | None] = []
        self.heard: list[int] = []
        self.armings = 0
        self.listening = False

    async def detect(self, frames: AsyncIterator[bytes]) -> Detection | None:
        self.armings += 1
        if self.failures:
            failure = self.failures.pop(0)
            if failure is not None:
                raise failure
            return None
        self.listening = True
        try:
            return await self._detect(frames)
        finally:
            self.listening = False

    async def _detect(self, frames: AsyncIterator[bytes]) -> Detection | None:
        taken = 0
        noticed_ms = None
        wait = 0
        async for frame in frames:
            taken += 1
            self.heard.append(number(frame))
            if number(frame) in self.words:
                noticed_ms, wait = 20.0 * taken, self.late
            if noticed_ms is not None:
                if wait == 0:
                    return Detection("okay nabu", noticed_ms if self.knows_when else None)
                wait -= 1
        return None
