"""The way of the microphone's audio to the provider."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from ..audio.frame import FRAME_MS, frame_bytes
from ..audio.level import level_dbfs
from ..audio.resample import Resampler
from ..errors import SourceError
from ..ports import AudioInputDevice, Connection

_PREROLL_FRAMES = 1000 // FRAME_MS
"""Speech is noticed a little after its onset."""
_HELD_FRAMES = 60_000 // FRAME_MS
_END_MARGIN_S = 0.1
"""Where speech ends is known to about this much; a word must not be taken for the beginning of the next turn."""


class Uplink:
    """Captures from a source and forwards to a connection, through a buffer of `capacity_ms`.

    When the buffer is full, the oldest frame is dropped and counted. The two ends are tasks of their own, so that
    capturing starts before there is a connection and outlives it. The source is started and stopped by others.
    """

    def __init__(
        self,
        source: AudioInputDevice,
        target_rate_hz: int,
        *,
        capacity_ms: int = 30_000,
        record: Callable[[bytes, float], None] | None = None,
        process: Callable[[bytes], Awaitable[bytes]] | None = None,
    ) -> None:
        self._source = source
        self._target_rate_hz = target_rate_hz
        self._frames: deque[bytes] = deque(maxlen=max(1, capacity_ms // FRAME_MS))
        self._sent: deque[bytes] = deque()
        self._holding = False
        self._captured = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._last_frame = b""
        self._record = record
        self._process = process
        self.muted = False
        """Whether silence takes the place of what is captured from now on; assign to change it."""
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
        async for chunk in self._source.stream_chunks():
            pending += chunk
            while len(pending) >= size:
                await self._take(bytes(pending[:size]), resampler)
                del pending[:size]
        if self._source.is_active:
            raise SourceError("The microphone stopped delivering audio")

    async def forward(self, connection: Connection) -> None:
        """Send what was captured meanwhile, then each frame as it comes. Never returns; raises ConnectionLostError."""
        while True:
            while not self._frames:
                self._idle.set()
                self._captured.clear()
                await self._captured.wait()
            frame = self._frames.popleft()
            self._remember(frame)
            await connection.send_audio(frame)

    async def forwarded(self) -> None:
        """Wait until all that was captured so far has been sent."""
        await self._idle.wait()

    def hold(self) -> None:
        """Remember all that is sent from a moment ago on, until `release`."""
        self._holding = True

    def release(self, after_s: float) -> bytes:
        """Return what was sent since the hold; from now on only what was sent in the last `after_s` is remembered."""
        held = b"".join(self._sent)
        self._holding = False
        kept = max(0, int((after_s - _END_MARGIN_S) * 1000 / FRAME_MS))
        while len(self._sent) > kept:
            self._sent.popleft()
        return held

    def rewind(self) -> None:
        """Send again what is remembered: the link that it was sent on is gone, and with it what nobody answered yet."""
        again = [*self._sent, *self._frames]
        self._sent.clear()
        self._frames.clear()
        self._frames.extend(again)
        if self._frames:
            self._idle.clear()

    def _remember(self, frame: bytes) -> None:
        self._sent.append(frame)
        limit = _HELD_FRAMES if self._holding else _PREROLL_FRAMES
        while len(self._sent) > limit:
            self._sent.popleft()

    async def _take(self, frame: bytes, resampler: Resampler) -> None:
        muted = self.muted
        self._last_frame = bytes(len(frame)) if muted else frame
        # Silence goes through the resampler too, so that its length is that of the audio it replaces.
        resampled = resampler.process(self._last_frame if self._process is None else frame)
        if self._process is not None:
            # Cleaned before it is muted: the canceller goes on learning, and silence would unteach it.
            resampled = await self._process(resampled)
            resampled = bytes(len(resampled)) if muted else resampled
        if not resampled:
            return
        if self._record is not None:
            self._record(resampled, asyncio.get_running_loop().time() - FRAME_MS / 1000)
        if len(self._frames) == self._frames.maxlen:
            self.dropped_frames += 1
        self._frames.append(resampled)
        self._idle.clear()
        self._captured.set()
