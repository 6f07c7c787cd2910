"""What a satellite's microphone hears, as sessions hear it."""

from collections.abc import Iterator
from typing import Final

from wyoming.audio import AudioChunk, AudioChunkConverter

RATE_HZ: Final = 16_000
"""At which the microphone is heard, whatever the satellite's own rate is."""
_RATES_HZ: Final = range(4_000, 192_001)
"""An unbounded rate would let a chunk become as long as its sender likes."""
_WIDTHS: Final = (1, 2, 3, 4)
_CHANNELS: Final = (1, 2)
PIECE_BYTES: Final = 4096
"""Most in one piece, so that whoever counts pieces knows how much there is."""


class Listener:
    """Turns chunks of whatever format into 16-bit mono PCM of `RATE_HZ`."""

    def __init__(self) -> None:
        self._format: tuple[int, int, int] | None = None
        self._converter = _converter()

    def pieces(self, chunk: AudioChunk) -> Iterator[bytes]:
        """All of it but a part of a sample at its end, piece by piece. Raises ValueError for what is no audio."""
        form = chunk.rate, chunk.width, chunk.channels
        if form != self._format:
            _check(*form)
            self._format, self._converter = form, _converter()
        whole = len(chunk.audio) - len(chunk.audio) % (chunk.width * chunk.channels)
        pcm = self._converter.convert(AudioChunk(*form, chunk.audio[:whole])).audio
        return (pcm[start : start + PIECE_BYTES] for start in range(0, len(pcm), PIECE_BYTES))


def _converter() -> AudioChunkConverter:
    return AudioChunkConverter(rate=RATE_HZ, width=2, channels=1)


def _check(rate: object, width: object, channels: object) -> None:
    known = isinstance(rate, int) and rate in _RATES_HZ and width in _WIDTHS and channels in _CHANNELS
    if not known:
        raise ValueError(f"Audio of {rate} Hz, {width} bytes and {channels} channels cannot be heard")
