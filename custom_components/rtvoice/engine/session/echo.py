"""The echo canceller of a session: between the microphone and what the speaker plays."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ..audio.echo.prepare import prepare_canceller
from ..audio.echo.reference import ReferenceLine
from ..audio.frame import SAMPLE_BYTES, frame_bytes
from ..ports import AudioOutputDevice

if TYPE_CHECKING:
    from ..audio.echo.canceller import EchoCanceller

_CAPACITY_PIECES = 200


@runtime_checkable
class BlockReporting(Protocol):
    """A speaker that tells of every block its device takes, also of filler silence: the best reference there is."""

    on_block: Callable[[bytes, int], None] | None
    """Called on the event loop with the block and its rate in Hz."""


class EchoPath:
    """Cleans the microphone of what the speaker plays.

    A frame takes about 0.8 ms of a desktop's core and several times that of a small board's, which is too long for the
    event loop: it is done in one thread of this path's own, frame by frame and in order. Whoever brings a frame waits
    for it, so that no queue is needed: a source that is faster than the thread drops in its own bounded buffer. What
    was played is kept for the next frame (at most 200 pieces: the oldest is dropped and counted).
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._frame_bytes = frame_bytes(sample_rate_hz)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rtvoice echo")
        self._reference = ReferenceLine(sample_rate_hz)
        self._canceller: EchoCanceller | None = None
        self._played: deque[tuple[bytes, int]] = deque(maxlen=_CAPACITY_PIECES)
        self._pending = bytearray()
        self._collect: Callable[[], None] | None = None
        self._reporting: BlockReporting | None = None
        self.dropped_pieces = 0
        """How many pieces of the reference were lost because no frame of the microphone came for too long."""

    @property
    def delay_ms(self) -> float | None:
        """How long after its reference the echo comes; None until that is known."""
        return None if self._canceller is None else self._canceller.delay_ms

    @property
    def erle_db(self) -> float:
        """By how much the echo was lowered lately; speech of the near end makes it less."""
        return 0.0 if self._canceller is None else self._canceller.erle_db

    @property
    def converged(self) -> bool:
        """Whether the echo has been found and most of it is taken out."""
        return self._canceller is not None and self._canceller.converged

    def listen(self, sink: AudioOutputDevice) -> AudioOutputDevice:
        """Take what this speaker plays for the reference; the audio must be given to the sink that is returned."""
        if isinstance(sink, BlockReporting):
            sink.on_block = self.played
            self._reporting = sink
            return sink
        tapped = TappedSink(sink, self.played)
        self._collect = tapped.collect
        return tapped

    def played(self, pcm: bytes, sample_rate_hz: int) -> None:
        """The speaker's device has just taken these samples. Never waits; call it on the event loop."""
        if len(self._played) == _CAPACITY_PIECES:
            self.dropped_pieces += 1
        self._played.append((pcm, sample_rate_hz))

    async def clean(self, pcm: bytes) -> bytes:
        """The microphone's audio without echo: whole frames of 20 ms, for whole samples of any number.

        Frames come back one for one when they are given one by one. One call at a time, in the order of capture.
        """
        if self._canceller is None:
            self._canceller = await prepare_canceller(self._rate_hz)
        if self._collect is not None:
            self._collect()
        pieces = tuple(self._played)
        self._played.clear()
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._clean, self._canceller, pieces, pcm)
        return await work

    async def close(self) -> None:
        """End the thread, and listen no longer. Idempotent."""
        if self._reporting is not None and self._reporting.on_block == self.played:
            self._reporting.on_block = None
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    def _clean(self, canceller: EchoCanceller, pieces: tuple[tuple[bytes, int], ...], pcm: bytes) -> bytes:
        for piece, rate_hz in pieces:
            self._reference.put(piece, rate_hz)
        self._pending += pcm
        cleaned = bytearray()
        while len(self._pending) >= self._frame_bytes:
            frame = bytes(self._pending[: self._frame_bytes])
            del self._pending[: self._frame_bytes]
            cleaned += canceller.process(frame, self._reference.take())
        return bytes(cleaned)


class TappedSink:
    """A speaker whose played samples are reported, found by its own count whenever `collect` is called."""

    def __init__(self, sink: AudioOutputDevice, report: Callable[[bytes, int], None]) -> None:
        self._sink = sink
        self._report = report
        self._given = bytearray()
        self._reported_samples = sink.played_samples

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self._sink.sample_rate

    @property
    def is_playing(self) -> bool:
        """Whether samples that were given to it have not been played yet."""
        return self._sink.is_playing

    @property
    def played_samples(self) -> int:
        """How many of the samples given to `play_chunk` reached the device."""
        return self._sink.played_samples

    async def start(self) -> None:
        """Open the device. Raises SinkError."""
        await self._sink.start()

    async def stop(self) -> None:
        """Close the device at once. Idempotent."""
        await self._sink.stop()
        self._forget()

    async def play_chunk(self, pcm: bytes) -> None:
        """Queue whole samples; waits while the device's buffer is full. Raises SinkError when the device fails."""
        self.collect()
        self._given += pcm
        await self._sink.play_chunk(pcm)

    async def clear_buffer(self) -> None:
        """Drop what is queued; what was dropped is never reported."""
        await self._sink.clear_buffer()
        self._forget()

    def collect(self) -> None:
        """Report what was played since the last time."""
        played = self._sink.played_samples
        size = (played - self._reported_samples) * SAMPLE_BYTES
        self._reported_samples = played
        if size:
            self._report(bytes(self._given[:size]), self._sink.sample_rate)
            del self._given[:size]

    def _forget(self) -> None:
        self.collect()
        self._given.clear()
