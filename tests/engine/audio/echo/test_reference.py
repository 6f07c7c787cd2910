"""What was played is paired with the frames of the microphone, whatever the blocks and rates."""

from array import array

import pytest

from custom_components.rtvoice.engine.audio.echo.reference import ReferenceLine

SLACK = 480
FRAME = 480


def ramp(start: int, samples: int) -> bytes:
    return array("h", range(start, start + samples)).tobytes()


def running_line() -> ReferenceLine:
    """The microphone has begun."""
    line = ReferenceLine(24_000)
    line.take()
    return line


def taken(line: ReferenceLine, frames: int) -> list[int]:
    return array("h", b"".join(line.take() for _ in range(frames))).tolist()


def test_playing_begins_one_frame_late_and_goes_on_without_a_gap() -> None:
    line = running_line()
    line.put(ramp(1, 3 * FRAME), 24_000)
    assert taken(line, 4) == [0] * SLACK + list(range(1, 3 * FRAME + 1))


def test_late_block_is_played_late_and_more_is_held_back_from_then_on() -> None:
    line = running_line()
    line.put(ramp(1, FRAME), 24_000)
    assert taken(line, 2) == [0] * SLACK + list(range(1, FRAME + 1))
    assert taken(line, 1) == [0] * FRAME
    line.put(ramp(FRAME + 1, 2 * FRAME), 24_000)
    assert taken(line, 2) == list(range(FRAME + 1, 3 * FRAME + 1))
    taken(line, 3)
    line.put(ramp(1, FRAME), 24_000)
    assert taken(line, 3) == [0] * (SLACK + FRAME) + list(range(1, FRAME + 1))


def test_blocks_in_bunches_come_out_evenly() -> None:
    line = running_line()
    out = []
    for at in range(40):
        if at % 4 == 0:
            line.put(ramp(1 + at * FRAME, 4 * FRAME), 24_000)
        out += taken(line, 1)
    start = out.index(1)
    assert out[start:] == array("h", ramp(1, len(out) - start)).tolist()


def test_what_was_played_before_the_microphone_began_is_dropped() -> None:
    line = ReferenceLine(24_000)
    for at in range(10):
        line.put(ramp(1 + at * FRAME, FRAME), 24_000)
    taken(line, 1)
    assert line.realignments == 1
    line.put(ramp(1 + 10 * FRAME, FRAME), 24_000)
    assert taken(line, 2)[-1] == 11 * FRAME


def test_what_waits_for_a_second_is_dropped() -> None:
    line = running_line()
    for _ in range(10):
        line.put(bytes(2 * FRAME), 24_000)
        taken(line, 1)
    # The microphone loses five frames.
    for at in range(105):
        line.put(bytes(2 * FRAME), 24_000)
        if at >= 5:
            taken(line, 1)
    assert line.realignments == 1
    line.put(ramp(1, FRAME), 24_000)
    assert taken(line, 2) == [0] * FRAME + list(range(1, FRAME + 1))


def test_silent_call_changes_nothing() -> None:
    line = running_line()
    line.put(b"", 24_000)
    line.put(ramp(1, FRAME), 24_000)
    assert taken(line, 2) == [0] * SLACK + list(range(1, FRAME + 1))


def test_after_a_gap_playing_begins_anew() -> None:
    line = running_line()
    line.put(ramp(1, FRAME), 24_000)
    taken(line, 2)
    assert taken(line, 3) == [0] * 3 * FRAME
    line.put(ramp(1, FRAME), 24_000)
    assert taken(line, 2) == [0] * SLACK + list(range(1, FRAME + 1))


def test_too_much_waiting_is_dropped_and_counted() -> None:
    line = running_line()
    line.put(ramp(1, 25 * FRAME), 24_000)
    assert line.realignments == 1
    assert taken(line, 1) == list(range(24 * FRAME + 1, 25 * FRAME + 1))


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_other_rates_are_converted(rate_hz: int) -> None:
    line = running_line()
    for _ in range(5):
        line.put(array("h", [1000] * (rate_hz // 50)).tobytes(), rate_hz)
    assert set(taken(line, 4)[SLACK + 100 :]) <= {999, 1000, 1001}
