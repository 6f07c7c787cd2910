"""Audio on its way to a wake word engine."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, override

from ...engine.audio.frame import FRAME_MS

CAPACITY_FRAMES: Final = 500
"""What an engine may leave lying: ten seconds."""


class EngineStream(AsyncIterator[tuple[bytes, int]]):
    """Frames of 20 ms, each with the time of its beginning in ms; CAPACITY_FRAMES are kept.

    Full: `put` refuses more. It may be left and taken up again.
    """

    def __init__(self) -> None:
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(CAPACITY_FRAMES + 1)
        self._ended = False
        self._taken = 0

    @property
    def taken_ms(self) -> int:
        """How much of it the engine has taken."""
        return self._taken * FRAME_MS

    @override
    async def __anext__(self) -> tuple[bytes, int]:
        if self._ended and self._frames.empty():
            raise StopAsyncIteration
        if (frame := await self._frames.get()) is None:
            raise StopAsyncIteration
        begin_ms = self.taken_ms
        self._taken += 1
        return frame, begin_ms

    def put(self, frame: bytes) -> bool:
        """Append a frame; False if there is no room for it."""
        if self._frames.qsize() >= CAPACITY_FRAMES:
            return False
        self._frames.put_nowait(frame)
        return True

    def end(self) -> None:
        """Nothing follows, also for whoever waits for it. Idempotent."""
        if not self._ended:
            self._ended = True
            self._frames.put_nowait(None)
