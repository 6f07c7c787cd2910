"""The history gives back the spectra of overlapping blocks, the newest first."""

import numpy as np

from custom_components.rtvoice.engine.audio.echo.spectra import Emphasis, SpectrumHistory


def test_newest_comes_first_and_the_oldest_is_forgotten() -> None:
    history = SpectrumHistory(4, 3)
    blocks = np.random.default_rng(0).standard_normal((7, 4)).astype("f4")
    for block in blocks:
        history.add(block)
    expected = [np.fft.rfft(np.concatenate((blocks[at - 1], blocks[at]))) for at in (6, 5, 4)]
    assert np.allclose(history.spectra(0, 3), expected, atol=1e-5)
    assert np.allclose(history.spectra(1, 2), expected[1:], atol=1e-5)
    assert np.allclose(history.powers(2, 1), np.abs(expected[2]) ** 2, atol=1e-4)
    assert np.allclose(history.peak_powers(), (np.abs(expected) ** 2).max(axis=0), atol=1e-4)


def test_silent_when_all_that_is_remembered_is_silence() -> None:
    history = SpectrumHistory(4, 3)
    assert history.silent
    history.add(np.ones(4, np.float32))
    for _ in range(3):
        history.add(np.zeros(4, np.float32))
        assert not history.silent
    history.add(np.zeros(4, np.float32))
    assert history.silent
    assert not history.peak_powers().any()
    history.add(np.ones(4, np.float32))
    assert np.allclose(history.spectra(0, 1), np.fft.rfft([0, 0, 0, 0, 1, 1, 1, 1]))


def test_emphasis_is_a_difference_across_blocks() -> None:
    emphasis = Emphasis(4)
    samples = np.arange(1, 9, dtype=np.float32)
    out = np.concatenate((emphasis.process(samples[:4]), emphasis.process(samples[4:])))
    assert np.allclose(out, samples - 0.9 * np.concatenate(([0], samples[:-1])))
    assert np.allclose(emphasis.power_gain[[0, -1]], [0.1**2, 1.9**2], atol=1e-5)
