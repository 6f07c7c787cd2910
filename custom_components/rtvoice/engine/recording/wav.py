"""A stereo WAV file that is valid at any time while it grows."""

import errno
import itertools
import os
import struct
from io import FileIO
from pathlib import Path

from ..audio.frame import SAMPLE_BYTES

CHANNELS = 2
FRAME_BYTES = CHANNELS * SAMPLE_BYTES

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM = 1
_BEHIND_RIFF_SIZE = _HEADER.size - 8
_LARGEST_DATA_BYTES = (2**32 - 1 - _BEHIND_RIFF_SIZE) // FRAME_BYTES * FRAME_BYTES


class WavFile:
    """A new file of 16 bits and two channels, for one thread at a time. Everything blocks and raises OSError.

    Parent folders are made. A file that exists is left alone: `talk.wav` becomes `talk-2.wav`, and so on; `path` says
    which it is. The header is written anew behind every piece, so that the file is valid whatever ends the program.
    """

    def __init__(self, path: Path, sample_rate_hz: int, *, limit_bytes: int = _LARGEST_DATA_BYTES) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._limit_bytes = limit_bytes
        self._data_bytes = 0
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._file = _create(path)
        self._write_header()

    @property
    def path(self) -> Path:
        """Where it really is."""
        return self._path

    @property
    def is_empty(self) -> bool:
        """Whether no audio was written."""
        return not self._data_bytes

    def append(self, pcm: bytes) -> None:
        """Write whole interleaved frames behind what is there. Raises OSError also when a WAV file cannot hold them."""
        if self._data_bytes + len(pcm) > self._limit_bytes:
            raise OSError(errno.EFBIG, "A WAV file cannot be any longer", str(self._path))
        self._file.seek(_HEADER.size + self._data_bytes)
        self._write(pcm)
        # The header follows the data, never the other way round: it must not promise what is not there.
        self._data_bytes += len(pcm)
        self._write_header()

    def close(self) -> None:
        """Cut off what a failed `append` may have left behind the audio, and close."""
        with self._file:
            self._file.truncate(_HEADER.size + self._data_bytes)

    def _write_header(self) -> None:
        self._file.seek(0)
        self._write(
            _HEADER.pack(
                b"RIFF",
                _BEHIND_RIFF_SIZE + self._data_bytes,
                b"WAVE",
                b"fmt ",
                16,
                _PCM,
                CHANNELS,
                self._sample_rate_hz,
                self._sample_rate_hz * FRAME_BYTES,
                FRAME_BYTES,
                SAMPLE_BYTES * 8,
                b"data",
                self._data_bytes,
            )
        )

    def _write(self, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            rest = rest[self._file.write(rest) :]


def _create(path: Path) -> tuple[Path, FileIO]:
    candidate = path
    numbers = itertools.count(2)
    while True:
        try:
            # Unbuffered: nothing is left to be written, and to fail, when the file is closed.
            return candidate, FileIO(candidate, "x")
        except FileExistsError:
            candidate = path.with_stem(f"{path.stem}-{next(numbers)}")
