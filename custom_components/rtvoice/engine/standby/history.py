"""The last seconds of a stream of samples."""

from ..audio.frame import SAMPLE_BYTES


class SampleHistory:
    """Samples by their position in a stream, at most `capacity_bytes` of them (full: the oldest are forgotten)."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._kept = bytearray()
        self.end = 0
        """The position behind the newest sample; never falls."""

    @property
    def begin(self) -> int:
        """The position of the oldest sample that is kept."""
        return self.end - len(self._kept) // SAMPLE_BYTES

    def put(self, pcm: bytes) -> None:
        """Take whole samples."""
        self._kept += pcm
        self.end += len(pcm) // SAMPLE_BYTES
        del self._kept[: max(0, len(self._kept) - self._capacity_bytes)]

    def read(self, position: int, samples: int) -> bytes:
        """At most so many samples from a position on that is not before `begin`; none from `end` on."""
        start = (position - self.begin) * SAMPLE_BYTES
        return bytes(self._kept[start : start + samples * SAMPLE_BYTES])

    def forget(self) -> None:
        """What comes next is not the continuation of what was."""
        self._kept.clear()
