"""The recording of a session."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ..audio.frame import SAMPLE_BYTES
from ..events import AgentError, AgentErrorEvent
from .timeline import Channel, Timeline
from .track import Block
from .wav import WavFile

_LOGGER = logging.getLogger(__name__)

_WRITE_EVERY_S = 0.5

_CAPACITY_BLOCKS = 1500
"""15 s of frames of both channels: longer than a disk should ever take."""

_CLOSE_S = 10.0
"""A disk that has not taken the rest within this time is left to itself."""


class Recorder:
    """Writes a stereo WAV file of 16 bits while it happens: left what the user said, right what was heard.

    The file begins at `start` and is true to time in both channels; where there is no audio, there is silence. It is
    at most two seconds behind, and valid at any time. Parent folders are made, and an existing file is never
    overwritten: see `path`. A thread of its own writes; between it and the event loop at most 15 s of audio wait (full:
    the oldest block becomes silence and is counted). When the file cannot be written, the recording ends with a warning
    in the log and one event to `on_failure`; what was written until then is kept. A recorder is used once.

    All times are those of the event loop's clock. PCM is mono, in whole samples, at the rate given for its channel
    (None: that of the recording), best in frames of 20 ms.
    """

    def __init__(
        self,
        path: str | Path,
        sample_rate_hz: int = 24_000,
        *,
        microphone_rate_hz: int | None = None,
        speaker_rate_hz: int | None = None,
        on_failure: Callable[[AgentErrorEvent], None] | None = None,
        capacity_blocks: int = _CAPACITY_BLOCKS,
    ) -> None:
        self._wanted_path = Path(path)
        self._sample_rate_hz = sample_rate_hz
        self._rates_hz = (microphone_rate_hz or sample_rate_hz, speaker_rate_hz or sample_rate_hz)
        self._on_failure = on_failure
        self._blocks: deque[tuple[Channel, Block]] = deque(maxlen=capacity_blocks)
        self._begins = [0 for _ in Channel]
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._taking = False
        self._path: Path | None = None
        self.dropped_samples = 0
        """How many samples were lost because the disk was too slow."""

    @property
    def path(self) -> Path | None:
        """Where the recording really is; None until audio was written, and if none ever was."""
        return self._path

    def start(self, at_s: float) -> None:
        """Begin the time line now, at `at_s`. Raises RuntimeError the second time."""
        if self._thread is not None:
            raise RuntimeError("A recorder is used once")
        loop = asyncio.get_running_loop()
        # A daemon, because a thread that waits for a disk must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, args=(at_s, loop), name="rtvoice recorder", daemon=True)
        self._taking = True
        self._thread.start()

    def microphone(self, pcm: bytes, at_s: float) -> None:
        """Record what the user said; its first sample was captured at `at_s`. Does nothing unless it is started."""
        self._take(Channel.MICROPHONE, pcm, at_s)

    def speaker(self, pcm: bytes, at_s: float) -> None:
        """Record what was heard; its first sample was played at `at_s`. Does nothing unless it is started."""
        self._take(Channel.SPEAKER, pcm, at_s)

    async def close(self) -> Path | None:
        """Write the rest; gives where the recording is, or None if there is none. Idempotent."""
        self._taking = False
        self._closing.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _CLOSE_S)
            if self._thread.is_alive():
                _LOGGER.warning("The disk does not take the end of the recording %s", self._path or self._wanted_path)
        return self._path

    def _take(self, channel: Channel, pcm: bytes, at_s: float) -> None:
        if self._taking and pcm:
            # The count of samples tells the writer what was dropped before a block.
            begin = self._begins[channel]
            self._begins[channel] = begin + len(pcm) // SAMPLE_BYTES
            self._blocks.append((channel, Block(begin, pcm, at_s)))

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _run(self, origin_s: float, loop: asyncio.AbstractEventLoop) -> None:
        try:
            file = WavFile(self._wanted_path, self._sample_rate_hz)
            try:
                self._write(file, Timeline(origin_s, self._sample_rate_hz, *self._rates_hz))
            finally:
                file.close()
                if file.is_empty:
                    file.path.unlink()
        except OSError as err:
            self._taking = False
            self._blocks.clear()
            _LOGGER.warning("The recording %s has ended early: %s", self._path or self._wanted_path, err)
            if self._on_failure is not None and not loop.is_closed():
                loop.call_soon_threadsafe(self._on_failure, _failure(err))

    def _write(self, file: WavFile, timeline: Timeline) -> None:
        closing = False
        while not closing:
            closing = self._closing.wait(_WRITE_EVERY_S)
            while self._blocks:
                timeline.add(*self._blocks.popleft())
            for piece in timeline.rest() if closing else timeline.pieces():
                file.append(piece)
                if not file.is_empty:
                    self._path = file.path
            self.dropped_samples = timeline.dropped_samples


def _failure(err: OSError) -> AgentErrorEvent:
    return AgentErrorEvent(AgentError("recording_failed", f"The recording has ended: {err.strerror or err}"))
