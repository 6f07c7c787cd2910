import pytest
from pydantic import ValidationError

from custom_components.rtvoice.engine import AudioFrame, Cues
from custom_components.rtvoice.engine.audio.tones import falling, low, rising


def test_cues_have_sounds_of_their_own() -> None:
    cues = Cues()
    assert (cues.listening, cues.thinking, cues.ended, cues.error) == (rising(), None, falling(), low())
    assert Cues(ended=None).ended is None


@pytest.mark.parametrize(
    ("sound", "problem"),
    [
        (AudioFrame(b"\0", 24_000), "whole 16-bit samples"),
        (AudioFrame(b"\0\0", 4_000), "8000 Hz or more"),
        (AudioFrame(bytes(2 * 24_000 * 6), 24_000), "at most 5000 ms"),
    ],
)
def test_a_cue_must_be_short_and_playable(sound: AudioFrame, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Cues(thinking=sound)


def test_cues_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Cues().ended = None
