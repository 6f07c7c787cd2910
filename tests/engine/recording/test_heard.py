"""Only what the speaker has played was heard, and it was heard once."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.rtvoice.engine.recording import HeardAudio
from custom_components.rtvoice.engine.session.jitter import Piece
from custom_components.rtvoice.engine.session.ledger import PlayoutLedger


def ramp(start: int, samples: int) -> bytes:
    return array("h", range(start, start + samples)).tobytes()


def test_audio_is_heard_as_the_sink_counts_it() -> None:
    heard = HeardAudio(24_000, 24_000)
    heard.enter(ramp(0, 480))
    heard.enter(ramp(480, 480))
    assert heard.release(0) == b""
    assert heard.release(100) == ramp(0, 100)
    assert heard.release(100) == b""
    assert heard.release(500) == ramp(100, 400)
    assert heard.release(5000) == ramp(500, 460)
    assert heard.release(5000) == b""


def test_interrupted_audio_stops_where_it_was_cut() -> None:
    heard = HeardAudio(24_000, 24_000)
    heard.begin(1000)
    heard.enter(ramp(0, 480))
    heard.release(1100)
    assert heard.cut(1150) == ramp(100, 50)
    assert heard.release(9000) == b""
    heard.begin(9000)
    heard.enter(ramp(480, 10))
    assert heard.release(9003) == ramp(480, 3)


def test_what_follows_a_cut_is_counted_from_it() -> None:
    heard = HeardAudio(24_000, 24_000)
    heard.enter(ramp(0, 480))
    heard.cut(150)
    heard.enter(ramp(480, 480))
    assert heard.release(160) == ramp(480, 10)


@pytest.mark.parametrize("sink_rate_hz", [8000, 16_000, 24_000, 44_100, 48_000])
def test_counts_of_another_rate_are_converted_and_nothing_is_lost(sink_rate_hz: int) -> None:
    heard = HeardAudio(24_000, sink_rate_hz)
    released = b""
    origin = 0
    for burst in range(5):
        heard.begin(origin)
        heard.enter(ramp(burst * 1000, 600))
        heard.enter(ramp(burst * 1000 + 600, 400))
        end = origin - (-1000 * sink_rate_hz // 24_000)
        for played in range(origin, end + 1, 37):
            released += heard.release(played)
            assert len(released) // 2 - burst * 1000 <= (played - origin) * 24_000 / sink_rate_hz
        released += heard.release(end)
        origin = end
    assert released == ramp(0, 5000)


def test_a_stream_may_begin_before_the_last_was_heard() -> None:
    heard = HeardAudio(24_000, 48_000)
    heard.enter(ramp(0, 101))
    heard.begin(202)
    heard.enter(ramp(500, 100))
    assert heard.release(100) == ramp(0, 50)
    assert heard.release(222) == ramp(50, 51) + ramp(500, 10)


def test_nothing_is_nothing() -> None:
    heard = HeardAudio(24_000, 24_000)
    heard.enter(b"")
    assert heard.release(10) == b""


@given(
    st.sampled_from([16_000, 24_000]),
    st.sampled_from([8000, 16_000, 24_000, 44_100, 48_000]),
    st.lists(st.tuples(st.integers(1, 900), st.integers(0, 1200), st.sampled_from(["go on", "finish", "cut"]))),
)
def test_it_agrees_with_the_ledger_to_the_sample(
    source_hz: int, sink_hz: int, story: list[tuple[int, int, str]]
) -> None:
    ledger, heard = PlayoutLedger(source_hz, sink_hz), HeardAudio(source_hz, sink_hz)
    played, item, offset, released = 0, 1, 0, array("h")
    for samples, more, then in story:
        pcm = array("h", [item] * samples).tobytes()
        ledger.enter(Piece(str(item), offset, samples, pcm))
        heard.enter(pcm)
        offset += samples
        played = min(ledger.end, played + more)
        position = ledger.position(played)
        if then == "cut":
            ledger.cut(played)
            released.frombytes(heard.cut(played))
        else:
            released.frombytes(heard.release(played))
        assert released.count(int(position.item_id or 0)) == round(position.heard_ms * source_hz / 1000)
        if then == "finish":
            ledger.begin(ledger.end)
            heard.begin(ledger.end)
        if then != "go on":
            item, offset = item + 1, 0
