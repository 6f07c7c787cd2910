from array import array
from itertools import pairwise

import pytest

from custom_components.rtvoice.engine.audio.frame import AudioFrame
from custom_components.rtvoice.engine.audio.level import level_dbfs
from custom_components.rtvoice.engine.audio.tones import Note, falling, low, rising, tones


def test_notes_have_their_length_pitch_and_level() -> None:
    sound = tones((Note(1000.0, 0.5),), level_dbfs=-20, sample_rate=16_000)
    assert (sound.samples, sound.sample_rate) == (8000, 16_000)
    middle = sound.pcm[4000:12_000]
    samples = array("h", middle)
    crossings = sum(a < 0 <= b for a, b in pairwise(samples))
    assert crossings == pytest.approx(1000 * len(samples) / 16_000, abs=1)
    assert level_dbfs(middle) == pytest.approx(-20, abs=0.1)


def test_notes_follow_each_other() -> None:
    assert tones((Note(440.0, 0.1), Note(880.0, 0.05))).duration_ms == 150


@pytest.mark.parametrize("sound", [rising(), falling(), low()])
def test_ours_do_not_click_and_are_short(sound: AudioFrame) -> None:
    samples = array("h", sound.pcm)
    assert sound.duration_ms <= 350
    assert abs(samples[0]) < 50
    assert abs(samples[-1]) < 50
    # A sine of 880 Hz at -18 dBFS moves by no more than this from one sample to the next.
    assert max(abs(b - a) for a, b in pairwise(samples)) < 1400


def test_they_differ_and_are_made_once() -> None:
    assert len({rising().pcm, falling().pcm, low().pcm}) == 3
    assert rising() is rising()


def test_nothing_is_louder_than_full_scale() -> None:
    assert max(array("h", tones((Note(440.0, 0.1),), level_dbfs=6).pcm)) == 32767
