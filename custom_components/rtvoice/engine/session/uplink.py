"""The way of the microphone's audio to the provider."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from ..audio.frame import FRAME_MS, frame_bytes
from ..audio.level import level_dbfs
from ..audio.resample import Resampler
from ..errors import ConnectionLostError, SourceError
from ..ports import AudioInputDevice, Connection

_NOTICED_S = 1.0
"""The onset of speech is told of within this time after it was sent: what waited for a link is sent all at once."""
_COMMITTED_S = 2.0
_HELD_FRAMES = 60_000 // FRAME_MS
_AT_ONCE_FRAMES = 1000 // FRAME_MS
"""A source that has so much at once lets others have their turn in between."""
_WITHHELD_FRAMES = 3000 // FRAME_MS
"""A wake word that opens the gate is noticed within this time."""


class Uplink:
    """Captures from a source and forwards to a connection; what nobody forwards waits in a buffer of `capacity_ms`.

    When the buffer is full, the oldest frame is dropped and counted. The two ends are tasks of their own, so that
    capturing starts before there is a connection and outlives it. Once a connection has caught up, each frame goes
    from the source to its socket in one step. The source is started and stopped by others.
    """

    def __init__(
        self,
        source: AudioInputDevice,
        target_rate_hz: int,
        *,
        capacity_ms: int = 60_000,
        record: Callable[[bytes, float], None] | None = None,
        process: Callable[[bytes], Awaitable[bytes]] | None = None,
    ) -> None:
        self._source = source
        self._target_rate_hz = target_rate_hz
        self._frames: deque[bytes] = deque(maxlen=max(1, capacity_ms // FRAME_MS))
        self._sent: deque[tuple[float, bytes]] = deque()
        """What may have to be sent again, with the time at which it was sent."""
        self._sent_count = 0
        self._ends: deque[int] = deque()
        """How many frames will have been sent at the end of each turn that the provider is still to be told of."""
        self._commits: deque[int] = deque()
        """How many frames had been sent when the provider was told to make a turn of them, for each that it has not."""
        self._speech_end: int | None = None
        """How many frames had been sent at the end of speech of which no turn was made yet."""
        self._progress = asyncio.Event()
        self._marked = asyncio.Event()
        self._holding = False
        self._withheld: deque[bytes] = deque(maxlen=_WITHHELD_FRAMES)
        self._direct: Callable[[bytes], None] | None = None
        self._last_frame = b""
        self._record = record
        self._process = process
        self._muted = False
        self.dropped_frames = 0
        """How many frames of 20 ms were lost because nobody forwarded them in time."""

    @property
    def level_dbfs(self) -> float:
        """Level of the last frame; 0 is full scale, -96 silence."""
        return level_dbfs(self._last_frame)

    async def capture(self) -> None:
        """Capture until the source is stopped. Raises SourceError when it fails or ends without having been stopped."""
        rate_hz = self._source.sample_rate
        resampler = await Resampler.prepare(rate_hz, self._target_rate_hz)
        size = frame_bytes(rate_hz)
        pending = bytearray()
        taken = 0
        async for chunk in self._source.stream_chunks():
            if len(chunk) == size and not pending:
                await self._take(chunk, resampler)
            else:
                pending += chunk
                while len(pending) >= size:
                    await self._take(bytes(pending[:size]), resampler)
                    del pending[:size]
            taken += len(chunk)
            if taken >= _AT_ONCE_FRAMES * size:
                taken = 0
                await asyncio.sleep(0)
        if self._source.is_active:
            raise SourceError("The microphone stopped delivering audio")

    async def forward(self, connection: Connection) -> None:
        """Send what was captured meanwhile, then each frame as it comes. Never returns; raises ConnectionLostError."""
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def send(frame: bytes) -> None:
            self._remember(frame)
            try:
                connection.send_audio(frame)
            except ConnectionLostError as err:
                self._direct = None
                # A forwarding that is being cancelled knows already; the frame is remembered for the next link.
                if not broken.done():
                    broken.set_exception(err)

        try:
            # Turns that ended while there was no link are handed over as one.
            self._ends = deque(tuple(self._ends)[-1:])
            while self._frames and not broken.done():
                await self._wait_for_commit()
                send(self._frames.popleft())
                self._progress.set()
                await connection.audio_taken()
            if not broken.done():
                self._direct = send
            await broken
        finally:
            self._direct = None

    def gate(self, *, open: bool, recall_s: float = 0.0) -> None:  # noqa: A002 - as the effect has it
        """Let through what is captured from now on, or put silence in its place.

        When it opens, what silence took the place of in the last `recall_s` (at most 3 s) is sent as well, now.
        """
        self._muted = not open
        if open:
            recalled = min(len(self._withheld), round(recall_s * 1000 / FRAME_MS))
            for frame in list(self._withheld)[len(self._withheld) - recalled :]:
                self._offer(frame)
            self._withheld.clear()

    def end_turn(self) -> None:
        """The user has ended a turn here: nothing that is captured from now on is sent before it is committed."""
        self._ends.append(self._sent_count + len(self._frames))

    async def turn_sent(self) -> None:
        """Wait until all of the turn that ended first has been sent, or all that was captured, where none has."""
        while self._frames and (not self._ends or self._sent_count < self._ends[0]):
            self._progress.clear()
            await self._progress.wait()

    async def _wait_for_commit(self) -> None:
        """Where a turn has ended, send no more before it is committed; what nobody commits is no turn."""
        if not self._ends or self._sent_count < self._ends[0]:
            return
        self._progress.set()
        self._marked.clear()
        try:
            async with asyncio.timeout(_COMMITTED_S):
                await self._marked.wait()
        except TimeoutError:
            self._ends.popleft()

    def hold(self) -> None:
        """Remember all that is sent from a moment ago on, until `release`."""
        self._holding = True

    def mark(self) -> None:
        """The provider is being told to make a turn of what was sent so far."""
        self._commits.append(self._sent_count)
        if self._ends:
            self._ends.popleft()
        self._marked.set()

    def unmark(self) -> None:
        """It made none the first time that it has not answered to."""
        if self._commits:
            self._commits.popleft()

    def mark_speech_end(self, ago_s: float) -> None:
        """The provider hears no speech in the last `ago_s` seconds of what was sent so far."""
        self._speech_end = self._sent_count - round(ago_s * 1000 / FRAME_MS)

    def release(self) -> bytes:
        """Return what was sent since the hold, up to the first mark or, without one, up to the end of the speech.

        From now on only what is behind is remembered: the next turn may have begun there already.
        """
        self._holding = False
        end = self._commits.popleft() if self._commits else self._speech_end
        self._speech_end = None
        kept = 0 if end is None else self._sent_count - end
        return b"".join(self._sent.popleft()[1] for _ in range(len(self._sent) - kept))

    def rewind(self) -> None:
        """Send again what is remembered: the link that it was sent on is gone, and with it what nobody answered yet."""
        again = [*(frame for _, frame in self._sent), *self._frames]
        room = self._frames.maxlen or len(again)
        self._sent_count += max(0, len(again) - room) - len(self._sent)
        self._ends.extendleft(reversed(self._commits))
        self._commits.clear()
        self._speech_end = None
        self._sent.clear()
        self._frames.clear()
        self._frames.extend(again)

    def _remember(self, frame: bytes) -> None:
        now_s = asyncio.get_running_loop().time()
        self._sent.append((now_s, frame))
        self._sent_count += 1
        if len(self._sent) > _HELD_FRAMES:
            self._sent.popleft()
        if not self._holding:
            while self._sent[0][0] <= now_s - _NOTICED_S:
                self._sent.popleft()

    async def _take(self, frame: bytes, resampler: Resampler) -> None:
        resampled = resampler.process(frame)
        if self._process is not None:
            # Cleaned before it is muted: the canceller goes on learning, and silence would unteach it.
            resampled = await self._process(resampled)
        self._last_frame = frame
        if self._muted:
            self._withheld.append(resampled)
            self._last_frame, resampled = bytes(len(frame)), bytes(len(resampled))
        if not resampled:
            return
        if self._record is not None:
            self._record(resampled, asyncio.get_running_loop().time() - FRAME_MS / 1000)
        self._offer(resampled)

    def _offer(self, frame: bytes) -> None:
        if self._direct is not None:
            self._direct(frame)
            return
        if len(self._frames) == self._frames.maxlen:
            self.dropped_frames += 1
            self._sent_count += 1
        self._frames.append(frame)
