"""Threads give way soon while there is a session, and as usual when there is none."""

import sys
from collections.abc import Iterator

import pytest

from custom_components.rtvoice.bridge.promptness import PROMPT_S, Promptness


@pytest.fixture(autouse=True)
def usual() -> Iterator[float]:
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    yield 0.005
    sys.setswitchinterval(before_s)


def test_as_long_as_anybody_needs_it(usual: float) -> None:
    promptness = Promptness()
    with promptness.needed():
        with promptness.needed():
            assert sys.getswitchinterval() == pytest.approx(PROMPT_S)
        assert sys.getswitchinterval() == pytest.approx(PROMPT_S)
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_after_a_failure_it_is_as_usual(usual: float) -> None:
    promptness = Promptness()
    with pytest.raises(ZeroDivisionError), promptness.needed():
        raise ZeroDivisionError
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_what_is_sooner_already_is_left_alone() -> None:
    sys.setswitchinterval(PROMPT_S / 5)
    with Promptness().needed():
        assert sys.getswitchinterval() == pytest.approx(PROMPT_S / 5)


def test_what_somebody_else_sets_meanwhile_is_left_alone() -> None:
    with Promptness().needed():
        sys.setswitchinterval(0.002)
    assert sys.getswitchinterval() == pytest.approx(0.002)
