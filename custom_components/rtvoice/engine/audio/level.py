"""How loud audio is."""

from math import log10, sumprod

from .frame import SAMPLE_BYTES

SILENCE_DBFS = -96.0
"""The level of digital silence, and the lowest there is."""

_FULL_SCALE = 32768.0


def level_dbfs(pcm: bytes) -> float:
    """Root mean square of 16-bit PCM in decibels; 0 is a square wave of full scale, -3 a sine."""
    samples = memoryview(pcm).cast("h")
    energy = sumprod(samples, samples)
    if not energy:
        return SILENCE_DBFS
    return max(SILENCE_DBFS, 10 * log10(energy * SAMPLE_BYTES / len(pcm) / _FULL_SCALE**2))
