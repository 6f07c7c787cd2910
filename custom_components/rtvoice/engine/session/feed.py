"""The hand-over of audio to the speaker, frame by frame, with a clean cut at any time."""

import asyncio
from collections.abc import Awaitable, Callable

from ..audio.resample import Resampler
from ..ports import AudioOutputDevice
from ..recording import HeardAudio
from .jitter import JitterBuffer
from .ledger import PlayoutLedger


class SinkFeed:
    """Gives queued audio to a sink at the sink's rate and keeps the ledger of it. One hand-over at a time."""

    def __init__(self, sink: AudioOutputDevice, source_rate_hz: int) -> None:
        self._sink = sink
        self._source_rate_hz = source_rate_hz
        self._resampler = Resampler(source_rate_hz, source_rate_hz)
        self._free = asyncio.Lock()
        self._handover: asyncio.Timeout | None = None
        self.ledger = PlayoutLedger(source_rate_hz, sink.sample_rate)
        self.heard = HeardAudio(source_rate_hz, sink.sample_rate)

    @property
    def due_s(self) -> float:
        """Seconds of audio that were taken from the queue and have not been played."""
        return (self.ledger.end - self._sink.played_samples) / self._sink.sample_rate

    async def open(self) -> None:
        """Take over the rate that the started sink really has."""
        self._resampler = await Resampler.prepare(self._source_rate_hz, self._sink.sample_rate)
        self.ledger = PlayoutLedger(self._source_rate_hz, self._sink.sample_rate)
        self.ledger.begin(self._sink.played_samples)
        self.heard = HeardAudio(self._source_rate_hz, self._sink.sample_rate)
        self.heard.begin(self._sink.played_samples)

    async def give(self, queue: JitterBuffer, samples: int) -> None:
        """Hand over at most so many queued samples; waits while the sink is full. Raises SinkError."""
        async with self._free:
            # Taken under the lock: what a clear has dropped meanwhile is not in the queue any more.
            pieces = queue.take(samples)
            for piece in pieces:
                self.ledger.enter(piece)
                self.heard.enter(piece.pcm)
            await self._hand_over(self._resampler.process(b"".join(piece.pcm for piece in pieces)))

    async def finish(self) -> None:
        """Hand over what the resampler holds back; what follows is a new stream. Raises SinkError."""
        async with self._free:
            tail = self._resampler.flush()
            self.ledger.begin(self.ledger.end)
            self.heard.begin(self.ledger.end)
            await self._hand_over(tail)

    async def end_stream(self, finish: Callable[[], Awaitable[None]]) -> None:
        """Tell the sink that nothing follows; a clear cuts that short too. Raises SinkError."""
        async with self._free:
            await self._unless_cleared(finish())

    async def clear(self) -> bytes:
        """Stop a hand-over in progress, silence the sink and forget what it had not played.

        Gives what was heard since the last look.
        """
        if self._handover is not None:
            self._handover.reschedule(asyncio.get_running_loop().time())
            self._handover = None
        async with self._free:
            await self._sink.clear_buffer()
            self._resampler.flush()
            played = self._sink.played_samples
            self.ledger.cut(played)
            return self.heard.cut(played)

    async def _hand_over(self, pcm: bytes) -> None:
        if pcm:
            await self._unless_cleared(self._sink.play_chunk(pcm))

    async def _unless_cleared(self, work: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(None) as handover:
                self._handover = handover
                await work
        except TimeoutError:
            if not handover.expired():
                raise
        finally:
            self._handover = None
