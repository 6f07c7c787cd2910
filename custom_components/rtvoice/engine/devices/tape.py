"""A WAV file that grows while it is recorded."""

import threading
import wave
from collections import deque
from contextlib import closing
from pathlib import Path

from ..audio.frame import SAMPLE_BYTES
from ..errors import SinkError

_SILENCE = bytes(48_000)


class Tape:
    """A WAV file of 16 bits and one channel, overwritten if it exists. Its header is right after every `write`.

    `record` does not block and belongs to the event loop; all else blocks and raises SinkError.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._pending: deque[tuple[bytes, int]] = deque()
        self._recorded_samples = 0
        self._written_samples = 0
        try:
            self._file = path.open("wb")
        except OSError as err:
            raise SinkError(f"{path} cannot be written: {err}") from err
        self._wave = wave.Wave_write(self._file)
        self._wave.setparams((1, SAMPLE_BYTES, sample_rate, 0, "NONE", ""))

    @property
    def pending_samples(self) -> int:
        """How much was recorded and not written yet."""
        return self._recorded_samples - self._written_samples

    def record(self, pcm: bytes, silent_samples: int) -> None:
        """Remember samples, and silence behind them."""
        self._pending.append((pcm, silent_samples))
        self._recorded_samples += len(pcm) // SAMPLE_BYTES + silent_samples

    def write(self) -> None:
        """Put down what was recorded. Does nothing once the tape is closed."""
        with self._lock:
            if self._file.closed:
                return
            try:
                self._put_down()
            except OSError as err:
                raise SinkError(f"{self._path} cannot be written: {err}") from err

    def close(self) -> None:
        """Put down the rest and close the file."""
        with self._lock:
            try:
                with self._file, closing(self._wave):
                    self._put_down()
            except OSError as err:
                raise SinkError(f"{self._path} cannot be written: {err}") from err

    def _put_down(self) -> None:
        while self._pending:
            pcm, silent_samples = self._pending.popleft()
            self._wave.writeframesraw(pcm)
            for start in range(0, silent_samples * SAMPLE_BYTES, len(_SILENCE)):
                self._wave.writeframesraw(_SILENCE[: silent_samples * SAMPLE_BYTES - start])
            self._written_samples += len(pcm) // SAMPLE_BYTES + silent_samples
        # Writing nothing corrects the header.
        self._wave.writeframes(b"")
        self._file.flush()
