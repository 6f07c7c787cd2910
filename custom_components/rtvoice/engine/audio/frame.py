"""A block of audio with its rate."""

from dataclasses import dataclass

FRAME_MS = 20
"""Length of the blocks in which audio moves through the engine."""

SAMPLE_BYTES = 2
"""All audio is 16-bit little-endian mono PCM."""


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """16-bit little-endian mono PCM with its rate in Hz."""

    pcm: bytes
    sample_rate: int

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.pcm) // SAMPLE_BYTES

    @property
    def duration_ms(self) -> float:
        """Length in milliseconds."""
        return self.samples * 1000 / self.sample_rate


def frame_bytes(sample_rate: int) -> int:
    """Bytes of one frame of `FRAME_MS` at `sample_rate`."""
    return sample_rate * FRAME_MS // 1000 * SAMPLE_BYTES
