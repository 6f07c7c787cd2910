"""A stream of the sound card as seen from the event loop."""

import asyncio
from collections.abc import Callable
from functools import partial
from time import monotonic

from .choice import Direction
from .library import LIBRARY
from .order import Stream, StreamOrder
from .threaded import AbandonedError, ThreadedResource

_STALLED_AFTER_S = 3.0
"""A stream without a block for so long has lost its device, whatever the library says."""


class DeviceStream:
    """Opens and closes a stream off the loop and knows whether its device is still there.

    `callback` is called by the library's thread for every block; `on_change` on the loop when the device is lost.
    """

    def __init__(
        self,
        direction: Direction,
        device: int | str | None,
        sample_rate: int,
        callback: Callable[..., None],
        on_change: Callable[[], None],
    ) -> None:
        self._direction = direction
        self._device = device
        self._wanted_rate = sample_rate
        self._callback = callback
        self._on_change = on_change
        self._stream = ThreadedResource(self._make, LIBRARY.close)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._generation = 0
        self._lost = False
        self._beat_s = 0.0
        self.sample_rate = sample_rate
        """The rate asked for until the stream is open; then the rate it has."""

    @property
    def active(self) -> bool:
        """Whether the stream is open and its device is still there."""
        stream = self._stream.current
        return stream is not None and not self._lost and stream.active and monotonic() - self._beat_s < _STALLED_AFTER_S

    async def open(self) -> None:
        """Open the stream. Raises the direction's error."""
        self._lost = False
        self._generation += 1
        self._loop = asyncio.get_running_loop()
        try:
            stream = await self._stream.open()
        except AbandonedError:
            raise self._direction.error(f"The {self._direction.noun} was stopped while it was being opened") from None
        self.sample_rate = int(stream.samplerate)

    async def close(self) -> None:
        """Close the stream. Idempotent, and safe while it is being opened."""
        self._generation += 1
        await self._stream.close()

    def run_on_loop[*Ts](self, work: Callable[[*Ts], object], *args: *Ts) -> None:
        """For callbacks: have the loop do something soon."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(work, *args)

    def check(self) -> None:
        """Raise the direction's error if the device is lost."""
        if self._stream.current is not None and not self.active:
            self._lost = True
            raise self._direction.error(
                f"The {self._direction.noun} stopped working: it was unplugged or its sound server has ended"
            )

    def _make(self) -> Stream:
        generation = self._generation
        self._beat_s = monotonic()
        end = partial(self.run_on_loop, self._lose, generation)
        return LIBRARY.open(StreamOrder(self._direction, self._device, self._wanted_rate, self._exchange, end))

    def _exchange(self, *block: object) -> None:
        self._beat_s = monotonic()
        self._callback(*block)

    def _lose(self, generation: int) -> None:
        if generation == self._generation:
            self._lost = True
            self._on_change()
