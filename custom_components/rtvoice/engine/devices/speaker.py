"""The speaker of this machine."""

import asyncio
from collections.abc import Buffer, Callable

from ..audio.frame import frame_bytes
from ..audio.gain import Gain
from ..errors import SinkError
from .choice import OUTPUT
from .ring import SampleRing
from .stream import DeviceStream

_CAPACITY_FRAMES = 5

_CHECK_S = 0.5
"""A stream that makes no room for so long is asked whether it is still alive."""


class SpeakerOutput:
    """A speaker by index or name (a part of the name is enough); None is the default one.

    It holds 100 ms (full: `play_chunk` waits). Where the device does not support `sample_rate`, it uses its own, and
    `sample_rate` says so once it is started. A sample counts as played when the sound card's thread took it. Its volume
    holds for what is played by it, also for what is queued already, and not for the rest of the machine.
    """

    def __init__(self, device: int | str | None = None, sample_rate: int = 24_000) -> None:
        self._changed = asyncio.Event()
        self._stream = DeviceStream(OUTPUT, device, sample_rate, self._speak, self._changed.set)
        self._ring = SampleRing(0)
        self._gain = Gain()
        self._running = False
        self._clears = 0
        self.on_block: Callable[[bytes, int], None] | None = None
        """Called on the loop with every block that the device takes, filler silence included, and its rate in Hz.

        It is as loud as it is played.
        """

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self._stream.sample_rate

    @property
    def is_playing(self) -> bool:
        """Whether samples that were given to it have not been played yet, and the device is there to play them."""
        return bool(self._ring) and self._stream.active

    @property
    def played_samples(self) -> int:
        """How many samples the device took; never falls, never counts filler silence."""
        return self._ring.played_samples

    @property
    def volume(self) -> float:
        """How loud it plays, from 0 to 1."""
        return self._gain.volume

    async def set_volume(self, volume: float) -> None:
        """Play louder or quieter from the next block on. Raises ValueError for what is not from 0 to 1."""
        if not 0.0 <= volume <= 1.0:
            raise ValueError(f"A volume is from 0 to 1, not {volume}")
        self._gain.volume = volume

    async def start(self) -> None:
        """Open the speaker. Raises SinkError."""
        await self._stream.open()
        self._ring.capacity_bytes = _CAPACITY_FRAMES * frame_bytes(self.sample_rate)
        self._running = True

    async def stop(self) -> None:
        """Close the speaker at once, dropping what is queued. Idempotent, and safe while it is being started."""
        self._running = False
        await self.clear_buffer()
        await self._stream.close()

    async def play_chunk(self, pcm: bytes) -> None:
        """Queue whole samples; waits while the buffer is full, and drops the rest when it is cleared meanwhile.

        Raises SinkError when the speaker is not started, and within a second when the device is lost.
        """
        if not self._running:
            raise SinkError("The speaker has not been started")
        clears = self._clears
        rest = memoryview(pcm)
        while True:
            self._stream.check()
            rest = rest[self._ring.put(rest) :]
            if not rest:
                return
            await self._change()
            if self._clears != clears:
                return

    async def clear_buffer(self) -> None:
        """Drop what is queued: the next block is silent. What was dropped never counts as played."""
        self._clears += 1
        self._ring.clear()
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(_CHECK_S):
                await self._changed.wait()
        except TimeoutError:
            return

    def _speak(self, block: Buffer, _frames: int, _time: object, _status: object) -> None:
        view = memoryview(block).cast("B")
        if self._ring.fill(view):
            self._gain.apply(view)
            self._stream.run_on_loop(self._changed.set)
        else:
            self._gain.skip()
        if self.on_block is not None:
            self._stream.run_on_loop(self.on_block, bytes(view), self.sample_rate)
