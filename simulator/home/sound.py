"""Changes of sample rate between the wire (24 kHz) and speech programs (16 or 8 kHz)."""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

WIRE_HZ = 24_000
EAR_HZ = 16_000
_TAPS_PER_PHASE = 16


def resample(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """16-bit mono PCM at another rate, band-limited by a windowed sinc."""
    if from_hz == to_hz or not pcm:
        return pcm
    shared = math.gcd(from_hz, to_hz)
    up, down = to_hz // shared, from_hz // shared
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    stuffed = np.zeros(len(samples) * up)
    stuffed[::up] = samples * up
    filtered = np.convolve(stuffed, _low_pass(max(up, down)), mode="same")[::down]
    clipped: bytes = np.clip(np.rint(filtered), -32_768, 32_767).astype("<i2").tobytes()
    return clipped


@cache
def _low_pass(factor: int) -> npt.NDArray[np.float64]:
    half = _TAPS_PER_PHASE * factor
    at = np.arange(-half, half + 1)
    taps = np.sinc(at / factor) * np.blackman(len(at))
    return np.asarray(taps / taps.sum())
