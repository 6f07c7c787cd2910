"""Levels in dBFS."""

import math
from array import array

import pytest

from custom_components.rtvoice.engine.audio.level import SILENCE_DBFS, level_dbfs


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([-32768] * 480, 0.0),
        ([round(32767 * math.sin(math.tau * n / 48)) for n in range(480)], -3.01),
        ([3277] * 480, -20.0),
        ([0] * 480, SILENCE_DBFS),
        ([], SILENCE_DBFS),
        ([1] + [0] * 10_000, SILENCE_DBFS),
    ],
)
def test_level(samples: list[int], expected: float) -> None:
    assert level_dbfs(array("h", samples).tobytes()) == pytest.approx(expected, abs=0.01)
