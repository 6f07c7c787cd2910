"""How loud an echo there can be at most. Imports numpy."""

from collections import deque

import numpy as np

from .spectra import Samples

_WINDOW_FRAMES = 60
_LATEST_FRAMES = 30
"""An echo may come so many frames after its reference."""
_AUDIBLE = 1e-6
_RISE = 1.01
_SPREAD = 2.5
"""A room spreads the echo of one frame over several."""


class CouplingBound:
    """An upper bound of the power gain from the reference to the microphone, from levels alone.

    The loudest frame of the reference had its echo before the window ended, and no echo is louder than the loudest
    frame of the microphone: near-end speech can only raise the bound, pauses of it bring it down.
    """

    def __init__(self) -> None:
        self._far: deque[float] = deque([0.0] * _WINDOW_FRAMES, maxlen=_WINDOW_FRAMES)
        self._near: deque[float] = deque([0.0] * _WINDOW_FRAMES, maxlen=_WINDOW_FRAMES)
        self.bound = 1.0
        """The power gain; 1 until more is known."""

    def observe(self, near: Samples, far: Samples) -> None:
        """Compare a frame of each."""
        self._far.append(float(np.dot(far, far)) / len(far))
        self._near.append(float(np.dot(near, near)) / len(near))
        loudest = max(list(self._far)[: _WINDOW_FRAMES - _LATEST_FRAMES])
        if loudest > _AUDIBLE:
            self.bound = min(1.0, self.bound * _RISE, _SPREAD * max(self._near) / loudest)
