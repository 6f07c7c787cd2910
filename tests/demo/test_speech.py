"""Measuring recordings."""

from pathlib import Path

import numpy as np
import pytest

from demo.speech import read_wav, speech_s, trim, write_wav

RATE = 16_000


def tone(seconds: float, level: float = 0.3) -> np.ndarray:
    return level * np.sin(np.arange(int(seconds * RATE)) * 0.2)


def test_only_what_is_loud_is_speech(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, np.concatenate([np.zeros(RATE), tone(0.5), tone(1.0, level=0.001)]), RATE)
    assert speech_s(path) == pytest.approx(0.5, abs=0.02)


def test_silence_is_cut_off_at_both_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, np.concatenate([np.zeros(RATE * 2), tone(0.5), np.zeros(RATE), tone(0.5), np.zeros(RATE)]), RATE)
    trim(path, margin_s=0.1)
    samples, rate = read_wav(path)
    assert len(samples) / rate == pytest.approx(2.2, abs=0.05)
    assert speech_s(path) == pytest.approx(1.0, abs=0.03)


def test_a_silent_recording_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, np.zeros(RATE), RATE)
    trim(path)
    assert len(read_wav(path)[0]) == RATE
    assert speech_s(path) == 0
