"""The session's echo path: the speaker is the reference, the microphone comes out clean, nothing is left behind."""

import asyncio
import threading
from array import array
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from custom_components.rtvoice.engine.ports import AudioOutputDevice
from custom_components.rtvoice.engine.session.echo import BlockReporting, EchoPath, TappedSink
from tests.engine.audio.echo.room import RATE_HZ, Room, erle_db, far_end, onsets_ms, pcm_of
from tests.engine.session.devices import HandSink
from tests.engine.session.virtual_time import in_virtual_time

FRAME = 480


class ReportingSink(HandSink):
    """A speaker that tells of every block it takes, also of filler silence."""

    def __init__(self, sample_rate: int = RATE_HZ) -> None:
        super().__init__(sample_rate)
        self.on_block: Callable[[bytes, int], None] | None = None

    def advance(self, samples: int) -> None:
        block = bytes(self.queued[: 2 * samples]).ljust(2 * samples, b"\0")
        super().advance(samples)
        if self.on_block is not None:
            self.on_block(block, self.sample_rate)


@pytest.fixture
async def path() -> AsyncIterator[EchoPath]:
    path = EchoPath(RATE_HZ)
    yield path
    await path.close()


def ramp(start: int, samples: int) -> bytes:
    return array("h", range(start, start + samples)).tobytes()


def jitter(frames: int) -> list[int]:
    """How many blocks the speaker takes before each frame of the microphone: it comes early and late."""
    random = np.random.default_rng(0)
    blocks: list[int] = []
    for at in range(frames):
        due = at + 1 + int(random.integers(0, 2)) - sum(blocks)
        blocks.append(max(0, min(2, due)))
    return blocks


async def talk(path: EchoPath, sink: HandSink, far: np.ndarray, room: Room) -> tuple[np.ndarray, np.ndarray]:
    """Play through a sink and hear the echo, frame by frame; gives the echo and what is left."""
    given = path.listen(sink)
    far_pcm = pcm_of(far)
    echo = room.echo(far)
    microphone = pcm_of(echo + room.noise(len(far)))
    out = bytearray()
    frames = len(far) // FRAME
    speaking = [any(far_pcm[2 * FRAME * at : 2 * FRAME * (at + 1)]) for at in range(frames)]
    ahead = 0
    for at, blocks in enumerate(jitter(frames)):
        while ahead < min(frames, at + 4):
            if speaking[ahead] or isinstance(sink, ReportingSink):
                await given.play_chunk(far_pcm[2 * FRAME * ahead : 2 * FRAME * (ahead + 1)])
            ahead += 1
        for _ in range(blocks):
            sink.advance(FRAME)
        out += await path.clean(microphone[2 * FRAME * at : 2 * FRAME * (at + 1)])
    return echo, np.frombuffer(bytes(out), "<i2") / 32768


@pytest.mark.parametrize("sink_of", [ReportingSink, HandSink])
@in_virtual_time
async def test_echo_of_what_a_sink_plays_is_removed(sink_of: Callable[[], HandSink]) -> None:
    path = EchoPath(RATE_HZ)
    sink = sink_of()
    echo, left = await talk(path, sink, far_end(7), Room(100))
    await path.close()
    assert erle_db(echo, left, 3, 7) >= 25
    assert path.converged
    assert path.erle_db >= 25
    # The reference is held back by 20 ms, and the speaker is up to a block ahead.
    assert path.delay_ms == pytest.approx(80, abs=21)


@in_virtual_time
async def test_next_answers_do_not_interrupt_themselves() -> None:
    path = EchoPath(RATE_HZ)
    pauses = np.zeros(RATE_HZ)
    far = np.concatenate([np.concatenate((far_end(3, first=each), pauses)) for each in range(3)])
    _, left = await talk(path, ReportingSink(), far, Room(100))
    await path.close()
    assert [at for at in onsets_ms(left) if at > 4000] == []
    assert path.dropped_pieces == 0


async def test_closed_path_listens_no_longer_but_leaves_a_sink_to_the_next() -> None:
    sink, first, second = ReportingSink(), EchoPath(RATE_HZ), EchoPath(RATE_HZ)
    assert first.listen(sink) is sink
    second.listen(sink)
    await first.close()
    assert sink.on_block == second.played
    await second.close()
    assert sink.on_block is None


def test_the_fakes_are_sinks() -> None:
    assert isinstance(ReportingSink(), BlockReporting)
    assert not isinstance(HandSink(), BlockReporting)
    assert isinstance(TappedSink(HandSink(), lambda pcm, rate_hz: None), AudioOutputDevice)


async def test_frames_come_back_one_for_one_and_in_order(path: EchoPath) -> None:
    for at in range(5):
        frame = ramp(at * FRAME, FRAME)
        assert await path.clean(frame) == frame
    assert (path.delay_ms, path.erle_db, path.converged) == (None, 0.0, False)


async def test_chunks_of_any_size_become_frames(path: EchoPath) -> None:
    pcm = ramp(0, 3 * FRAME)
    out = [await path.clean(pcm[start:end]) for start, end in ((0, 100), (100, 1000), (1000, 2880))]
    assert [len(piece) for piece in out] == [0, 960, 1920]
    assert b"".join(out) == pcm


async def test_work_is_done_in_one_thread_that_ends_with_the_path() -> None:
    before = set(threading.enumerate())
    path = EchoPath(RATE_HZ)
    assert (path.delay_ms, path.erle_db, path.converged) == (None, 0.0, False)
    await path.clean(bytes(960))
    await path.clean(bytes(960))
    ours = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("rtvoice echo")]
    assert len(ours) == 1
    await path.close()
    await path.close()
    assert not ours[0].is_alive()


async def test_reference_that_nobody_takes_is_dropped_and_counted(path: EchoPath) -> None:
    for _ in range(203):
        path.played(bytes(960), RATE_HZ)
    assert path.dropped_pieces == 3
    assert await path.clean(bytes(960)) == bytes(960)


@pytest.mark.parametrize("played_rate_hz", [16_000, 48_000])
async def test_speaker_of_another_rate(path: EchoPath, played_rate_hz: int) -> None:
    far, far_there = far_end(5), far_end(5, played_rate_hz)
    echo = Room(120).echo(far)
    microphone = pcm_of(echo + Room().noise(len(far)))
    size = played_rate_hz // 50
    out = bytearray()
    for at in range(len(far) // FRAME):
        path.played(pcm_of(far_there[at * size : (at + 1) * size]), played_rate_hz)
        out += await path.clean(microphone[2 * FRAME * at : 2 * FRAME * (at + 1)])
    assert erle_db(echo, np.frombuffer(bytes(out), "<i2") / 32768, 3, 5) >= 25


async def test_tapped_sink_reports_what_was_played_and_nothing_that_was_dropped() -> None:
    sink, reported = HandSink(), bytearray()
    tapped = TappedSink(sink, lambda pcm, rate_hz: reported.extend(pcm))
    await tapped.start()
    assert tapped.sample_rate == sink.sample_rate
    await tapped.play_chunk(ramp(0, 1000))
    tapped.collect()
    assert not reported
    sink.advance(300)
    assert tapped.is_playing
    assert tapped.played_samples == 300
    tapped.collect()
    assert reported == ramp(0, 300)
    sink.advance(100)
    await tapped.clear_buffer()
    assert reported == ramp(0, 400)
    await tapped.play_chunk(ramp(5000, 200))
    sink.advance(200)
    tapped.collect()
    assert reported == ramp(0, 400) + ramp(5000, 200)
    await tapped.stop()
    assert not tapped.is_playing


async def test_tapped_sink_waits_like_the_sink() -> None:
    sink = HandSink(capacity_ms=20)
    tapped = TappedSink(sink, lambda pcm, rate_hz: None)
    await tapped.play_chunk(bytes(960))
    waiting = asyncio.create_task(tapped.play_chunk(bytes(960)))
    await asyncio.sleep(0)
    assert not waiting.done()
    sink.advance(480)
    await waiting
