"""The lag of an echo is found, soon, exactly, and only where there is one."""

import numpy as np
import pytest

from custom_components.rtvoice.engine.audio.echo.delay import DelayFinder
from tests.engine.audio.echo.room import RATE_HZ, Room, far_end, near_end

FRAME = 480


def found(near: np.ndarray, far: np.ndarray) -> list[tuple[float, float]]:
    """When which lag was confirmed."""
    finder = DelayFinder(RATE_HZ, FRAME)
    confirmed = []
    for at in range(0, len(near) - FRAME + 1, FRAME):
        lag_ms = finder.observe(near[at : at + FRAME].astype("f4"), far[at : at + FRAME].astype("f4"))
        if lag_ms is not None:
            confirmed.append((at / RATE_HZ, lag_ms))
    return confirmed


@pytest.mark.parametrize("delay_ms", [0.0, 20.0, 76.5, 200.0, 350.0, 500.0])
def test_lag_is_found_within_a_second_and_a_half(delay_ms: float) -> None:
    far = far_end(5)
    lags = found(Room(delay_ms).echo(far) + Room().noise(len(far)), far)
    assert lags[0][0] < 1.5
    assert all(lag_ms == pytest.approx(delay_ms, abs=0.2) for _, lag_ms in lags)


def test_lag_is_found_while_the_user_speaks() -> None:
    far = far_end(8)
    lags = found(Room(150).echo(far) + near_end(8, 0, 2, 4), far)
    right = [lag_ms for _, lag_ms in lags if lag_ms == pytest.approx(150, abs=0.2)]
    assert len(right) > 0.95 * len(lags) > 30


def test_speech_of_the_user_alone_is_no_echo() -> None:
    far = far_end(12)
    assert found(near_end(12, 0, 3, 6, 9) + Room().noise(len(far)), far) == []


def test_silence_confirms_nothing() -> None:
    assert found(near_end(3, 0), np.zeros(3 * RATE_HZ)) == []
