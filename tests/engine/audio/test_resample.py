"""Resampling keeps what the lower rate can carry, loses what it cannot, and does not care about block borders."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from custom_components.rtvoice.engine.audio import resample
from custom_components.rtvoice.engine.audio.resample import Resampler

RATES = [
    (24_000, 16_000),
    (16_000, 24_000),
    (48_000, 24_000),
    (24_000, 48_000),
    (44_100, 24_000),
    (24_000, 44_100),
    (8_000, 24_000),
]


def tone(frequency_hz: float, rate_hz: int, samples: int) -> NDArray[np.float64]:
    return 20_000 * np.sin(2 * np.pi * frequency_hz * np.arange(samples) / rate_hz)


def converted(samples: NDArray[np.float64], from_hz: int, to_hz: int) -> NDArray[np.float64]:
    resampler = Resampler(from_hz, to_hz)
    pcm = resampler.process(samples.round().astype("<i2").tobytes())
    return np.frombuffer(pcm + resampler.flush(), dtype="<i2").astype(np.float64)


def power(samples: NDArray[np.float64]) -> float:
    return float((samples**2).mean())


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
@pytest.mark.parametrize("share_of_band", [0.05, 0.3, 0.7])
def test_tone_in_band_survives_undelayed(from_hz: int, to_hz: int, share_of_band: float) -> None:
    frequency_hz = share_of_band * min(from_hz, to_hz) / 2
    output = converted(tone(frequency_hz, from_hz, from_hz // 2), from_hz, to_hz)
    wanted = tone(frequency_hz, to_hz, to_hz // 2)
    assert len(output) == len(wanted)
    middle = slice(200, -200)
    noise = output[middle] - wanted[middle]
    assert 10 * np.log10(power(wanted[middle]) / power(noise)) > 50


@pytest.mark.parametrize(("from_hz", "to_hz"), [rates for rates in RATES if rates[0] > rates[1]])
@pytest.mark.parametrize("above_band_hz", [50, 1000, 3000])
def test_tone_above_band_does_not_alias(from_hz: int, to_hz: int, above_band_hz: int) -> None:
    loud = tone(to_hz / 2 + above_band_hz, from_hz, from_hz // 2)
    output = converted(loud, from_hz, to_hz)[200:-200]
    assert 10 * np.log10(max(power(output), 1e-9) / power(loud)) < -50


@settings(deadline=None, max_examples=40)
@given(
    rates=st.sampled_from(RATES),
    seed=st.integers(0, 2**32 - 1),
    borders=st.lists(st.integers(0, 3000), max_size=12),
)
def test_pieces_give_the_same_as_the_whole(rates: tuple[int, int], seed: int, borders: list[int]) -> None:
    pcm = np.random.default_rng(seed).integers(-32768, 32768, 3000).astype("<i2").tobytes()
    whole, pieces = Resampler(*rates), Resampler(*rates)
    cuts = [0, *sorted(borders), 3000]
    output = b"".join(pieces.process(pcm[2 * start : 2 * end]) for start, end in pairwise(cuts))
    output += pieces.flush()
    assert output == whole.process(pcm) + whole.flush()
    assert len(output) // 2 == -(-3000 * rates[1] // rates[0])


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
def test_output_lags_at_most_two_milliseconds(from_hz: int, to_hz: int) -> None:
    resampler = Resampler(from_hz, to_hz)
    made = 0
    for frame in range(1, 11):
        made += len(resampler.process(bytes(from_hz // 50 * 2))) // 2
        lag_samples = frame * to_hz // 50 - made
        assert 0 <= lag_samples * 1000 <= 2 * to_hz


def test_flush_begins_a_new_stream() -> None:
    resampler = Resampler(24_000, 16_000)
    pcm = tone(500, 24_000, 480).round().astype("<i2").tobytes()
    first = resampler.process(pcm) + resampler.flush()
    assert resampler.process(pcm) + resampler.flush() == first
    assert resampler.flush() == b""


def test_loud_peaks_are_limited_not_wrapped() -> None:
    square = np.where(np.arange(2400) // 24 % 2, 32767.0, -32768.0)
    output = converted(square, 24_000, 16_000)
    assert output.max() == 32767
    assert output.min() == -32768
    wanted = np.sign(square)[::3]
    assert (np.sign(output[::2]) == wanted).mean() > 0.9


def test_equal_rates_pass_through() -> None:
    resampler = Resampler(24_000, 24_000)
    assert resampler.process(b"\x01\x02") == b"\x01\x02"
    assert resampler.flush() == b""


def test_half_samples_are_refused() -> None:
    for resampler in (Resampler(24_000, 24_000), Resampler(24_000, 16_000)):
        with pytest.raises(ValueError, match="whole number of samples"):
            resampler.process(b"\x00\x00\x00")


def test_rates_below_telephony_are_refused() -> None:
    with pytest.raises(ValueError, match="lowest rate"):
        Resampler(4_000, 24_000)


async def test_prepared_off_the_loop() -> None:
    assert (await Resampler.prepare(16_000, 16_000)).process(b"ab") == b"ab"
    assert len((await Resampler.prepare(24_000, 16_000)).process(bytes(960))) > 500


def test_numpy_is_imported_only_where_rates_differ() -> None:
    code = (
        "import sys\n"
        "from engine.audio.resample import Resampler\n"
        "Resampler(24000, 24000).process(bytes(960))\n"
        "assert 'numpy' not in sys.modules\n"
        "Resampler(24000, 16000)\n"
        "assert 'numpy' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(resample.__file__).parents[2])
