"""Band-limited rate conversion, block by block. Imports numpy: import this module off the event loop."""

from math import gcd

import numpy as np
from numpy.typing import NDArray

HALF_LENGTH_MS = 2
"""Half the length of the filter, which is how far the output lags behind the input."""

_ATTENUATION_DB = 66.0


class PolyphaseFilter:
    """A Kaiser-windowed sinc, one set of taps per phase (Oppenheim, Schafer: Discrete-Time Signal Processing, 7.6).

    Its pass band ends about 1 kHz below half the lower rate, its stop band begins at half the lower rate (-66 dB).
    Output sample n belongs to input sample n * from_hz / to_hz: there is no delay but that of waiting for the taps.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        divisor = gcd(from_hz, to_hz)
        self._up, self._down = to_hz // divisor, from_hz // divisor
        self._half = from_hz * HALF_LENGTH_MS // 1000
        self._bank = _taps(from_hz, to_hz, self._up, self._half)
        self._window: NDArray[np.float64] = np.zeros(0)
        self._first = self._taken = self._made = 0
        self._reset()

    def process(self, pcm: bytes) -> bytes:
        """Output for all input whose successors within the filter's half length are known."""
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
        self._taken += len(samples)
        self._window = np.concatenate((self._window, samples))
        # The last output whose window reaches no further than the input so far.
        ready = max(0, -(-(self._taken - self._half) * self._up // self._down))
        return self._render(ready)

    def flush(self) -> bytes:
        """The rest, as if silence followed; the filter is then as new."""
        total = -(-self._taken * self._up // self._down)
        self._window = np.concatenate((self._window, np.zeros(self._half)))
        tail = self._render(total)
        self._reset()
        return tail

    def _reset(self) -> None:
        # The window begins half a filter before input sample `_first`: the first outputs see silence before them.
        self._window = np.zeros(self._half - 1)
        self._first = self._taken = self._made = 0

    def _render(self, end: int) -> bytes:
        if end <= self._made:
            return b""
        instants = np.arange(self._made, end) * self._down
        positions, phases = instants // self._up, instants % self._up
        windows = np.lib.stride_tricks.sliding_window_view(self._window, 2 * self._half)
        values = np.einsum("ij,ij->i", windows[positions - self._first], self._bank[phases])
        self._made = end
        first = min(end * self._down // self._up, self._taken)
        self._window = self._window[first - self._first :]
        self._first = first
        samples: NDArray[np.int16] = np.clip(np.rint(values), -32768, 32767).astype("<i2")
        return samples.tobytes()


def _taps(from_hz: int, to_hz: int, phases: int, half: int) -> NDArray[np.float64]:
    """Row p weighs the samples from half - 1 before to half after an instant that lies p / phases behind a sample."""
    beta = 0.1102 * (_ATTENUATION_DB - 8.7)
    transition_hz = (_ATTENUATION_DB - 7.95) / (2.285 * 2 * np.pi) * from_hz / (2 * half)
    cutoff = (min(from_hz, to_hz) - transition_hz) / from_hz
    distances = np.arange(-half + 1, half + 1) - np.arange(phases)[:, None] / phases
    taps = np.sinc(cutoff * distances) * np.i0(beta * np.sqrt(np.maximum(0.0, 1 - (distances / half) ** 2)))
    return np.asarray(taps / taps.sum(axis=1, keepdims=True), dtype=np.float64)
