"""What is captured reaches the provider: in order, in its rate, at once, or silent when muted."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

import pytest

from custom_components.rtvoice.engine.conversation.effects import ModelCommand
from custom_components.rtvoice.engine.conversation.facts import ModelEvent
from custom_components.rtvoice.engine.conversation.values import Capabilities
from custom_components.rtvoice.engine.errors import ConnectionLostError, SourceError
from custom_components.rtvoice.engine.session.uplink import Uplink
from tests.engine.session.devices import HandSource


class Wire:
    """A connection that keeps what it is sent, or breaks."""

    def __init__(self, *, broken: bool = False) -> None:
        self.sent: list[bytes] = []
        self._broken = broken
        self._came = asyncio.Event()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities()

    async def send(self, command: ModelCommand) -> None:
        raise AssertionError("no commands go this way")

    def send_audio(self, pcm: bytes) -> None:
        if self._broken:
            raise ConnectionLostError("gone")
        self.sent.append(pcm)
        self._came.set()

    async def got(self, frames: int) -> None:
        async with asyncio.timeout(30):
            while len(self.sent) < frames:
                self._came.clear()
                await self._came.wait()

    async def audio_taken(self) -> None:
        await asyncio.sleep(0)

    async def receive(self) -> AsyncIterator[ModelEvent]:
        raise AssertionError("nothing is received here")
        yield


@asynccontextmanager
async def running(*work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def numbered(count: int) -> list[bytes]:
    """Frames that are told apart by their samples."""
    return [bytes([number, 0]) * 480 for number in range(1, count + 1)]


def ramp(start: int, samples: int) -> bytes:
    return array("h", range(start, start + samples)).tobytes()


async def test_a_turn_ends_where_the_next_one_begins_and_no_frame_is_in_both_or_in_none() -> None:
    source, first, second = HandSource(), Wire(), Wire()
    uplink = Uplink(source, 24_000)
    frames = numbered(30)
    async with running(uplink.capture()):
        async with running(uplink.forward(first)):
            uplink.hold()
            for frame in frames:
                source.hear(frame)
            await first.got(30)
            uplink.mark_speech_end(0.2)
            assert uplink.release() == b"".join(frames[:20])
        uplink.rewind()
        async with running(uplink.forward(second)):
            await second.got(10)
            assert second.sent == frames[20:]


async def test_what_is_sent_between_the_end_of_speech_and_the_commit_is_no_part_of_the_turn() -> None:
    source, first, second = HandSource(), Wire(), Wire()
    uplink = Uplink(source, 24_000)
    frames = numbered(30)
    async with running(uplink.capture()):
        async with running(uplink.forward(first)):
            uplink.hold()
            for frame in frames[:22]:
                source.hear(frame)
            await first.got(22)
            uplink.mark_speech_end(0.04)
            # A microphone that brings much at once: no time has passed that the frames could be counted by.
            for frame in frames[22:]:
                source.hear(frame)
            await first.got(30)
            assert uplink.release() == b"".join(frames[:20])
        uplink.rewind()
        async with running(uplink.forward(second)):
            await second.got(10)
            assert second.sent == frames[20:]


async def test_a_turn_that_is_committed_ends_with_the_frame_before_whenever_that_is_answered() -> None:
    source, first, second = HandSource(), Wire(), Wire()
    uplink = Uplink(source, 24_000)
    frames = numbered(30)
    async with running(uplink.capture()):
        async with running(uplink.forward(first)):
            uplink.hold()
            for end in (10, 20, 30):
                for frame in frames[end - 10 : end]:
                    source.hear(frame)
                await first.got(end)
                uplink.mark()
            # The first commit was refused: its frames are of the turn that the second one made.
            uplink.unmark()
            assert uplink.release() == b"".join(frames[:20])
        uplink.rewind()
        async with running(uplink.forward(second)):
            await second.got(10)
            assert second.sent == frames[20:]
            uplink.hold()
            # Marks of a link that is gone mean nothing.
            uplink.mark_speech_end(0.02)
            assert uplink.release() == b"".join(frames[20:29])


async def test_a_turn_that_ended_without_a_link_is_committed_before_what_was_said_behind_it() -> None:
    source, first, second = HandSource(), Wire(), Wire()
    uplink = Uplink(source, 24_000)
    frames = numbered(40)

    async def say(begin: int, end: int) -> None:
        for frame in frames[begin:end]:
            source.hear(frame)
        await settle()

    async with running(uplink.capture()):
        uplink.hold()
        # Of several turns only the end of the last one counts: they are handed over as one.
        await say(0, 10)
        uplink.end_turn()
        await say(10, 20)
        uplink.end_turn()
        await say(20, 30)
        for wire in (first, second):
            async with running(uplink.forward(wire)):
                await uplink.turn_sent()
                assert wire.sent == frames[:20]
                uplink.mark()
                await wire.got(30)
            # The link broke before the provider made a turn of it.
            uplink.rewind()
        async with running(uplink.forward(third := Wire())):
            await uplink.turn_sent()
            uplink.mark()
            await third.got(30)
            assert uplink.release() == b"".join(frames[:20])
            await say(30, 40)
            assert third.sent == frames
            await uplink.turn_sent()


async def test_an_end_that_nobody_commits_does_not_hold_the_microphone_up() -> None:
    source, wire = HandSource(), Wire()
    uplink = Uplink(source, 24_000)
    async with running(uplink.capture()):
        source.hear(ramp(0, 480))
        await settle()
        uplink.end_turn()
        source.hear(ramp(480, 480))
        await settle()
        async with running(uplink.forward(wire)):
            await wire.got(1)
            await asyncio.sleep(0.1)
            assert len(wire.sent) == 1
            await wire.got(2)


async def test_speech_in_what_waited_for_a_link_is_remembered_from_its_onset() -> None:
    source, first, second = HandSource(), Wire(), Wire()
    uplink = Uplink(source, 24_000)
    frames = numbered(250)
    async with running(uplink.capture()):
        for frame in frames:
            source.hear(frame)
        await settle()
        async with running(uplink.forward(first)):
            await first.got(250)
            # The provider was sent all of it at once, and tells of what is in it a moment later.
            uplink.hold()
        uplink.rewind()
        async with running(uplink.forward(second)):
            await second.got(250)
            assert second.sent == frames


async def test_a_turn_that_ended_before_all_that_is_remembered_is_empty() -> None:
    source, wire = HandSource(), Wire()
    uplink = Uplink(source, 24_000)
    async with running(uplink.capture(), uplink.forward(wire)):
        source.hear(bytes(960))
        await wire.got(1)
        uplink.mark_speech_end(5.0)
        assert uplink.release() == b""


async def test_chunks_of_any_size_become_frames_in_order() -> None:
    source, wire = HandSource(), Wire()
    uplink = Uplink(source, 24_000)
    async with running(uplink.capture(), uplink.forward(wire)):
        pcm = ramp(0, 1500)
        for start, end in ((0, 7), (7, 700), (700, 2900), (2900, 3000)):
            source.hear(pcm[start:end])
        await settle()
        assert [len(frame) for frame in wire.sent] == [960, 960, 960]
        assert b"".join(wire.sent) == pcm[:2880]


async def test_each_frame_moves_as_soon_as_it_is_whole() -> None:
    source, wire = HandSource(), Wire()
    uplink = Uplink(source, 24_000)
    async with running(uplink.capture(), uplink.forward(wire)):
        for count in range(1, 5):
            source.hear(bytes(960))
            await settle()
            assert len(wire.sent) == count


async def test_what_was_captured_before_the_connection_is_sent_first() -> None:
    source, wire = HandSource(), Wire()
    uplink = Uplink(source, 24_000)
    async with running(uplink.capture()):
        source.hear(ramp(0, 960))
        await settle()
        async with running(uplink.forward(wire)):
            source.hear(ramp(960, 480))
            await settle()
    assert b"".join(wire.sent) == ramp(0, 1440)


async def test_full_buffer_drops_the_oldest_and_counts() -> None:
    source, wire = HandSource(), Wire()
    uplink = Uplink(source, 24_000, capacity_ms=60)
    async with running(uplink.capture()):
        source.hear(ramp(0, 5 * 480))
        await settle()
        assert uplink.dropped_frames == 2
        async with running(uplink.forward(wire)):
            await settle()
    assert b"".join(wire.sent) == ramp(960, 1440)


async def test_next_connection_continues_where_the_broken_one_stopped() -> None:
    source, wire = HandSource(), Wire()
    uplink = Uplink(source, 24_000)
    async with running(uplink.capture()):
        source.hear(ramp(0, 480))
        with pytest.raises(ConnectionLostError):
            await uplink.forward(Wire(broken=True))
        source.hear(ramp(480, 480))
        async with running(uplink.forward(wire)):
            await settle()
    assert wire.sent == [ramp(480, 480)]


async def test_a_frame_that_crosses_with_the_end_of_a_broken_link_waits_for_the_next() -> None:
    source, broken, wire = HandSource(), Wire(), Wire()
    uplink = Uplink(source, 24_000)
    async with running(uplink.capture()):
        forwarding = asyncio.create_task(uplink.forward(broken))
        await settle()
        uplink.gate(open=False)
        source.hear(ramp(0, 480))
        await settle()
        broken._broken = True
        forwarding.cancel()
        # It is heard before the forwarding has noticed that nobody wants it any more.
        uplink.gate(open=True, recall_s=0.02)
        await asyncio.gather(forwarding, return_exceptions=True)
        uplink.rewind()
        async with running(uplink.forward(wire)):
            await settle()
    assert wire.sent == [bytes(960), ramp(0, 480)]


async def test_resamples_to_the_providers_rate() -> None:
    source, wire = HandSource(16_000), Wire()
    uplink = Uplink(source, 24_000)
    async with running(uplink.capture(), uplink.forward(wire)):
        for _ in range(50):
            source.hear(array("h", [1000] * 320).tobytes())
        await wire.got(50)
    samples = array("h", b"".join(wire.sent))
    assert 24_000 - 48 <= len(samples) <= 24_000
    assert set(samples[100:]) <= {999, 1000, 1001}


@pytest.mark.parametrize("rate_hz", [24_000, 16_000])
async def test_muted_microphone_sends_silence_of_the_same_length(rate_hz: int) -> None:
    source, muted_wire, open_wire = HandSource(rate_hz), Wire(), Wire()
    frame = array("h", [8000, -8000] * (rate_hz // 100)).tobytes()
    for wire, muted in ((muted_wire, True), (open_wire, False)):
        uplink = Uplink(source, 24_000)
        uplink.gate(open=not muted)
        async with running(uplink.capture(), uplink.forward(wire)):
            source.hear(frame * 3)
            await wire.got(3)
    assert [len(sent) for sent in muted_wire.sent] == [len(sent) for sent in open_wire.sent]
    assert not any(b"".join(muted_wire.sent))
    assert any(b"".join(open_wire.sent))


async def test_what_was_captured_while_muted_stays_silent() -> None:
    source, wire = HandSource(), Wire()
    uplink = Uplink(source, 24_000)
    async with running(uplink.capture()):
        uplink.gate(open=False)
        source.hear(ramp(1, 480))
        await settle()
        uplink.gate(open=True)
        source.hear(ramp(1, 480))
        await settle()
        async with running(uplink.forward(wire)):
            await settle()
    assert wire.sent == [bytes(960), ramp(1, 480)]


async def test_opening_recalls_the_last_of_what_was_heard_while_closed() -> None:
    source, wire = HandSource(), Wire()
    uplink = Uplink(source, 24_000)
    async with running(uplink.capture(), uplink.forward(wire)):
        uplink.gate(open=False)
        source.hear(b"".join(ramp(1000 * n, 480) for n in range(5)))
        await settle()
        uplink.gate(open=True, recall_s=0.06)
        source.hear(ramp(9000, 480))
        await settle()
        assert wire.sent == [bytes(960)] * 5 + [ramp(1000 * n, 480) for n in (2, 3, 4, 9)]
        uplink.gate(open=True, recall_s=0.06)
        await settle()
        assert len(wire.sent) == 9, "nothing is recalled twice"


async def test_no_more_than_three_seconds_are_recalled() -> None:
    source, wire = HandSource(), Wire()
    uplink = Uplink(source, 24_000)
    async with running(uplink.capture(), uplink.forward(wire)):
        uplink.gate(open=False)
        for n in range(200):
            source.hear(ramp(n, 480))
        await wire.got(200)
        uplink.gate(open=True, recall_s=60)
        await settle()
        await wire.got(350)
        await settle()
    assert wire.sent[200:] == [ramp(n, 480) for n in range(50, 200)]


async def test_what_is_recalled_is_clean_and_in_the_provider_s_rate() -> None:
    async def clean(pcm: bytes) -> bytes:
        await asyncio.sleep(0)
        return array("h", [value + 1 for value in array("h", pcm)]).tobytes()

    source, wire = HandSource(16_000), Wire()
    uplink = Uplink(source, 24_000, process=clean)
    async with running(uplink.capture(), uplink.forward(wire)):
        uplink.gate(open=False)
        source.hear(array("h", [1000] * 3200).tobytes())
        await wire.got(10)
        uplink.gate(open=True, recall_s=0.1)
        await wire.got(15)
    assert not any(b"".join(wire.sent[:10]))
    assert set(array("h", b"".join(wire.sent[10:]))) <= {1000, 1001, 1002}


async def test_level_follows_the_last_frame() -> None:
    source = HandSource()
    uplink = Uplink(source, 24_000)
    assert uplink.level_dbfs == -96
    async with running(uplink.capture()):
        source.hear(array("h", [-32768] * 480).tobytes())
        await settle()
        assert uplink.level_dbfs == 0
        uplink.gate(open=False)
        source.hear(array("h", [-32768] * 480).tobytes())
        await settle()
        assert uplink.level_dbfs == -96


async def test_failing_source_ends_capture_with_its_error() -> None:
    source = HandSource()
    source.fail()
    with pytest.raises(SourceError, match="unplugged"):
        await Uplink(source, 24_000).capture()


async def test_source_that_ends_by_itself_has_failed() -> None:
    source = HandSource()
    source.end()
    with pytest.raises(SourceError, match="stopped delivering"):
        await Uplink(source, 24_000).capture()


async def test_stopped_source_ends_capture_in_peace() -> None:
    source = HandSource()
    uplink = Uplink(source, 24_000)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(uplink.capture())
        await settle()
        await source.stop()


async def test_a_source_that_always_has_more_lets_others_have_their_turn() -> None:
    class Flood(HandSource):
        async def stream_chunks(self) -> AsyncIterator[bytes]:
            for _ in range(10_000):
                yield bytes(960)
            raise AssertionError("nobody else had a turn")

    uplink, wire = Uplink(Flood(), 24_000), Wire()
    async with running(uplink.forward(wire), uplink.capture()):
        await wire.got(100)
        assert len(wire.sent) < 1000
