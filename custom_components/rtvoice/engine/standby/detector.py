"""Wake word detectors that run in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

from ..ports import Detection

type Hears = Callable[[bytes], bool]
"""Takes the next 20 ms of audio and says whether the wake word has just ended."""


class InProcessDetector:
    """A detector that is a function, called in a thread.

    `make` is called for each arming, in the same thread, and makes a function that has heard nothing yet: it may load a
    model.
    """

    def __init__(self, make: Callable[[], Hears], *, phrase: str = "", sample_rate: int = 16_000) -> None:
        self._make = make
        self._phrase = phrase
        self._sample_rate = sample_rate

    @property
    def sample_rate(self) -> int:
        """The rate in Hz of the audio that the function takes."""
        return self._sample_rate

    async def detect(self, frames: AsyncIterator[bytes]) -> Detection | None:
        """Listen until the wake word is heard, or the frames end. Raises what the function raises."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, thread_name_prefix="rtvoice wake word")
        try:
            hears = await loop.run_in_executor(thread, self._make)
            async for frame in frames:
                if await loop.run_in_executor(thread, hears, frame):
                    return Detection(self._phrase)
            return None
        finally:
            # Not waited for: a call that cannot be stopped ends by itself, and nothing comes of it.
            thread.shutdown(wait=False, cancel_futures=True)
