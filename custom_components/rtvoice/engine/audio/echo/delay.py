"""How late the echo comes. Imports numpy."""

import numpy as np
from numpy.typing import NDArray

from .spectra import Samples, SpectrumHistory, power_of, samples_of, spectrum_of

_LOWEST_HZ = 200
_HIGHEST_HZ = 3800
_MEMORY_FRAMES = 20
"""The correlation is an average over about so many frames."""
_LONGEST_MS = 580
_LAG_HZ = 8000
"""The resolution of lags."""
_CLEAR = 15.0
"""A peak so many times higher than the correlation usually is, is no accident."""
_WARM_UP_FRAMES = 10
_LOOK_FRAMES = 2
"""Every so many frames, the correlation is looked at."""
_SURE_LOOKS = 3
_SAME_MS = 0.5
_NEARBY_LAGS = 4
_KEPT_SHARE = 0.6
_SMALLEST_POWER = 1e-7


class DelayFinder:
    """Finds the lag of the direct sound by generalised cross-correlation, whitened by the smoothed spectra of both.

    After Knapp, Carter: The generalized correlation method for estimation of time delay, IEEE ASSP 24 (1976): the
    smoothed coherence transform. Lags from 0 to 600 ms, in steps of 0.125 ms; frames of 20 ms.
    """

    def __init__(self, sample_rate_hz: int, frame: int) -> None:
        self._frame = frame
        self._blocks = _LONGEST_MS // 20
        spacing_hz = sample_rate_hz / (2 * frame)
        self._first = int(_LOWEST_HZ / spacing_hz)
        self._band = slice(self._first, int(_HIGHEST_HZ / spacing_hz))
        bins = self._band.stop - self._band.start
        self._history = SpectrumHistory(frame, self._blocks)
        self._cross: NDArray[np.complex64] = np.zeros((self._blocks, bins), np.complex64)
        self._far_power = np.zeros((self._blocks, bins), np.float32)
        self._near_power = np.zeros(bins, np.float32)
        self._padded = np.zeros(2 * frame, np.float32)
        # Without a window, the edges that both blocks share would look like an echo.
        self._window = np.hanning(frame).astype(np.float32)
        self._lag_samples = 2 * int(_LAG_HZ / spacing_hz / 2)
        self._observed = 0
        self._candidate_ms = -1.0
        self._sure = 0
        self._found: int | None = None

    def observe(self, near: Samples, far: Samples) -> float | None:
        """The lag in ms, when the frame confirms one; None when it does not."""
        self._history.add(far)
        if self._history.silent:
            return None
        self._padded[self._frame :] = near * self._window
        spectrum = spectrum_of(self._padded)[self._band]
        far_spectra = self._history.spectra(0, self._blocks)[:, self._band]
        weight = 1 / _MEMORY_FRAMES
        self._cross += weight * (far_spectra.conj() * spectrum - self._cross)
        self._far_power += weight * (self._history.powers(0, self._blocks)[:, self._band] - self._far_power)
        self._near_power += weight * (power_of(spectrum) - self._near_power)
        self._observed += 1
        if self._observed <= _WARM_UP_FRAMES or self._observed % _LOOK_FRAMES:
            return None
        return self._confirmed(self._peak_ms())

    def _peak_ms(self) -> float | None:
        padded = np.zeros((self._blocks, self._lag_samples // 2 + 1), np.complex64)
        whitening = np.sqrt((self._far_power + _SMALLEST_POWER) * (self._near_power + _SMALLEST_POWER))
        padded[:, self._first : self._first + whitening.shape[1]] = self._cross / whitening
        # The far end's double block begins a frame before the near end's: the first half of the lags is free of wrap.
        correlation = np.abs(samples_of(padded)[:, : self._lag_samples // 2]).reshape(-1)
        peak = int(correlation.argmax())
        if correlation[peak] < _CLEAR * correlation.mean():
            return None
        if self._found is not None:
            # The pitch of a voice raises neighbours of the true lag, for a moment above it.
            nearby = slice(max(0, self._found - _NEARBY_LAGS), self._found + _NEARBY_LAGS + 1)
            if correlation[nearby].max() >= _KEPT_SHARE * correlation[peak]:
                peak = nearby.start + int(correlation[nearby].argmax())
        return peak * 1000 / _LAG_HZ

    def _confirmed(self, lag_ms: float | None) -> float | None:
        if lag_ms is None:
            self._sure = 0
            return None
        self._sure = self._sure + 1 if abs(lag_ms - self._candidate_ms) <= _SAME_MS else 1
        self._candidate_ms = lag_ms
        if self._sure < _SURE_LOOKS:
            return None
        self._found = round(lag_ms * _LAG_HZ / 1000)
        return lag_ms
