"""The reference of the canceller: what the speaker played, in step with the microphone."""

from ..frame import SAMPLE_BYTES, frame_bytes
from ..resample import Resampler

_SLACK_MS = 20
_LONGEST_GAP_MS = 60
_CAPACITY_MS = 400
_USELESS_MS = 40
_WATCHED_FRAMES = 50


class ReferenceLine:
    """Pairs what was played, given in pieces of any size and rate, with the frames of the microphone.

    Both run by sample count once they are in step. Devices deliver in blocks that come early or late, so what is played
    is held back a little: at first by 20 ms, and by as much more as a frame has ever lacked. What is held back is still
    ahead of the echo, as a device takes what it plays early. After a gap of 60 ms they are put in step anew. Where more
    has waited for a second than ever was of use, because the microphone began later or lost frames, and where more than
    400 ms wait, the oldest is dropped (`realignments` counts). Makes resamplers: not for the event loop.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._resampler = Resampler(sample_rate_hz, sample_rate_hz)
        self._from_hz = sample_rate_hz
        self._waiting = bytearray()
        self._slack_bytes = self._bytes(_SLACK_MS)
        self._gap_bytes = self._bytes(_LONGEST_GAP_MS)
        self._least_bytes = 0
        self._frames = 0
        self.realignments = 0
        """How often too much was waiting."""

    def put(self, pcm: bytes, sample_rate_hz: int) -> None:
        """The speaker has just played these whole samples."""
        if sample_rate_hz != self._from_hz:
            self._resampler = Resampler(sample_rate_hz, self._rate_hz)
            self._from_hz = sample_rate_hz
        pcm = self._resampler.process(pcm)
        if not pcm:
            return
        if self._gap_bytes >= self._bytes(_LONGEST_GAP_MS):
            self._waiting += bytes(self._slack_bytes)
        else:
            self._slack_bytes += self._gap_bytes
        self._gap_bytes = 0
        self._waiting += pcm
        if len(self._waiting) > self._bytes(_CAPACITY_MS):
            self._drop(len(self._waiting) - self._bytes(_SLACK_MS))

    def take(self) -> bytes:
        """The reference of the next frame of the microphone; silence where nothing was played."""
        size = frame_bytes(self._rate_hz)
        pcm = bytes(self._waiting[:size])
        del self._waiting[:size]
        missing = size - len(pcm)
        self._gap_bytes = self._gap_bytes + missing if missing else 0
        self._watch()
        return pcm + bytes(missing)

    def _watch(self) -> None:
        """Drop what has waited all the time: before the first frame all of it, later once a second."""
        self._least_bytes = min(self._least_bytes, len(self._waiting)) if self._frames else len(self._waiting)
        if self._frames == 0 or self._frames % _WATCHED_FRAMES == 0:
            if self._least_bytes > self._bytes(_USELESS_MS):
                self._drop(self._least_bytes - self._bytes(_SLACK_MS))
            self._least_bytes = len(self._waiting)
        self._frames += 1

    def _drop(self, size: int) -> None:
        del self._waiting[:size]
        self._slack_bytes = self._bytes(_SLACK_MS)
        self.realignments += 1

    def _bytes(self, length_ms: int) -> int:
        return self._rate_hz * length_ms // 1000 * SAMPLE_BYTES
