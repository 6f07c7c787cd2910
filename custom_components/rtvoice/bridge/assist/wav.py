"""The agent's voice as a WAV stream, of which nobody knows how long it will be."""

import struct
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from homeassistant.components import tts

from ...engine.audio.frame import SAMPLE_BYTES
from ...engine.audio.resample import LOWEST_RATE_HZ, Resampler

_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM: Final = 1
_UNKNOWN: Final = 0xFFFFFFFF
_HIGHEST_RATE_HZ: Final = 96_000

FORMAT_OPTIONS: Final = (
    tts.ATTR_PREFERRED_FORMAT,
    tts.ATTR_PREFERRED_SAMPLE_RATE,
    tts.ATTR_PREFERRED_SAMPLE_CHANNELS,
    tts.ATTR_PREFERRED_SAMPLE_BYTES,
)


@dataclass(frozen=True, slots=True)
class WavFormat:
    """16-bit PCM at a rate, the same in each of one or two channels."""

    rate_hz: int
    channels: int = 1

    @classmethod
    def wanted(cls, options: Mapping[str, Any], own_rate_hz: int) -> Self:
        """What the options of a request ask for, as far as there is such a thing."""
        rate_hz = int(options.get(tts.ATTR_PREFERRED_SAMPLE_RATE) or own_rate_hz)
        channels = int(options.get(tts.ATTR_PREFERRED_SAMPLE_CHANNELS) or 1)
        return cls(min(max(rate_hz, LOWEST_RATE_HZ), _HIGHEST_RATE_HZ), min(max(channels, 1), 2))

    @property
    def header(self) -> bytes:
        """What a WAV stream of unknown length begins with."""
        frame_bytes = self.channels * SAMPLE_BYTES
        bits = SAMPLE_BYTES * 8
        return _HEADER.pack(
            b"RIFF",
            _UNKNOWN,
            b"WAVE",
            b"fmt ",
            16,
            _PCM,
            self.channels,
            self.rate_hz,
            self.rate_hz * frame_bytes,
            frame_bytes,
            bits,
            b"data",
            _UNKNOWN,
        )

    def spread(self, pcm: bytes) -> bytes:
        """Mono samples in all channels."""
        return pcm if self.channels == 1 else np.repeat(np.frombuffer(pcm, dtype="<i2"), self.channels).tobytes()


async def wav_stream(pcm: AsyncGenerator[bytes], own_rate_hz: int, wanted: WavFormat) -> AsyncGenerator[bytes]:
    """Mono PCM at `own_rate_hz` as WAV, piece by piece as it comes."""
    resampler = await Resampler.prepare(own_rate_hz, wanted.rate_hz)
    yield wanted.header
    async for chunk in pcm:
        if converted := resampler.process(chunk):
            yield wanted.spread(converted)
    if rest := resampler.flush():
        yield wanted.spread(rest)
