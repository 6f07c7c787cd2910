"""The way of the microphone's audio to the provider."""

import asyncio
from collections import deque

from ..audio.frame import FRAME_MS, frame_bytes
from ..audio.level import level_dbfs
from ..audio.resample import Resampler
from ..errors import SourceError
from ..ports import AudioInputDevice, Connection


class Uplink:
    """Captures from a source and forwards to a connection, through a buffer of `capacity_ms`.

    When the buffer is full, the oldest frame is dropped and counted. The two ends are tasks of their own, so that
    capturing starts before there is a connection and outlives it. The source is started and stopped by others.
    """

    def __init__(self, source: AudioInputDevice, target_rate_hz: int, *, capacity_ms: int = 2000) -> None:
        self._source = source
        self._target_rate_hz = target_rate_hz
        self._frames: deque[bytes] = deque(maxlen=max(1, capacity_ms // FRAME_MS))
        self._captured = asyncio.Event()
        self._last_frame = b""
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
                self._take(bytes(pending[:size]), resampler)
                del pending[:size]
        if self._source.is_active:
            raise SourceError("The microphone stopped delivering audio")

    async def forward(self, connection: Connection) -> None:
        """Send what was captured meanwhile, then each frame as it comes. Never returns; raises ConnectionLostError."""
        while True:
            while not self._frames:
                self._captured.clear()
                await self._captured.wait()
            await connection.send_audio(self._frames.popleft())

    def _take(self, frame: bytes, resampler: Resampler) -> None:
        self._last_frame = bytes(len(frame)) if self.muted else frame
        # Silence goes through the resampler too, so that its length is that of the audio it replaces.
        resampled = resampler.process(self._last_frame)
        if len(self._frames) == self._frames.maxlen:
            self.dropped_frames += 1
        self._frames.append(resampled)
        self._captured.set()
