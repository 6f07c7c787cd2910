"""What belongs to the agent begins with the first pause behind the wake word."""

import random
from array import array

import pytest

from custom_components.rtvoice.engine.standby.pause import samples_before_pause

FRAME = 320


def sound(*lengths_ms: int, noise: int = 0) -> bytes:
    """Speech and pauses by turns, speech first."""
    values = random.Random(1)
    pcm = array("h")
    for number, length_ms in enumerate(lengths_ms):
        loudness = noise if number % 2 else 8000
        pcm.extend(values.randint(-loudness, loudness) for _ in range(length_ms * 16))
    return pcm.tobytes()


@pytest.mark.parametrize("noise", [0, 50, 500])
@pytest.mark.parametrize("spoken_ms", [20, 300, 460])
def test_the_pause_behind_the_word_is_found(spoken_ms: int, noise: int) -> None:
    assert samples_before_pause(sound(spoken_ms, 240, noise=noise), 16_000) == spoken_ms * 16


def test_what_is_silent_before_the_word_is_no_pause() -> None:
    assert samples_before_pause(sound(0, 300, 100, 300), 16_000) == 400 * 16


def test_the_first_pause_counts() -> None:
    assert samples_before_pause(sound(100, 200, 100, 200), 16_000) == 100 * 16


@pytest.mark.parametrize("plosive_ms", [40, 80, 120])
def test_a_plosive_is_no_pause(plosive_ms: int) -> None:
    assert samples_before_pause(sound(200, plosive_ms, 200, plosive_ms, 100), 16_000) == 0


def test_one_breath_has_none() -> None:
    assert samples_before_pause(sound(700), 16_000) == 0
    assert samples_before_pause(sound(300, 300, noise=4000), 16_000) == 0, "it is too noisy to tell"
    assert samples_before_pause(bytes(2 * FRAME * 35), 16_000) == 0, "nothing was heard at all"
    assert samples_before_pause(b"", 16_000) == 0
