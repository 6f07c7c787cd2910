"""The reference of the canceller: what the speaker played, in step with the microphone."""

from ..frame import SAMPLE_BYTES, frame_bytes
from ..resample import Resampler

_SLACK_MS = 20
"""So much is held back, as both devices deliver in blocks that come early or late."""
_LONGEST_GAP_MS = 60
_CAPACITY_MS = 300


class ReferenceLine:
    """Pairs what was played, given in pieces of any size and rate, with the frames of the microphone.

    Both run by sample count once they are in step: what comes late for its frame is left out, so that what follows it
    is in time. After a gap of 60 ms they are put in step anew, and so they are when more than 300 ms wait because the
    microphone lost frames (the oldest are dropped, `realignments` counts). Makes resamplers: not for the event loop.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._resampler = Resampler(sample_rate_hz, sample_rate_hz)
        self._from_hz = sample_rate_hz
        self._waiting = bytearray()
        self._late_bytes = 0
        self._gap_bytes = self._bytes(_LONGEST_GAP_MS)
        self.realignments = 0
        """How often too much was waiting."""

    def put(self, pcm: bytes, sample_rate_hz: int) -> None:
        """The speaker has just played these whole samples."""
        if sample_rate_hz != self._from_hz:
            self._resampler = Resampler(sample_rate_hz, self._rate_hz)
            self._from_hz = sample_rate_hz
        pcm = self._resampler.process(pcm)
        if self._gap_bytes >= self._bytes(_LONGEST_GAP_MS) and pcm:
            self._gap_bytes = self._late_bytes = 0
            self._waiting += bytes(self._bytes(_SLACK_MS))
        late = min(self._late_bytes, len(pcm))
        self._late_bytes -= late
        self._waiting += pcm[late:]
        if len(self._waiting) > self._bytes(_CAPACITY_MS):
            del self._waiting[: len(self._waiting) - self._bytes(_SLACK_MS)]
            self.realignments += 1

    def take(self) -> bytes:
        """The reference of the next frame of the microphone; silence where nothing was played."""
        size = frame_bytes(self._rate_hz)
        pcm = bytes(self._waiting[:size])
        del self._waiting[:size]
        missing = size - len(pcm)
        self._late_bytes += missing
        self._gap_bytes = self._gap_bytes + missing if missing else 0
        return pcm + bytes(missing)

    def _bytes(self, length_ms: int) -> int:
        return self._rate_hz * length_ms // 1000 * SAMPLE_BYTES
