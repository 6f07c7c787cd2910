"""The part of the canceller that quietens the echo which the filter leaves. Imports numpy."""

import math

import numpy as np

from .spectra import Bins, Samples, Spectrum, power_of, samples_of, spectrum_of

_LOWEST_GAIN = 0.01
_LEAST_FEARED, _MOST_FEARED = 2.0, 80.0
_ABSENT_DB, _PRESENT_DB = 8.0, 14.0
"""When the near end is taken for silent and for speaking: what is heard, in relation to the echo that is expected."""
_RISE, _FALL = 0.4, 0.06
_SPEECH_HZ = (300, 4000)
_WINDOW_SHARE = 0.75
"""The energy of the window over two blocks, in blocks."""
_NOISE_SHARE = 0.7
_NOISE_PEAKS = 4.0
_SILENT = 0.1
_ONSET_TRUST = 0.3
"""How much of the estimate of the near end follows the newest block; the rest follows from what was let through."""
_LEAST_LEAKAGE = (0.003, 0.1)
"""Below and above the edges: the filter follows high bins badly, as speech is rarely there and clocks drift."""
_LEAKAGE_EDGES_HZ = (2000, 6000)
_LEAKAGE_MEMORY = 0.8
_LEAKAGE_BLOCKS = 50
_LEAKAGE_BIAS = 2.0
_NOISE_RISE = 1.005
_SMALLEST_POWER = 1e-10


class ResidualSuppressor:
    """Turns down the bins in which echo is left, never below the noise of the room, and adds no delay.

    The gains are those of a Wiener filter with the decision-directed estimate of Ephraim, Malah: Speech enhancement
    using a minimum mean-square error short-time spectral amplitude estimator, IEEE ASSP 32 (1984). They are applied by
    a minimum-phase filter: where nothing is to be turned down it is the identity. Blocks are 10 ms long.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._block = block = sample_rate_hz // 100
        bins = block + 1
        self._window = np.hanning(2 * block + 1)[:-1].astype(np.float32)
        self._fade = np.minimum(1, np.arange(1, block + 1, dtype=np.float32) / (block // 2))
        self._left = np.zeros(2 * block, np.float32)
        self._echo = np.zeros(2 * block, np.float32)
        self._filter: Spectrum = np.ones(bins, np.complex64)
        spacing_hz = sample_rate_hz / (2 * block)
        self._speech = slice(*(int(edge_hz / spacing_hz) for edge_hz in _SPEECH_HZ))
        self._presence_db = 0.0
        self._passed = np.zeros(bins, np.float32)
        self._noise = np.full(bins, 1.0, np.float32)
        self._smooth_left = np.zeros(bins, np.float32)
        self._smooth_echo = np.zeros(bins, np.float32)
        rise = np.interp(np.arange(bins) * spacing_hz, _LEAKAGE_EDGES_HZ, np.log(_LEAST_LEAKAGE))
        self._least_leakage: Bins = np.exp(rise).astype(np.float32)
        self._leakage = np.full((2, bins), 1.0, np.float32)
        self._blocks = 0
        self.idle = True
        """Whether it let the last block through unchanged."""

    def process(self, left: Samples, echo: Samples, residual: Bins) -> Samples:
        """The newest block with less echo.

        `left` is what the filter left of it, `echo` what it took out, `residual` the power of the echo that is expected
        to be left, per bin and of a whole block of samples.
        """
        block = self._block
        self._shift(left, echo)
        spectra = spectrum_of(np.stack((self._left * self._window, self._echo * self._window, self._left)))
        whole = spectra[2]
        power, echo_power = power_of(spectra[:2])
        power = np.maximum(power, _SMALLEST_POWER)
        expected = np.maximum(_WINDOW_SHARE * residual, self._learned_leakage(power, echo_power) * echo_power)
        gain = self._gain(power, expected)
        old, self._filter = self._filter, _minimum_phase(gain)
        self.idle = bool((gain == 1).all())
        before, after = samples_of(np.stack((whole * old, whole * self._filter)))[:, block:]
        return np.asarray(before + self._fade * (after - before))

    def pass_by(self, left: Samples) -> None:
        """See a block that goes its way unchanged, so that the next one continues it."""
        self._shift(left, np.zeros_like(left))

    def distrust(self) -> None:
        """Take the near end for silent until it is clear that it speaks."""
        self._presence_db = 0.0

    def _shift(self, left: Samples, echo: Samples) -> None:
        block = self._block
        self._left[:block], self._left[block:] = self._left[block:], left
        self._echo[:block], self._echo[block:] = self._echo[block:], echo

    def _gain(self, power: Bins, expected: Bins) -> Bins:
        self._noise = np.minimum(self._noise * _NOISE_RISE, (self._smooth_left + power) / 2)
        feared = self._overestimate(power, expected) * expected
        near = _ONSET_TRUST * np.maximum(power - feared, 0) + (1 - _ONSET_TRUST) * self._passed
        gain = np.sqrt(near / (near + feared + _SMALLEST_POWER))
        noise_floor = _NOISE_SHARE * np.minimum(1, np.sqrt(self._noise / power))
        gain = np.where(feared > 0, np.maximum(gain, np.maximum(_LOWEST_GAIN, noise_floor)), 1)
        self._passed = gain**2 * power
        return gain

    def _overestimate(self, power: Bins, expected: Bins) -> float:
        """How many times more echo to fear than is expected: few times, when it is clear that the near end speaks."""
        noise = self._noise[self._speech]
        heard = float(np.maximum(power[self._speech] - _NOISE_PEAKS * noise, 0).sum())
        feared = float((expected[self._speech] + noise).sum())
        ratio_db = 10 * math.log10(max(_SILENT, heard / (feared + _SMALLEST_POWER)))
        self._presence_db += (_RISE if ratio_db > self._presence_db else _FALL) * (ratio_db - self._presence_db)
        presence = min(1.0, max(0.0, (self._presence_db - _ABSENT_DB) / (_PRESENT_DB - _ABSENT_DB)))
        return float(_MOST_FEARED * (_LEAST_FEARED / _MOST_FEARED) ** presence)

    def _learned_leakage(self, power: Bins, echo_power: Bins) -> Bins:
        """The least that was left of the echo within the last second: the near end can only add to it."""
        weight = 1 - _LEAKAGE_MEMORY
        self._smooth_left += weight * (power - self._smooth_left)
        self._smooth_echo += weight * (echo_power - self._smooth_echo)
        ratio = np.minimum(1, self._smooth_left / (self._smooth_echo + _SMALLEST_POWER))
        self._blocks += 1
        if self._blocks % _LEAKAGE_BLOCKS == 0:
            self._leakage[0] = self._leakage[1]
            self._leakage[1] = 1
        np.minimum(self._leakage[1], ratio, out=self._leakage[1])
        return np.asarray(np.maximum(self._least_leakage, _LEAKAGE_BIAS * self._leakage.min(axis=0)))


def _minimum_phase(gain: Bins) -> Spectrum:
    """The spectrum of the causal filter with this gain whose energy comes earliest, cut to half its length."""
    cepstrum = samples_of(np.log(gain).astype(np.complex64))
    half = len(cepstrum) // 2
    cepstrum[1:half] *= 2
    cepstrum[half + 1 :] = 0
    taps = samples_of(np.exp(spectrum_of(cepstrum)))
    taps[half:] = 0
    return spectrum_of(taps)
