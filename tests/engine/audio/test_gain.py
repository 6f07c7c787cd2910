from array import array
from itertools import pairwise

import pytest

from custom_components.rtvoice.engine.audio.gain import Gain, factor_of


def applied(gain: Gain, *values: int) -> list[int]:
    block = bytearray(array("h", values).tobytes())
    gain.apply(memoryview(block))
    return list(array("h", bytes(block)))


def test_half_the_volume_sounds_half_as_loud() -> None:
    # Ten decibels less is half as loud, says the definition of the sone.
    assert factor_of(0.5) == pytest.approx(10 ** (-10 / 20), rel=0.01)
    assert (factor_of(0.0), factor_of(1.0)) == (0.0, 1.0)


def test_full_volume_leaves_samples_as_they_are() -> None:
    assert applied(Gain(), 32767, -32768, 1) == [32767, -32768, 1]


def test_silence_is_silence() -> None:
    assert applied(Gain(0.0), 32767, -32768, 1) == [0, 0, 0]


def test_samples_are_turned_down_by_the_factor() -> None:
    gain = Gain(0.5)
    assert applied(gain, 10_000, -10_000) == [round(10_000 * factor_of(0.5)), -round(10_000 * factor_of(0.5))]


@pytest.mark.parametrize(("before", "after"), [(1.0, 0.2), (0.2, 1.0), (1.0, 0.0), (0.0, 1.0)])
def test_a_change_ramps_across_one_block_without_a_click(before: float, after: float) -> None:
    gain = Gain(before)
    applied(gain, *[30_000] * 480)
    gain.volume = after
    ramp = applied(gain, *[30_000] * 480)
    largest_step = max(abs(b - a) for a, b in pairwise([round(30_000 * factor_of(before)), *ramp]))
    assert largest_step <= 30_000 / 480 + 1
    assert ramp[-1] == round(30_000 * factor_of(after))
    assert applied(gain, 30_000) == [round(30_000 * factor_of(after))]


def test_a_change_during_silence_needs_no_ramp() -> None:
    gain = Gain()
    gain.volume = 0.5
    gain.skip()
    assert len(set(applied(gain, *[30_000] * 480))) == 1
