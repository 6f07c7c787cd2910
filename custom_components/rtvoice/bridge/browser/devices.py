"""The ears and the mouth of a browser satellite, as a session uses them."""

import asyncio
from typing import Final, override

from ...engine.audio.frame import SAMPLE_BYTES
from ...engine.devices.fed import FedInput
from ..places.errors import EarsFailedError, MouthFailedError
from .playback import Playback
from .seat import PageRates, Seat

DEFAULT_RATE_HZ: Final = 24_000
"""Said while no page is there yet."""
AHEAD_S: Final = 1.0
"""How much is sent ahead of what was played: enough for a bad network, little enough to be silenced at once in it."""
STALLED_S: Final = 7.0
"""A page that has something to play and does not for so long does not play; longer than it takes to miss one."""
_MAX_CHUNKS: Final = 500
"""Ten seconds in chunks of 20 ms."""


class BrowserInput(FedInput):
    """The microphone of whichever page sits at a seat, at the rate that the page captures at."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat.rates.input_hz if seat.rates else DEFAULT_RATE_HZ, max_chunks=_MAX_CHUNKS)
        self._seat = seat

    @override
    async def start(self) -> None:
        """Have the page open its microphone. Raises SourceError when no page is there."""
        self._sample_rate = self._seat.seat_ears(self).input_hz
        await super().start()

    @override
    async def stop(self) -> None:
        """Have the page close its microphone; `stream_chunks` ends. Idempotent."""
        await super().stop()
        self._seat.free_ears(self)

    def fits(self, rates: PageRates) -> bool:
        """Whether a page that takes over captures as the session expects."""
        return rates.input_hz == self.sample_rate

    def fail(self, key: str, message: str) -> None:
        """There is no microphone any more."""
        self.break_off(EarsFailedError(key, message))


class BrowserOutput:
    """The speaker of whichever page sits at a seat.

    At most AHEAD_S are held that were not played (full: `play_chunk` waits). While a page is away nothing is lost:
    the next one plays what was not played.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._changed = asyncio.Event()
        self._running = False
        self._clears = 0
        self._failure: MouthFailedError | None = None
        self._rate_hz = seat.rates.output_hz if seat.rates else DEFAULT_RATE_HZ
        self._progress_s = 0.0
        self.playback = Playback(seat.next_epoch)

    @property
    def sample_rate(self) -> int:
        """Samples per second, as the page plays."""
        return self._rate_hz

    @property
    def is_playing(self) -> bool:
        """Whether samples that were given to it have not been played yet, and a page plays or is waited for."""
        if not self.playback.unplayed_samples or self._failure is not None:
            return False
        return not self._seat.taken or asyncio.get_running_loop().time() - self._progress_s < STALLED_S

    @property
    def played_samples(self) -> int:
        """How many samples pages have played."""
        return self.playback.played_samples

    async def start(self) -> None:
        """Be ready to speak. Raises SinkError when no page is there."""
        rates = self._seat.seat_mouth(self)
        self._rate_hz = rates.output_hz
        self._running = True
        self._seat.new_epoch(self)

    async def stop(self) -> None:
        """Fall silent at once, dropping what is queued. Idempotent."""
        if self._running:
            self._running = False
            await self.clear_buffer()
        self._seat.free_mouth(self)

    async def play_chunk(self, pcm: bytes) -> None:
        """Queue whole samples; waits while enough is queued, and drops the rest when it is cleared meanwhile.

        Raises SinkError when it is not started, or no page speaks any more.
        """
        clears, rest = self._clears, memoryview(pcm)
        while True:
            if not self._running:
                raise MouthFailedError("page_not_open", "The speaker of the page has not been started")
            if self._failure is not None:
                raise self._failure
            room = int(AHEAD_S * self._rate_hz) - self.playback.unplayed_samples
            if room > 0:
                self._queue(rest[: room * SAMPLE_BYTES])
                rest = rest[room * SAMPLE_BYTES :]
                # The page is sent it at once: a frame does not wait for all that came together with it.
                await asyncio.sleep(0)
            if not rest:
                return
            self._changed.clear()
            await self._changed.wait()
            if self._clears != clears:
                return

    async def clear_buffer(self) -> None:
        """Drop what is queued, here and in the page. What was dropped never counts as played."""
        self._clears += 1
        self.playback.clear()
        self._changed.set()
        self._seat.new_epoch(self)

    def played(self, epoch: int, samples: int) -> None:
        """The page has played so much."""
        if self.playback.report(epoch, samples):
            self._progress_s = asyncio.get_running_loop().time()
            self._changed.set()

    def resume(self) -> None:
        """Another page plays what was not played."""
        self.playback.again()
        self._progress_s = asyncio.get_running_loop().time()
        self._seat.new_epoch(self)

    def fits(self, rates: PageRates) -> bool:
        """Whether a page that takes over plays as the session expects."""
        return rates.output_hz == self._rate_hz

    def fail(self, key: str, message: str) -> None:
        """Nothing is played any more."""
        self._failure = self._failure or MouthFailedError(key, message)
        self._changed.set()

    def _queue(self, pcm: memoryview) -> None:
        if not self.playback.unplayed_samples:
            self._progress_s = asyncio.get_running_loop().time()
        self.playback.put(pcm)
        self._seat.wake()
