"""The microphone of this machine."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Buffer

from .choice import INPUT
from .stream import DeviceStream

_CAPACITY_BLOCKS = 100

_CHECK_S = 0.5
"""A stream that is silent for so long is asked whether it is still alive."""


class MicrophoneInput:
    """A microphone by index or name (a part of the name is enough), in blocks of 20 ms; None is the default one.

    Two seconds are kept for a reader that comes late (full: the oldest block is dropped and counted). Where the device
    does not support `sample_rate`, it uses its own, and `sample_rate` says so once it is started.
    """

    def __init__(self, device: int | str | None = None, sample_rate: int = 24_000) -> None:
        self._changed = asyncio.Event()
        self._stream = DeviceStream(INPUT, device, sample_rate, self._hear, self._changed.set)
        self._blocks: deque[bytes] = deque(maxlen=_CAPACITY_BLOCKS)
        self._running = False
        self.dropped_blocks = 0
        """How many blocks of 20 ms nobody read in time."""

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self._stream.sample_rate

    @property
    def is_active(self) -> bool:
        """Whether it is capturing."""
        return self._running and self._stream.active

    async def start(self) -> None:
        """Open the microphone and begin to capture. Raises SourceError."""
        self._blocks.clear()
        await self._stream.open()
        self._running = True

    async def stop(self) -> None:
        """Close the microphone; `stream_chunks` ends. Idempotent, and safe while it is being started."""
        self._running = False
        self._changed.set()
        await self._stream.close()

    async def stream_chunks(self) -> AsyncIterator[bytes]:
        """Blocks as they are captured, until `stop`. Raises SourceError within a second when the device is lost."""
        while self._running:
            if self._blocks:
                yield self._blocks.popleft()
            else:
                self._stream.check()
                await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(_CHECK_S):
                await self._changed.wait()
        except TimeoutError:
            return

    def _hear(self, block: Buffer, _frames: int, _time: object, _status: object) -> None:
        self._stream.run_on_loop(self._take, bytes(block))

    def _take(self, block: bytes) -> None:
        if len(self._blocks) == self._blocks.maxlen:
            self.dropped_blocks += 1
        self._blocks.append(block)
        self._changed.set()
