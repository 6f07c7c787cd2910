"""Excuses have a bound, of few utterances and of many."""

from collections import Counter

import pytest

from .excuses import DOWN, HALF_DUPLEX, HALF_OPEN, MOST, MUTED, TOO_EARLY, given_too_often


@pytest.mark.parametrize(
    ("excused", "utterances"),
    [
        ({}, 0),
        # Usual in 40 seconds, and in 12 minutes.
        ({MUTED: 7, HALF_OPEN: 3, TOO_EARLY: 2}, 106),
        ({MUTED: 111, HALF_DUPLEX: 246, HALF_OPEN: 93, TOO_EARLY: 520, DOWN: 6}, 3018),
    ],
)
def test_what_is_usual_is_not_too_often(excused, utterances) -> None:
    assert given_too_often(Counter(excused), utterances) == []


@pytest.mark.parametrize("reason", [*MOST, "because"])
@pytest.mark.parametrize("utterances", [100, 9000])
def test_no_excuse_is_good_for_all(reason, utterances) -> None:
    for share in (1.0, 0.75, 0.5):
        told = given_too_often(Counter({reason: round(utterances * share)}), utterances)
        assert f"{round(utterances * share)} of {utterances} utterances need not have been heard: {reason}" in told


def test_an_excuse_that_nobody_knows_is_none() -> None:
    assert given_too_often(Counter({"because": 1}), 1000)


def test_many_excuses_that_are_each_good_are_too_many_together() -> None:
    (told,) = given_too_often(Counter({reason: round(1000 * share) for reason, share in MOST.items()}), 1000)
    assert told.endswith("whatever the reason")
