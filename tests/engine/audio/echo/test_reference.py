"""What was played is paired with the frames of the microphone, whatever the blocks and rates."""

from array import array

import pytest

from custom_components.rtvoice.engine.audio.echo.reference import ReferenceLine

SLACK = 480
FRAME = 480


def ramp(start: int, samples: int) -> bytes:
    return array("h", range(start, start + samples)).tobytes()


def taken(line: ReferenceLine, frames: int) -> list[int]:
    return array("h", b"".join(line.take() for _ in range(frames))).tolist()


def test_playing_begins_one_frame_late_and_goes_on_without_a_gap() -> None:
    line = ReferenceLine(24_000)
    line.put(ramp(1, 3 * FRAME), 24_000)
    assert taken(line, 4) == [0] * SLACK + list(range(1, 3 * FRAME + 1))


def test_blocks_that_come_early_or_late_do_not_move_what_follows() -> None:
    line = ReferenceLine(24_000)
    line.put(ramp(1, FRAME), 24_000)
    assert taken(line, 2) == [0] * SLACK + list(range(1, FRAME + 1))
    assert taken(line, 1) == [0] * FRAME
    # The block whose time has just passed is left out; the next one is in time.
    line.put(ramp(FRAME + 1, 2 * FRAME), 24_000)
    assert taken(line, 1) == list(range(2 * FRAME + 1, 3 * FRAME + 1))


def test_part_of_a_block_that_is_late_is_left_out() -> None:
    line = ReferenceLine(24_000)
    line.put(ramp(1, FRAME), 24_000)
    taken(line, 1)
    line.put(ramp(FRAME + 1, 100), 24_000)
    taken(line, 1)
    assert taken(line, 1) == [*range(FRAME + 1, FRAME + 101)] + [0] * 380
    line.put(ramp(FRAME + 101, 400), 24_000)
    assert taken(line, 1)[:20] == list(range(FRAME + 481, FRAME + 501))


def test_after_a_gap_playing_begins_anew() -> None:
    line = ReferenceLine(24_000)
    line.put(ramp(1, FRAME), 24_000)
    taken(line, 2)
    assert taken(line, 3) == [0] * 3 * FRAME
    line.put(ramp(1, FRAME), 24_000)
    assert taken(line, 2) == [0] * SLACK + list(range(1, FRAME + 1))


def test_too_much_waiting_is_dropped_and_counted() -> None:
    line = ReferenceLine(24_000)
    line.put(ramp(1, 20 * FRAME), 24_000)
    assert line.realignments == 1
    assert taken(line, 1) == list(range(19 * FRAME + 1, 20 * FRAME + 1))


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_other_rates_are_converted(rate_hz: int) -> None:
    line = ReferenceLine(24_000)
    for _ in range(5):
        line.put(array("h", [1000] * (rate_hz // 50)).tobytes(), rate_hz)
    assert set(taken(line, 4)[SLACK + 100 :]) <= {999, 1000, 1001}
