"""The spectra of the reference's last blocks. Imports numpy."""

import numpy as np
from numpy.typing import NDArray

type Samples = NDArray[np.float32]
"""Samples in time; 1.0 is full scale."""
type Bins = NDArray[np.float32]
"""A power or a gain per frequency bin."""
type Spectrum = NDArray[np.complex64]
"""Amplitudes per frequency bin."""


_EMPHASIS = np.float32(0.9)


def spectrum_of(samples: Samples) -> Spectrum:
    """The spectrum of real samples, an even number of them, along the last axis."""
    return np.fft.rfft(samples).astype(np.complex64, copy=False)


def samples_of(spectrum: Spectrum) -> Samples:
    """The samples with this spectrum."""
    return np.fft.irfft(spectrum).astype(np.float32, copy=False)


def power_of(spectrum: Spectrum) -> Bins:
    """The squared magnitudes."""
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


class SpectrumHistory:
    """Spectra of overlapping double blocks, the newest first, at most `length` of them."""

    def __init__(self, block: int, length: int) -> None:
        self._length = length
        self._block = block
        self._double = np.zeros(2 * block, np.float32)
        # Every row is kept twice, so that any run of rows is one piece of memory.
        self._spectra = np.zeros((2 * length, block + 1), np.complex64)
        self._powers = np.zeros((2 * length, block + 1), np.float32)
        self._newest = 0
        self._silent_blocks = length + 1

    @property
    def silent(self) -> bool:
        """Whether all of it is digital silence."""
        return self._silent_blocks > self._length

    def add(self, block: Samples) -> None:
        """Take the next block; the oldest is forgotten."""
        self._silent_blocks = 0 if block.any() else self._silent_blocks + 1
        if self.silent:
            # All rows are zero already, or belong to a block before which there was only silence.
            self._spectra[:] = 0
            self._powers[:] = 0
            self._double[:] = 0
            return
        self._double[: self._block] = self._double[self._block :]
        self._double[self._block :] = block
        self._newest = (self._newest - 1) % self._length
        spectrum = spectrum_of(self._double)
        power = power_of(spectrum)
        for row in (self._newest, self._newest + self._length):
            self._spectra[row] = spectrum
            self._powers[row] = power

    def spectra(self, skip: int, count: int) -> Spectrum:
        """`count` spectra, after skipping the `skip` newest."""
        return self._spectra[self._newest + skip : self._newest + skip + count]

    def powers(self, skip: int, count: int) -> Bins:
        """Their squared magnitudes."""
        return self._powers[self._newest + skip : self._newest + skip + count]

    def peak_powers(self) -> Bins:
        """The highest power of each bin, of all that is remembered."""
        return np.asarray(self._powers[: self._length].max(axis=0))


class Emphasis:
    """A first-order difference, which makes speech about as loud in high bins as in low ones, block by block."""

    def __init__(self, block: int) -> None:
        self._last = np.float32(0)
        angles = np.arange(block + 1) * np.pi / block
        self.power_gain: Bins = (1 + _EMPHASIS**2 - 2 * _EMPHASIS * np.cos(angles)).astype(np.float32)
        """By how much it raises the power of each bin."""

    def process(self, block: Samples) -> Samples:
        """The block, emphasised."""
        emphasised = block.copy()
        emphasised[1:] -= _EMPHASIS * block[:-1]
        emphasised[0] -= _EMPHASIS * self._last
        self._last = block[-1]
        return emphasised
