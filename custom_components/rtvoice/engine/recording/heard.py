"""What of the audio given to a speaker was heard."""

from collections import deque
from dataclasses import dataclass

from ..audio.frame import SAMPLE_BYTES


@dataclass(slots=True)
class _Entry:
    """Audio whose first sample lies `start` samples behind the sink's count `origin`."""

    pcm: bytes
    origin: int
    start: int


class HeardAudio:
    """Keeps audio that is on its way to a sink until the sink's count of played samples says that it was heard.

    It is told the same as the ledger of the playout, at the same places. Audio is at `source_rate_hz`, counts are the
    sink's. Beyond what it keeps nothing is ever released, and nothing twice.
    """

    def __init__(self, source_rate_hz: int, sink_rate_hz: int) -> None:
        self._source_rate_hz = source_rate_hz
        self._sink_rate_hz = sink_rate_hz
        self._entries: deque[_Entry] = deque()
        self._origin = 0
        self._entered = 0

    def begin(self, origin: int) -> None:
        """Start a stream at this count of the sink."""
        self._origin = origin
        self._entered = 0

    def enter(self, pcm: bytes) -> None:
        """Keep audio that is being handed over, behind what was entered before."""
        if pcm:
            self._entries.append(_Entry(pcm, self._origin, self._entered))
            self._entered += len(pcm) // SAMPLE_BYTES

    def release(self, played: int) -> bytes:
        """What was heard since the last time, when the sink has played so many samples."""
        heard: list[bytes] = []
        while self._entries:
            entry = self._entries[0]
            behind_origin = (played - entry.origin) * self._source_rate_hz // self._sink_rate_hz
            samples = behind_origin - entry.start
            if samples <= 0:
                break
            split = samples * SAMPLE_BYTES
            heard.append(entry.pcm[:split])
            if len(entry.pcm) > split:
                entry.pcm = entry.pcm[split:]
                entry.start += samples
                break
            self._entries.popleft()
        return b"".join(heard)

    def cut(self, played: int) -> bytes:
        """What was heard before the sink was cleared; the rest is forgotten, and a stream begins at this count."""
        heard = self.release(played)
        self._entries.clear()
        self.begin(played)
        return heard
