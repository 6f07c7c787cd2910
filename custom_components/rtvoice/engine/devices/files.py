"""WAV files in place of a microphone and a speaker, in real time."""

import asyncio
import wave
from collections.abc import AsyncIterator
from pathlib import Path

from ..audio.frame import FRAME_MS, SAMPLE_BYTES, frame_bytes
from ..audio.resample import Resampler
from ..errors import SinkError, SourceError
from .tape import Tape
from .threaded import AbandonedError, ThreadedResource

_FRAME_S = FRAME_MS / 1000
_CAPACITY_MS = 100
_WRITE_EVERY_S = 1.0


class FileInput:
    """A WAV file (16 bits, mono) played as a microphone in real time, then silence until it is stopped.

    Every `stream_chunks` plays the file from its beginning. `sample_rate` None is the file's own, which is known once
    it is started (24 kHz before).
    """

    def __init__(self, path: str | Path, sample_rate: int | None = None) -> None:
        self._path = Path(path)
        self._wanted_rate = sample_rate
        self._sample_rate = sample_rate or 24_000
        self._pcm = b""
        self._stopped = asyncio.Event()
        self._stopped.set()

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self._sample_rate

    @property
    def is_active(self) -> bool:
        """Whether it was started and not stopped since."""
        return not self._stopped.is_set()

    async def start(self) -> None:
        """Read the file. Raises SourceError if it is missing or no such WAV file."""
        self._pcm, self._sample_rate = await asyncio.to_thread(_read, self._path, self._wanted_rate)
        self._stopped.clear()

    async def stop(self) -> None:
        """End `stream_chunks`. Idempotent."""
        self._stopped.set()

    async def stream_chunks(self) -> AsyncIterator[bytes]:
        """A frame of 20 ms every 20 ms, by the loop's clock and without drift."""
        size = frame_bytes(self._sample_rate)
        began_s = asyncio.get_running_loop().time()
        count = 0
        while not self._stopped.is_set():
            # Like a microphone's, a frame is there when its last sample was heard.
            try:
                async with asyncio.timeout_at(began_s + (count + 1) * _FRAME_S):
                    await self._stopped.wait()
            except TimeoutError:
                yield self._pcm[count * size : (count + 1) * size].ljust(size, b"\0")
                count += 1


class FileOutput:
    """A speaker that plays in real time into a WAV file.

    The recording is true to time: it begins at `start`, and where nothing is played it is silent. 100 ms can be queued
    (full: `play_chunk` waits). Written about once a second and at `stop`, the file is valid after each writing.
    """

    def __init__(self, path: str | Path, sample_rate: int = 24_000) -> None:
        self._sample_rate = sample_rate
        self._tape = ThreadedResource(lambda: Tape(Path(path), sample_rate), Tape.close)
        self._capacity_bytes = sample_rate * _CAPACITY_MS // 1000 * SAMPLE_BYTES
        self._queued = bytearray()
        self._began_s = 0.0
        self._passed_samples = 0
        self._played_samples = 0
        self._clears = 0

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self._sample_rate

    @property
    def is_playing(self) -> bool:
        """Whether samples that were given to it have not been played yet."""
        self._advance()
        return bool(self._queued)

    @property
    def played_samples(self) -> int:
        """How many of the samples it was given have had their time."""
        self._advance()
        return self._played_samples

    async def start(self) -> None:
        """Create the file, or overwrite it. Raises SinkError."""
        try:
            await self._tape.open()
        except AbandonedError:
            raise SinkError("The recording was stopped while it was being started") from None
        self._began_s = asyncio.get_running_loop().time()
        self._passed_samples = 0

    async def stop(self) -> None:
        """Drop what is queued and finish the file. Idempotent. Raises SinkError if the file cannot be written."""
        await self.clear_buffer()
        await self._tape.close()

    async def play_chunk(self, pcm: bytes) -> None:
        """Queue whole samples; waits while 100 ms are queued, and drops the rest when it is cleared meanwhile.

        Raises SinkError when it is not started, or the file cannot be written.
        """
        tape = self._tape.current
        if tape is None:
            raise SinkError("The recording has not been started")
        clears = self._clears
        rest = memoryview(pcm)
        while True:
            self._advance()
            room = self._capacity_bytes - len(self._queued)
            self._queued += rest[:room]
            rest = rest[room:]
            if tape.pending_samples >= self._sample_rate * _WRITE_EVERY_S:
                await asyncio.to_thread(tape.write)
            if not rest or self._clears != clears:
                return
            await asyncio.sleep(_FRAME_S)
            if self._clears != clears:
                return

    async def clear_buffer(self) -> None:
        """Drop what is queued: silence from now on. What was dropped never counts as played."""
        self._advance()
        self._clears += 1
        self._queued.clear()

    def _advance(self) -> None:
        """Record what has had its time since the last look: what was queued, then silence."""
        tape = self._tape.current
        if tape is None:
            return
        passed = int((asyncio.get_running_loop().time() - self._began_s) * self._sample_rate)
        due = passed - self._passed_samples
        self._passed_samples = passed
        heard = bytes(self._queued[: due * SAMPLE_BYTES])
        del self._queued[: len(heard)]
        self._played_samples += len(heard) // SAMPLE_BYTES
        tape.record(heard, due - len(heard) // SAMPLE_BYTES)


def _read(path: Path, wanted_rate: int | None) -> tuple[bytes, int]:
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, SAMPLE_BYTES):
                raise SourceError(f"{path} must be a WAV file of 16 bits and one channel")
            rate = file.getframerate()
            pcm = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as err:
        raise SourceError(f"{path} cannot be read as a WAV file: {err}") from err
    if wanted_rate is None:
        return pcm, rate
    resampler = Resampler(rate, wanted_rate)
    return resampler.process(pcm) + resampler.flush(), wanted_rate
