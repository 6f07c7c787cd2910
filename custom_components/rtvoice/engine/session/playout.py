"""The way of the agent's voice to the speaker, and how far it has come."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ..audio.frame import FRAME_MS, SAMPLE_BYTES
from ..conversation.facts import Fact, PlayoutDrained, PlayoutStarted
from ..conversation.values import PlayoutPosition
from ..eager import begin
from ..errors import SinkError
from ..ports import AudioOutputDevice
from .feed import SinkFeed
from .jitter import JitterBuffer
from .ledger import NO_ITEM

_FRAME_S = FRAME_MS / 1000
_LOOK_S = 0.5
"""How often the sink is looked at while nothing is about to begin or to end."""
_DEEP_S = 0.2
"""A sink that holds more than this has no small buffer, and is given more than a frame at a time."""

_LOST_AFTER_LOOKS = 1000 // FRAME_MS
"""A sink that says for a second that it plays nothing, while audio is due, has failed. A loop that was held up for as
long has not asked it."""


class Playout:
    """Plays the audio of items in order on a sink and tells by the sink's own count what was heard.

    At most `capacity_s` seconds are queued (full: the new piece is dropped and counted). A burst of audio starts when
    `prebuffer_ms` of it are there, or that long after its beginning; what the sink takes at once is handed to it in the
    step in which it came. Posts `PlayoutStarted` and `PlayoutDrained`.
    `finish_stream` is called behind the last audio before `finish`, unless more has come or it was cleared.
    The sink is started before `run` and stopped after it by others.
    """

    def __init__(
        self,
        sink: AudioOutputDevice,
        source_rate_hz: int,
        post: Callable[[Fact], None],
        *,
        prebuffer_ms: int = 60,
        capacity_s: int = 1800,
        record: Callable[[bytes, float], None] | None = None,
        finish_stream: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        self._sink = sink
        self._post = post
        self._record = record
        self._finish_stream = finish_stream
        self._finished = False
        self._source_rate_hz = source_rate_hz
        self._frame_samples = source_rate_hz * FRAME_MS // 1000
        self._prebuffer_samples = source_rate_hz * prebuffer_ms // 1000
        self._prebuffer_s = prebuffer_ms / 1000
        self._queue = JitterBuffer(capacity_s * source_rate_hz)
        self._feed = SinkFeed(sink, source_rate_hz, keeps=record is not None)
        self._failure: asyncio.Future[None] | None = None
        """What `run` waits for; None while it does not run."""
        self._handing: asyncio.Task[None] | None = None
        """What the sink did not take at once."""
        self._clearing = asyncio.Lock()
        self._streaming = False
        """Whether the sink was given audio that more may follow without a gap."""
        self._patience: asyncio.TimerHandle | None = None
        self._patient = True
        """Whether more audio is still worth waiting for."""
        self._ending: asyncio.TimerHandle | None = None
        """When to see whether the sink is about to run dry."""
        self._watch: asyncio.TimerHandle | None = None
        self._lost_looks = 0
        self._chunks = 0
        self._drained_chunks = 0
        self._last_item_id: str | None = None
        self._ended = False
        self._given = asyncio.Event()
        self._given.set()
        self.underruns = 0
        """How often the speaker fell silent in the middle of an item because its audio came too late."""

    @property
    def dropped_chunks(self) -> int:
        """How many pieces of audio were dropped because the queue was full."""
        return self._queue.dropped_pieces

    def play(self, item_id: str, content_index: int, pcm: bytes) -> None:  # noqa: ARG002 - an item is heard as one
        """Queue a piece of an item's audio, whole samples at `source_rate_hz`. Never waits."""
        self._chunks += 1
        self._finished = False
        self._queue.put(item_id, pcm)
        if self._queue.queued_samples and not self._ended:
            self._given.clear()
        self._go_on()
        if self._watch is None:
            # There is nothing to hear of it that would be looked at later.
            self._post_if_drained(self._sink.played_samples)

    def finish(self) -> None:
        """Nothing follows what is queued, for now: a sink that is sent a stream is told so behind it. Never waits."""
        self._finished = True
        self._go_on()

    def sound(self, pcm: bytes) -> None:
        """Queue a sound that is no item's, whole samples at `source_rate_hz`. Never waits; no position counts it."""
        self._queue.put(NO_ITEM, pcm)
        self.finish()

    async def clear(self) -> None:
        """Fall silent within one frame and forget what is queued; done in one step if the sink takes no time.

        Posts `PlayoutDrained`, unless more was queued meanwhile. An item that was cut before its start was noticed is
        never posted as started.
        """
        self._queue.clear()
        self._finished = False
        self._last_item_id = None
        self._streaming = False
        self._stop_watching()
        self._stop_waiting()
        async with self._clearing:
            await self._stop_handing()
            await self._sink.clear_buffer()
            self._hear(self._feed.cut())
        self._drained_chunks = -1
        if not self._queue.queued_samples:
            self._given.set()
        self._go_on()
        self._post_if_drained(self._sink.played_samples)

    @property
    def given(self) -> bool:
        """Whether the sink was given all that was queued, heard or not."""
        return self._given.is_set()

    async def wait_given(self) -> None:
        """Wait until the sink was given all that was queued, or nothing more will be played."""
        await self._given.wait()

    def position(self) -> PlayoutPosition:
        """What was heard so far: never more than the sink has played."""
        return self._feed.ledger.position(self._sink.played_samples)

    async def run(self) -> None:
        """Play what is queued until cancelled. Raises SinkError when the sink fails or loses audio."""
        await self._feed.open()
        self._failure = asyncio.get_running_loop().create_future()
        try:
            self._go_on()
            await self._failure
        finally:
            self._failure = None
            self._ended = True
            self._given.set()
            self._stop_watching()
            self._stop_waiting()
            await self._stop_handing()

    @property
    def _runs(self) -> bool:
        return self._failure is not None and not self._failure.done()

    def _fail(self, err: BaseException) -> None:
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(err)

    def _go_on(self) -> None:
        """Hand over all that is due and that the sink takes at once; when it takes its time, this is called again."""
        while self._runs and self._handing is None and not self._clearing.locked():
            if self._queue.queued_samples:
                if self._waits_for_more():
                    return
                self._stop_waiting()
                self._streaming = True
                self._give_next()
            elif self._streaming and self._stretch_ends():
                self._streaming = False
                self._hand_over(self._feed.tail())
            elif self._finished and self._finish_stream is not None:
                self._finished = False
                self._begin(self._finish_stream())
            else:
                self._given.set()
                return

    def _waits_for_more(self) -> bool:
        """Whether what is queued is too little to be handed over yet."""
        queued = self._queue.queued_samples
        if self._streaming:
            return queued < self._frame_samples and self._waits(min(self._feed.due_s - _FRAME_S, self._prebuffer_s))
        if self._patience is None and self._patient:
            # A stretch of audio begins: in silence it waits until there is enough of it.
            if self._feed.due_s > 0:
                return False
            if self._queue.next_item_id == self._last_item_id != NO_ITEM:
                self.underruns += 1
        return queued < self._prebuffer_samples and self._waits(self._prebuffer_s)

    def _waits(self, within_s: float) -> bool:
        """Whether to wait: that long at most, counted from when this was first asked."""
        if self._finished or not self._patient:
            return False
        if self._patience is None and within_s > 0:
            self._patience = asyncio.get_running_loop().call_later(within_s, self._lose_patience)
        return self._patience is not None

    def _lose_patience(self) -> None:
        self._patience = None
        self._patient = False
        self._go_on()

    def _stop_waiting(self) -> None:
        self._patient = True
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _stretch_ends(self) -> bool:
        """Whether the sink is about to run dry, or nothing follows: then it is given what the resampler holds back.

        Until then a gap in the provider's pace is none in the audio, and must not be heard as one.
        """
        if self._finished:
            return True
        if self._ending is not None:
            # Audio that comes meanwhile leaves the timer as it is: it is looked at again then.
            return False
        if (left_s := self._feed.due_s - _FRAME_S) <= 0:
            return True
        self._ending = asyncio.get_running_loop().call_later(max(left_s, _FRAME_S / 2), self._look_for_end)
        return False

    def _look_for_end(self) -> None:
        self._ending = None
        self._go_on()

    def _give_next(self) -> None:
        self._last_item_id = self._queue.next_item_id
        self._keep_watching()
        self._hand_over(self._feed.take(self._queue, self._portion()))

    def _hand_over(self, pcm: bytes) -> None:
        if pcm:
            self._begin(self._sink.play_chunk(pcm))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Have the sink do something, in this very step if it takes no time."""
        handing = begin(work, "rtvoice hand-over")
        if handing.done():
            self._see(handing)
        else:
            self._handing = handing
            handing.add_done_callback(self._handed)

    def _handed(self, handing: asyncio.Task[None]) -> None:
        self._handing = None
        self._see(handing)
        self._go_on()

    def _see(self, handing: asyncio.Task[None]) -> None:
        """Take note of a failure of the sink."""
        if handing.cancelled():
            self._fail(SinkError("The speaker stopped playing"))
        elif (err := handing.exception()) is not None:
            self._fail(err)

    async def _stop_handing(self) -> None:
        handing, self._handing = self._handing, None
        if handing is None:
            return
        handing.remove_done_callback(self._handed)
        handing.cancel()
        await asyncio.wait([handing])
        if not handing.cancelled():
            self._see(handing)

    def _portion(self) -> int:
        """How many samples to hand over at once: a frame, or more where that is little of what the sink holds."""
        due_s = self._feed.due_s
        if due_s <= _DEEP_S:
            return self._frame_samples
        portion = int(min(due_s / 2, _DEEP_S) * self._source_rate_hz)
        queued = self._queue.queued_samples
        # What would be left is given too, if it is not worth a portion of its own.
        return portion if queued - portion >= self._frame_samples else queued

    def _keep_watching(self, after_s: float = _FRAME_S) -> None:
        if self._watch is None:
            self._watch = asyncio.get_running_loop().call_later(after_s, self._look)

    def _stop_watching(self) -> None:
        for timer in (self._watch, self._ending):
            if timer is not None:
                timer.cancel()
        self._watch = self._ending = None

    def _look(self) -> None:
        """Compare what is due with what the sink has played, whenever there may be something to see."""
        self._watch = None
        playing = self._sink.is_playing
        played = self._sink.played_samples
        self._hear(self._feed.heard(played))
        self._post_begun(played)
        self._post_if_drained(played)
        due = played < self._feed.ledger.end
        lost = due and not playing
        self._limit_silence(lost=lost)
        if due or self._queue.queued_samples:
            quiet_s = 0.0 if lost else self._feed.ledger.quiet_for(played) / self._sink.sample_rate
            self._keep_watching(min(max(quiet_s, _FRAME_S), _LOOK_S))

    def _hear(self, pcm: bytes) -> None:
        if self._record is not None and pcm:
            duration_s = len(pcm) / SAMPLE_BYTES / self._source_rate_hz
            self._record(pcm, asyncio.get_running_loop().time() - duration_s)

    def _limit_silence(self, *, lost: bool) -> None:
        self._lost_looks = self._lost_looks + 1 if lost else 0
        if self._lost_looks == _LOST_AFTER_LOOKS:
            self._fail(SinkError("The speaker stopped playing"))

    def _post_begun(self, played: int) -> None:
        for item_id in self._feed.ledger.settle(played):
            self._post(PlayoutStarted(item_id))

    def _post_if_drained(self, played: int) -> None:
        if self._queue.queued_samples or played < self._feed.ledger.end or self._drained_chunks == self._chunks:
            return
        self._drained_chunks = self._chunks
        self._post_begun(played)
        self._feed.ledger.fall_silent()
        self._post(PlayoutDrained(self._chunks))
