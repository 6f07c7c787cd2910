"""Voice activity from energy above a noise floor that follows the room."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

RATE_HZ = 24_000
FRAME_MS = 20
FRAME_BYTES = RATE_HZ * FRAME_MS // 1000 * 2

_ONSET_FRAMES = 3
_ONSET_WINDOW = 5
_FLOOR_WINDOW = 150
_QUIETEST_DBFS = -60.0
_INAUDIBLE_DBFS = -150.0
_SILENCE = bytes(FRAME_BYTES)


@dataclass(frozen=True, slots=True)
class Edge:
    """Speech began or ended at `at_ms` of all audio fed."""

    speaking: bool
    at_ms: int


class VoiceActivity:
    """Finds where speech begins and ends; time is the audio that was fed.

    The floor is the quietest frame of the last three seconds: speech has gaps between its words, steady noise has none.
    """

    def __init__(self, start_ms: int = 0) -> None:
        self.threshold = 0.5
        self.silence_ms = 500
        self.speaking = False
        self._now_ms = start_ms
        self._rest = b""
        self._levels = deque([_QUIETEST_DBFS] * _FLOOR_WINDOW, maxlen=_FLOOR_WINDOW)
        self._recent: deque[bool] = deque(maxlen=_ONSET_WINDOW)
        self._quiet_ms = 0

    @property
    def now_ms(self) -> int:
        """How much audio has been judged."""
        return self._now_ms

    def feed(self, pcm: bytes) -> list[Edge]:
        """Judge more audio, any number of bytes; what is less than a frame waits for the next call."""
        data = self._rest + pcm
        whole = len(data) - len(data) % FRAME_BYTES
        self._rest = data[whole:]
        edges = (self._frame(data[at : at + FRAME_BYTES]) for at in range(0, whole, FRAME_BYTES))
        return [edge for edge in edges if edge is not None]

    def reset(self) -> None:
        """Forget speech that is going on."""
        self.speaking = False
        self._recent.clear()
        self._quiet_ms = 0

    def _frame(self, frame: bytes) -> Edge | None:
        self._now_ms += FRAME_MS
        level = _dbfs(frame)
        floor = min(self._levels)
        self._levels.append(max(level, _QUIETEST_DBFS))
        loud = level > max(floor + 6 + 12 * self.threshold, -50 + 20 * (self.threshold - 0.5))
        self._recent.append(loud)
        if not self.speaking:
            return self._onset()
        self._quiet_ms = 0 if loud else self._quiet_ms + FRAME_MS
        if self._quiet_ms < max(self.silence_ms, FRAME_MS):
            return None
        self.reset()
        return Edge(speaking=False, at_ms=self._now_ms)

    def _onset(self) -> Edge | None:
        if sum(self._recent) < _ONSET_FRAMES:
            return None
        first = len(self._recent) - self._recent.index(True)
        self.speaking = True
        self._quiet_ms = 0
        return Edge(speaking=True, at_ms=self._now_ms - first * FRAME_MS)


def _dbfs(frame: bytes) -> float:
    if frame == _SILENCE:
        return _INAUDIBLE_DBFS
    samples = np.frombuffer(frame, dtype="<i2").astype(np.float64)
    rms = math.sqrt(float(np.mean(samples * samples)))
    return 20 * math.log10(max(rms, 1e-3) / 32_768)
