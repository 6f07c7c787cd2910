"""A short queue of samples between the event loop and a sound card's thread."""

import threading

from ..audio.frame import SAMPLE_BYTES


class SampleRing:
    """Samples in order, at most `capacity_bytes` (full: `put` takes less than it is given). Safe in threads."""

    def __init__(self, capacity_bytes: int) -> None:
        self._lock = threading.Lock()
        self._queued = bytearray()
        self.capacity_bytes = capacity_bytes
        self.played_samples = 0
        """How many samples `fill` has taken out, ever."""

    def __len__(self) -> int:
        return len(self._queued)

    def put(self, pcm: bytes | memoryview) -> int:
        """Queue as much as there is room for; gives the number of bytes taken."""
        with self._lock:
            taken = pcm[: max(0, self.capacity_bytes - len(self._queued))]
            self._queued += taken
            return len(taken)

    def fill(self, block: memoryview) -> bool:
        """Move samples into a block, and silence behind the last of them; True if there were any."""
        with self._lock:
            taken = self._queued[: len(block)]
            del self._queued[: len(taken)]
            self.played_samples += len(taken) // SAMPLE_BYTES
        block[: len(taken)] = taken
        block[len(taken) :] = bytes(len(block) - len(taken))
        return bool(taken)

    def clear(self) -> None:
        """Drop what is queued; it never counts as played."""
        with self._lock:
            self._queued.clear()
