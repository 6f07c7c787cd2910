"""What the filter leaves is turned down, what the user says is not, and silence is not touched."""

import numpy as np

from custom_components.rtvoice.engine.audio.echo.suppressor import ResidualSuppressor
from tests.engine.audio.echo.room import level_db

RATE_HZ = 24_000
BLOCK = 240
BINS = BLOCK + 1


def run(left: np.ndarray, echo: np.ndarray, residual: float) -> np.ndarray:
    suppressor = ResidualSuppressor(RATE_HZ)
    expected = np.full(BINS, residual * BLOCK, np.float32)
    blocks = [
        suppressor.process(left[at : at + BLOCK].astype("f4"), echo[at : at + BLOCK].astype("f4"), expected)
        for at in range(0, len(left) - BLOCK + 1, BLOCK)
    ]
    return np.concatenate(blocks)


def test_nothing_expected_is_identity() -> None:
    left = np.random.default_rng(0).standard_normal(RATE_HZ) * 0.1
    assert np.abs(run(left, np.zeros_like(left), 0.0) - left).max() < 1e-6


def test_expected_echo_is_turned_down() -> None:
    left = np.random.default_rng(0).standard_normal(RATE_HZ) * 0.01
    loud = np.concatenate((np.zeros(RATE_HZ // 2), left * 3))
    out = run(loud, np.zeros_like(loud), 0.03**2)
    assert level_db(out[-RATE_HZ // 2 :]) < level_db(loud[-RATE_HZ // 2 :]) - 20


def test_what_is_far_louder_than_the_expected_echo_passes() -> None:
    left = np.random.default_rng(0).standard_normal(RATE_HZ) * 0.1
    left[: RATE_HZ // 2] *= 0.01
    out = run(left, np.zeros_like(left), 1e-6)
    assert abs(level_db(out[-RATE_HZ // 4 :]) - level_db(left[-RATE_HZ // 4 :])) < 1


def test_noise_of_the_room_stays_near_its_level() -> None:
    noise = np.random.default_rng(0).standard_normal(4 * RATE_HZ) * 0.001
    out = run(noise, np.zeros_like(noise), 1e-3)
    assert abs(level_db(out[-RATE_HZ:]) - level_db(noise[-RATE_HZ:])) < 8


def test_leakage_is_learned_from_what_always_follows_the_echo() -> None:
    random = np.random.default_rng(0)
    echo = random.standard_normal(3 * RATE_HZ) * 0.1 * (np.arange(3 * RATE_HZ) // 3000 % 2)
    left = 0.1 * echo + random.standard_normal(len(echo)) * 1e-4
    out = run(left, echo, 1e-12)
    assert level_db(out[-RATE_HZ:]) < level_db(left[-RATE_HZ:]) - 15


def test_distrust_closes_at_once() -> None:
    left = np.random.default_rng(0).standard_normal(RATE_HZ).astype("f4") * np.float32(0.1)
    outs = []
    for distrusted in (False, True):
        suppressor = ResidualSuppressor(RATE_HZ)
        silence = np.zeros(BLOCK, np.float32)
        for at in range(0, RATE_HZ // 2, BLOCK):
            suppressor.process(left[at : at + BLOCK] * (0.01 if at < 6000 else 1), silence, np.full(BINS, 1e-5))
        if distrusted:
            suppressor.distrust()
        out = [
            suppressor.process(left[at : at + BLOCK], silence, np.full(BINS, 1e-2 * BLOCK))
            for at in range(RATE_HZ // 2, RATE_HZ // 2 + 4 * BLOCK, BLOCK)
        ]
        outs.append(level_db(np.concatenate(out)))
    assert outs[1] < outs[0] - 3


def test_block_that_passed_by_is_continued() -> None:
    left = np.random.default_rng(0).standard_normal(4 * BLOCK).astype("f4")
    suppressor = ResidualSuppressor(RATE_HZ)
    suppressor.pass_by(left[:BLOCK])
    out = suppressor.process(left[BLOCK : 2 * BLOCK], np.zeros(BLOCK, np.float32), np.zeros(BINS, np.float32))
    assert suppressor.idle
    assert np.abs(out - left[BLOCK : 2 * BLOCK]).max() < 1e-5
