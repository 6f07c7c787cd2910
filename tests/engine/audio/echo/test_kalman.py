"""The filter learns a room, knows how well, keeps it in double talk, and can be moved."""

import numpy as np
import pytest

from custom_components.rtvoice.engine.audio.echo.kalman import KalmanFilter
from custom_components.rtvoice.engine.audio.echo.spectra import SpectrumHistory
from tests.engine.audio.echo.room import level_db

BLOCK = 120
PARTITIONS = 60


class Bench:
    """White noise in a known room."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.filter = KalmanFilter(BLOCK, PARTITIONS)
        self.history = SpectrumHistory(BLOCK, PARTITIONS + 20)
        self.response = self.random.standard_normal(600) * np.exp(-np.arange(600) / 100) * 0.1
        self.past = np.zeros(PARTITIONS * BLOCK)

    def run(self, blocks: int, near: float = 0.001, delay_blocks: int = 0) -> tuple[float, float, float]:
        """Levels of the echo, of what was left of it, and of what the filter expected to be left, in the last half."""
        levels = []
        for _ in range(blocks):
            far = self.random.standard_normal(BLOCK) * 0.1
            self.past = np.concatenate((self.past[BLOCK:], far))
            echo = np.convolve(self.past[-BLOCK - len(self.response) + 1 :], self.response, "valid")
            self.history.add(far.astype("f4"))
            left = echo - self.filter.predict(self.history, delay_blocks)
            expected = self.filter.residual_power(self.history, delay_blocks)
            error = left + self.random.standard_normal(BLOCK) * near
            self.filter.adapt(self.history, delay_blocks, error.astype("f4"), expected)
            levels.append((np.mean(echo**2), np.mean(left**2), expected.mean() / BLOCK))
        echo_power, left_power, expected_power = np.mean(levels[blocks // 2 :], axis=0)
        return tuple(level_db(np.sqrt([power])) for power in (echo_power, left_power, expected_power))


def test_echo_is_learned_and_the_filter_knows_how_well() -> None:
    echo, left, expected = Bench().run(600)
    assert echo - left > 25
    assert left - 3 < expected < echo - 10


def test_double_talk_spoils_little() -> None:
    bench = Bench()
    bench.run(600)
    echo, left, _ = bench.run(100, near=0.1)
    assert echo - left > 15


def test_doubt_raises_what_is_expected_to_be_left() -> None:
    bench = Bench()
    _, _, before = bench.run(400)
    bench.filter.doubt()
    _, _, after = bench.run(2)
    assert after > before + 10


def test_path_gain_is_that_of_the_room() -> None:
    bench = Bench()
    bench.run(600)
    assert bench.filter.path_gain == pytest.approx(np.sum(bench.response**2), rel=0.2)
    bench.filter.forget(1.0)
    assert bench.filter.path_gain == 0


@pytest.mark.parametrize("samples", [7, -7, BLOCK, 3 * BLOCK + 1])
def test_moved_response_fits_the_moved_echo(samples: int) -> None:
    bench = Bench()
    bench.response = np.concatenate((np.zeros(BLOCK), bench.response))
    bench.run(600)
    pad = np.zeros(max(0, samples))
    bench.response = np.concatenate((pad, bench.response[max(0, -samples) :]))
    bench.filter.move(samples)
    echo, left, _ = bench.run(4)
    assert echo - left > 20


def test_delay_in_blocks_is_the_same_as_moving() -> None:
    bench = Bench()
    bench.response = np.concatenate((np.zeros(4 * BLOCK), bench.response))
    bench.run(600)
    bench.filter.move(-2 * BLOCK)
    echo, left, _ = bench.run(4, delay_blocks=2)
    assert echo - left > 20
