"""How loud audio is played."""

from array import array

_LOUDNESS_EXPONENT = 0.6
"""Loudness grows with the 0.6th power of sound pressure (S. S. Stevens, The measurement of loudness, 1955)."""


def factor_of(volume: float) -> float:
    """What samples are multiplied by for a volume of 0 to 1, so that half the volume sounds half as loud."""
    return float(volume ** (1 / _LOUDNESS_EXPONENT))


class Gain:
    """Turns audio down, block by block and in place; never up, so nothing clips.

    A change of `volume`, 0 to 1, comes in as a ramp across the next block, so that it does not click. It may be changed
    in another thread than the one that applies it.
    """

    def __init__(self, volume: float = 1.0) -> None:
        self.volume = volume
        self._factor = factor_of(volume)

    def apply(self, block: memoryview) -> None:
        """Turn down 16-bit samples."""
        before, after = self._factor, factor_of(self.volume)
        self._factor = after
        samples = block.cast("h")
        if before != after:
            step = (after - before) / len(samples)
            samples[:] = array("h", [round(value * (before + n * step)) for n, value in enumerate(samples, 1)])
        elif after != 1.0:
            samples[:] = array("h", [round(value * after) for value in samples])

    def skip(self) -> None:
        """Pass over a silent block, in which a change needs no ramp."""
        self._factor = factor_of(self.volume)
