"""Blocks are put where they belong in time, whatever their clocks and their journeys do."""

import math
import random
from array import array
from collections.abc import Callable, Iterable
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.rtvoice.engine.recording.track import Block, Track

RATE_HZ = 8000
FRAME = RATE_HZ // 50


def blocks(count: int, at_s: Callable[[int], float], value: Callable[[int], int] = lambda _: 1000) -> list[Block]:
    """Frames of 20 ms; sample n has value(n), frame n arrives at at_s(n)."""
    return [
        Block(n * FRAME, array("h", [value(n * FRAME + i) for i in range(FRAME)]).tobytes(), at_s(n))
        for n in range(count)
    ]


def placed(arriving: Iterable[Block], end_s: float, *, patience_s: float = 1.0) -> array[int]:
    track = Track(RATE_HZ, 0.0)
    result = array("h")
    for block in sorted(arriving, key=lambda each: (each.at_s, each.begin)):
        track.add(block)
        track.advance(block.at_s - patience_s)
        result.frombytes(track.take())
    track.advance(end_s)
    result.frombytes(track.take())
    return result


def sine(sample: int) -> int:
    return round(10_000 * math.sin(2 * math.pi * 440 * sample / RATE_HZ))


def largest_step(samples: array[int]) -> int:
    return max(abs(after - before) for before, after in pairwise(samples))


SINE_STEP = largest_step(array("h", [sine(n) for n in range(RATE_HZ)]))


def test_punctual_audio_is_taken_as_it_is() -> None:
    assert placed(blocks(100, lambda n: n * 0.02, sine), 2.0) == array("h", [sine(n) for n in range(2 * RATE_HZ)])


def test_audio_begins_where_it_began() -> None:
    result = placed(blocks(10, lambda n: 3.5 + n * 0.02), 4.0)
    assert result.index(1000) == 3.5 * RATE_HZ
    assert len(result) == 4 * RATE_HZ
    assert result.count(1000) == 10 * FRAME


def test_a_gap_is_silence_of_its_length() -> None:
    """B24: later answers are not glued behind the first."""
    result = placed(blocks(100, lambda n: n * 0.02 + (0.7 if n >= 50 else 0.0)), 2.7)
    assert result == array("h", [1000] * RATE_HZ + [0] * (RATE_HZ * 7 // 10) + [1000] * RATE_HZ)


def test_jitter_moves_nothing() -> None:
    chance = random.Random(1)
    arrivals = list(accumulate((n * 0.02 + chance.uniform(0.0, 0.045) for n in range(500)), max))
    result = placed(blocks(500, arrivals.__getitem__, sine), 10.0)
    assert abs(len(result) - 10 * RATE_HZ) <= 0.01 * RATE_HZ
    assert largest_step(result[: int(9.9 * RATE_HZ)]) <= SINE_STEP * 1.02


def test_a_stall_that_is_made_up_for_moves_nothing() -> None:
    """The network held 800 ms back and then gave them at once: nothing is missing and nothing is late."""
    stalled = blocks(200, lambda n: 1.8 if 50 <= n < 90 else n * 0.02, sine)
    assert placed(stalled, 4.0) == array("h", [sine(n) for n in range(4 * RATE_HZ)])


def test_audio_that_arrives_in_lumps_is_even() -> None:
    lumps = blocks(200, lambda n: (n // 10 + 1) * 0.2 - 0.02, sine)
    result = placed(lumps, 4.0)
    assert result[: 4 * RATE_HZ] == array("h", [sine(n) for n in range(4 * RATE_HZ)])


@pytest.mark.parametrize("drift", [-300e-6, -50e-6, 50e-6, 300e-6])
def test_the_drift_of_a_sound_card_is_followed_without_clicks(drift: float) -> None:
    minutes = 4
    count = minutes * 3000
    result = placed(blocks(count, lambda n: n * 0.02 * (1 + drift), sine), count * 0.02 * (1 + drift))
    # Uncorrected, the channel would be off by up to 72 ms after four minutes.
    assert abs(len(result) - count * FRAME * (1 + drift)) <= 0.006 * RATE_HZ
    assert largest_step(result) <= SINE_STEP * 1.02


def test_audio_too_early_for_its_place_is_kept_and_squeezed() -> None:
    """A channel that was taken for silent comes late: no word is lost, and the place gets right by and by."""
    track = Track(RATE_HZ, 0.0)
    track.advance(0.3)
    for block in blocks(3000, lambda n: n * 0.02, sine):
        track.add(block)
    track.advance(60.0)
    samples = array("h", track.take())
    assert samples[: int(0.3 * RATE_HZ)] == array("h", bytes(2 * int(0.3 * RATE_HZ)))
    assert abs(len(samples) - 60 * RATE_HZ) <= 0.006 * RATE_HZ
    assert largest_step(samples) <= SINE_STEP * 1.02


def test_silence_is_not_put_over_audio_that_is_known_to_come() -> None:
    track = Track(RATE_HZ, 0.0)
    late, *_ = blocks(1, lambda _: 0.5)
    track.add(late)
    track.add(Block(FRAME, late.pcm, 0.5))
    track.advance(0.495)
    assert len(track.take()) // 2 == (0.5 - 0.02) * RATE_HZ


def test_dropped_blocks_are_silence_and_counted() -> None:
    given_blocks = blocks(100, lambda n: n * 0.02)
    track = Track(RATE_HZ, 0.0)
    for block in (*given_blocks[:30], *given_blocks[31:60], *given_blocks[70:]):
        track.add(block)
    track.advance(2.0)
    expected = array("h", [1000]) * (2 * RATE_HZ)
    for begin, end in ((30, 31), (60, 70)):
        expected[begin * FRAME : end * FRAME] = array("h", bytes(2 * FRAME * (end - begin)))
    assert array("h", track.take()) == expected
    assert track.dropped_samples == 11 * FRAME


def test_audio_from_before_the_beginning_is_kept() -> None:
    track = Track(RATE_HZ, 0.0)
    track.add(Block(0, b"\1\0" * 50, -0.02))
    track.advance(0.0)
    assert track.take() == b"\1\0" * 50


def test_a_lump_too_large_to_be_squeezed_is_kept_as_it_is() -> None:
    lump = bytes([1, 0]) * (RATE_HZ + 1)
    track = Track(RATE_HZ, 0.0)
    track.advance(2.0)
    track.add(Block(0, lump, 1.0))
    track.advance(2.0)
    assert track.take() == bytes(4 * RATE_HZ) + lump


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 400), st.floats(0, 2), st.floats(0, 0.3)), max_size=40),
    st.floats(0.0, 1.5),
)
def test_no_audio_is_lost_and_time_never_runs_ahead(story: list[tuple[int, float, float]], patience_s: float) -> None:
    """Blocks of any size, after any pause, with any delay: all of it is there, in order."""
    arriving, at_s, begin = [], 0.0, 0
    for samples, pause_s, delay_s in story:
        at_s += pause_s
        arriving.append(Block(begin, array("h", [1 + len(arriving)] * samples).tobytes(), at_s + delay_s))
        begin += samples
        at_s += samples / RATE_HZ
    arriving.sort(key=lambda block: block.begin)
    track = Track(RATE_HZ, 0.0)
    result = array("h")
    newest_s = 0.0
    for block in arriving:
        track.add(block)
        newest_s = max(newest_s, block.at_s)
        track.advance(newest_s - patience_s)
        result.frombytes(track.take())
    track.advance(newest_s)
    result.frombytes(track.take())
    heard = [value for value in result if value]
    assert heard == sorted(heard)
    for number, (samples, _, _) in enumerate(story, 1):
        assert abs(heard.count(number) - samples) <= samples // 100
    assert track.dropped_samples == 0
