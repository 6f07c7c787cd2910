"""How loud an echo can be follows from levels alone, and never from the user's speech."""

import numpy as np

from custom_components.rtvoice.engine.audio.echo.coupling import CouplingBound
from tests.engine.audio.echo.room import RATE_HZ, Room, far_end, near_end


def bound_after(near: np.ndarray, far: np.ndarray) -> float:
    coupling = CouplingBound()
    for at in range(0, len(near) - 479, 480):
        coupling.observe(near[at : at + 480], far[at : at + 480])
    return coupling.bound


def test_without_a_reference_nothing_is_known() -> None:
    assert bound_after(near_end(4, 0), np.zeros(4 * RATE_HZ)) == 1.0


def test_bound_comes_down_to_the_echo_but_not_below_it() -> None:
    far = far_end(6)
    for delay_ms in (20, 500):
        bound = bound_after(Room(delay_ms, coupling_db=-20).echo(far), far)
        assert -21 < 10 * np.log10(bound) < -10


def test_silent_microphone_has_no_echo() -> None:
    far = far_end(4)
    assert 10 * np.log10(bound_after(Room().noise(len(far)), far)) < -30


def test_users_speech_only_raises_it() -> None:
    far = far_end(6)
    echo = Room(100, coupling_db=-20).echo(far)
    assert bound_after(echo + near_end(6, 0, 2, 4), far) >= bound_after(echo, far)
