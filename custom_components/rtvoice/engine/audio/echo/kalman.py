"""The linear part of the canceller: an adaptive filter that knows how far to trust itself. Imports numpy."""

import numpy as np

from .spectra import Bins, Samples, SpectrumHistory, power_of, samples_of, spectrum_of

_FORGETTING = 0.9996
"""How much of the echo path is expected to be the same one block later."""
_DECAY_PER_S = 1e-17
"""How the power of a room's response is expected to fall: 60 dB in 350 ms."""
_NEAR_END_MEMORY = 0.85
_SMALLEST_POWER = 1e-9
_TURNS = 4
"""Every so many blocks, each partition is tended; doing it less often costs convergence, more often time."""


class KalmanFilter:
    """Partitioned-block frequency-domain Kalman filter with a diagonal state covariance.

    After Enzner, Vary: Frequency-domain adaptive Kalman filter for acoustic echo control, Signal Processing 86 (2006),
    and Kuech, Mabande, Enzner: State-space architecture of the partitioned-block-based acoustic echo controller,
    ICASSP 2014. How far each bin follows an error is decided by how uncertain its echo path is and how loud the near
    end is, which makes it robust in double talk without a detector. Blocks are 5 ms long.
    """

    def __init__(self, block: int, partitions: int) -> None:
        self._block = block
        self._partitions = partitions
        shape = (partitions, block + 1)
        self._weights = np.zeros(shape, np.complex64)
        self._uncertainty = np.zeros(shape, np.float32)
        self._near_power = np.full(block + 1, _SMALLEST_POWER, np.float32)
        self._padded = np.zeros(2 * block, np.float32)
        self._step = np.zeros(shape, np.complex64)
        self._turn = 0
        self.forget(1.0)

    def forget(self, coupling: float) -> None:
        """Begin anew with an unknown echo path whose power gain is about `coupling`, most of it early."""
        decay = _DECAY_PER_S ** (np.arange(self._partitions) * 0.005)
        self._weights[:] = 0
        self._uncertainty[:] = (coupling * decay / decay.sum())[:, None]

    @property
    def path_gain(self) -> float:
        """The power gain of the echo path, as far as it is known."""
        return float(power_of(self._weights).sum(axis=0).mean())

    def predict(self, history: SpectrumHistory, delay_blocks: int) -> Samples:
        """The echo in the newest block, as far as it is known."""
        spectra = history.spectra(delay_blocks, self._partitions)
        return samples_of(np.einsum("pk,pk->k", spectra, self._weights))[self._block :]

    def residual_power(self, history: SpectrumHistory, delay_blocks: int) -> Bins:
        """The power of the echo that is expected to be left in each bin of the newest block, padded with zeros."""
        powers = history.powers(delay_blocks, self._partitions)
        return np.asarray(np.einsum("pk,pk->k", powers, self._uncertainty) / 2)

    def adapt(self, history: SpectrumHistory, delay_blocks: int, error: Samples, residual: Bins) -> None:
        """Learn from what was left of the newest block; `residual` is this block's `residual_power`."""
        self._padded[self._block :] = error
        spectrum = spectrum_of(self._padded)
        near_power = np.maximum(power_of(spectrum) - residual, _SMALLEST_POWER)
        self._near_power += (1 - _NEAR_END_MEMORY) * (near_power - self._near_power)
        gain = self._uncertainty / (2 * (residual + self._near_power))
        np.conjugate(history.spectra(delay_blocks, self._partitions), out=self._step)
        self._step *= gain
        self._step *= spectrum
        self._weights += self._step
        self._weights *= _FORGETTING
        gain *= history.powers(delay_blocks, self._partitions)
        gain *= -0.5 * _FORGETTING**2
        gain += _FORGETTING**2
        self._uncertainty *= gain
        self._tend()

    def doubt(self) -> None:
        """Trust the echo path no more than if it had just been guessed: it seems to have changed."""
        np.maximum(self._uncertainty, power_of(self._weights), out=self._uncertainty)

    def move(self, samples: int) -> None:
        """Let the response begin so many samples later (earlier, if negative); what leaves it is lost."""
        taps = samples_of(self._weights)[:, : self._block].reshape(-1)
        moved = np.zeros_like(taps)
        if samples >= 0:
            moved[samples:] = taps[: len(taps) - samples]
        else:
            moved[:samples] = taps[-samples:]
        padded = np.zeros((self._partitions, 2 * self._block), np.float32)
        padded[:, : self._block] = moved.reshape(self._partitions, self._block)
        self._weights[:] = spectrum_of(padded)
        blocks = round(samples / self._block)
        self._uncertainty = np.roll(self._uncertainty, blocks, axis=0)

    def _tend(self) -> None:
        """For some partitions in turn: cut what is longer than a block and would wrap around, and age what is known."""
        self._turn = (self._turn + 1) % _TURNS
        rows = slice(self._turn, None, _TURNS)
        taps = samples_of(self._weights[rows])
        taps[:, self._block :] = 0
        self._weights[rows] = spectrum_of(taps)
        self._uncertainty[rows] += _TURNS * (1 - _FORGETTING**2) * power_of(self._weights[rows])
