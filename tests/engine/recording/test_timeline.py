"""Two channels share one time line, whatever their rates and their silences."""

import math
from array import array

import pytest

from custom_components.rtvoice.engine.recording.timeline import Channel, Timeline
from custom_components.rtvoice.engine.recording.track import Block

LEFT, RIGHT = Channel.MICROPHONE, Channel.SPEAKER


class Voice:
    """Speaks into a channel; counts samples as the recorder does."""

    def __init__(self, timeline: Timeline, channel: Channel, rate_hz: int) -> None:
        self._timeline, self._channel, self._rate_hz = timeline, channel, rate_hz
        self._begin = 0

    def say(self, from_s: float, to_s: float, level: int) -> None:
        frame = self._rate_hz // 50
        for number in range(round((to_s - from_s) * 50)):
            block = Block(self._begin, array("h", [level] * frame).tobytes(), from_s + number * 0.02)
            self._timeline.add(self._channel, block)
            self._begin += frame


def channels(pcm: bytes) -> tuple[array[int], array[int]]:
    both = array("h", pcm)
    return both[0::2], both[1::2]


def test_each_party_is_in_its_own_channel_at_its_own_time() -> None:
    """B24: nothing is mixed, moved, or cut at the end."""
    timeline = Timeline(100.0, 8000, 8000, 8000)
    user, agent = Voice(timeline, LEFT, 8000), Voice(timeline, RIGHT, 8000)
    user.say(100.0, 109.0, 7)
    agent.say(102.0, 103.0, 50)
    agent.say(105.0, 105.5, 60)
    pieces = list(timeline.pieces())
    left, right = channels(b"".join([*pieces, *timeline.rest()]))
    assert left == array("h", [7] * 72_000)
    assert right == array("h", [0] * 16_000 + [50] * 8000 + [0] * 16_000 + [60] * 4000 + [0] * 28_000)


def test_what_is_certain_is_given_a_second_later() -> None:
    timeline = Timeline(0.0, 8000, 8000, 8000)
    assert list(timeline.pieces()) == []
    Voice(timeline, LEFT, 8000).say(0.0, 3.0, 7)
    given = b"".join(timeline.pieces())
    assert 1.9 <= len(given) / 4 / 8000 <= 2.0
    assert list(timeline.pieces()) == []


@pytest.mark.parametrize(("microphone_hz", "speaker_hz"), [(16_000, 24_000), (24_000, 16_000), (48_000, 8000)])
def test_other_rates_are_converted(microphone_hz: int, speaker_hz: int) -> None:
    timeline = Timeline(0.0, 24_000, microphone_hz, speaker_hz)
    user, agent = Voice(timeline, LEFT, microphone_hz), Voice(timeline, RIGHT, speaker_hz)
    user.say(0.0, 6.0, 5000)
    agent.say(2.0, 4.0, -5000)
    left, right = channels(b"".join([*timeline.pieces(), *timeline.rest()]))
    assert len(left) == len(right) == 6 * 24_000
    assert all(abs(value - 5000) < 10 for value in left[500:-500])
    assert not any(right[: 2 * 24_000 - 500])
    assert all(abs(value + 5000) < 10 for value in right[2 * 24_000 + 500 : 4 * 24_000 - 500])
    assert not any(right[4 * 24_000 + 500 :])


def test_a_long_silence_comes_in_pieces() -> None:
    timeline = Timeline(0.0, 8000, 8000, 8000)
    Voice(timeline, RIGHT, 8000).say(3600.0, 3601.0, 9)
    sizes = [len(piece) for piece in (*timeline.pieces(), *timeline.rest())]
    assert max(sizes) <= 11 * 8000 * 4
    assert sum(sizes) == 3601 * 8000 * 4


def test_a_time_line_without_audio_is_empty() -> None:
    assert b"".join(Timeline(0.0, 8000, 8000, 8000).rest()) == b""


def test_audio_from_before_the_beginning_is_kept() -> None:
    timeline = Timeline(10.0, 8000, 8000, 8000)
    Voice(timeline, LEFT, 8000).say(9.9, 10.0, 7)
    left, right = channels(b"".join(timeline.rest()))
    # It is on its way to the right place, and so five blocks are a sample shorter.
    assert (left.count(7), right.count(0)) == (795, 795)


def test_dropped_samples_of_both_channels_are_counted() -> None:
    timeline = Timeline(0.0, 8000, 8000, 8000)
    timeline.add(LEFT, Block(160, bytes(320), 0.02))
    timeline.add(RIGHT, Block(320, bytes(320), 0.04))
    list(timeline.rest())
    assert timeline.dropped_samples == 480


def test_long_talk_drifts_nowhere() -> None:
    """Two sound cards, 100 ppm apart from the clock in both directions, for ten minutes."""
    timeline = Timeline(0.0, 8000, 8000, 8000)
    given = 0
    wave = array("h", [round(8000 * math.sin(n / 5)) for n in range(160)]).tobytes()
    for number in range(30_000):
        timeline.add(LEFT, Block(number * 160, wave, number * 0.02 * (1 + 100e-6)))
        timeline.add(RIGHT, Block(number * 160, wave, number * 0.02 * (1 - 100e-6)))
        if number % 50 == 0:
            given += sum(map(len, timeline.pieces()))
    given += sum(map(len, timeline.rest()))
    assert abs(given / 4 - 600 * 8000) <= 0.07 * 8000
