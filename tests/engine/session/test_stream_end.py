"""A sink that is sent a stream hears of its end: behind the audio, once, and not where the audio was cut short."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from custom_components.rtvoice.engine.audio.frame import AudioFrame
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.user_commands import StopAsked
from custom_components.rtvoice.engine.conversation.values import ResponseStatus
from custom_components.rtvoice.engine.errors import SinkError
from custom_components.rtvoice.engine.options import Cues, SessionOptions
from custom_components.rtvoice.engine.ports import StreamingOutputDevice
from custom_components.rtvoice.engine.session.playout import Playout
from custom_components.rtvoice.engine.session.session import Session, SessionLimits

from ..fakes import FakeMicrophone, FakeProvider, FakeTools
from .devices import HandSink
from .virtual_time import in_virtual_time

FRAME = 480


class NetworkSink(HandSink):
    """A speaker that keeps what it is given in streams, each with an end."""

    def __init__(self, capacity_ms: int = 60_000) -> None:
        super().__init__(capacity_ms=capacity_ms)
        self.streams: list[int] = []
        """Samples given in each stream that has been finished."""
        self.slow = asyncio.Event()
        self.slow.set()

    async def finish_stream(self) -> None:
        await self.slow.wait()
        if self.failure is not None:
            raise self.failure
        self.streams.append(sum(self.given))
        self.given.clear()

    async def clear_buffer(self) -> None:
        self.given.clear()
        await super().clear_buffer()


@asynccontextmanager
async def playing(sink: NetworkSink) -> AsyncIterator[tuple[Playout, asyncio.Task[None]]]:
    playout = Playout(sink, 24_000, lambda fact: None, finish_stream=sink.finish_stream)
    task = asyncio.create_task(playout.run())
    await asyncio.sleep(0)
    try:
        yield playout, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@in_virtual_time
async def test_the_end_comes_behind_the_last_sample() -> None:
    sink = NetworkSink()
    async with playing(sink) as (playout, _):
        playout.play("a", 0, bytes(2 * (3 * FRAME + 7)))
        playout.finish()
        await asyncio.sleep(0.001)
        assert sink.streams == [3 * FRAME + 7], "at once: nothing more is waited for"


@in_virtual_time
async def test_the_end_is_told_when_it_is_known_only_later() -> None:
    sink = NetworkSink()
    async with playing(sink) as (playout, _):
        playout.play("a", 0, bytes(2 * FRAME))
        await asyncio.sleep(1)
        assert sink.streams == []
        playout.finish()
        await asyncio.sleep(0.001)
        assert sink.streams == [FRAME]
        playout.play("b", 0, bytes(2 * FRAME))
        playout.finish()
        await asyncio.sleep(0.001)
        assert sink.streams == [FRAME, FRAME]


@in_virtual_time
async def test_what_follows_before_the_end_was_told_goes_into_the_same_stream() -> None:
    sink = NetworkSink(capacity_ms=100)
    async with playing(sink) as (playout, _):
        playout.play("a", 0, bytes(2 * 6 * FRAME))
        playout.finish()
        assert sink.streams == [], "the sink has not taken all of it"
        playout.play("b", 0, bytes(2 * FRAME))
        sink.advance(5 * FRAME)
        await asyncio.sleep(1)
        assert sink.streams == []
        playout.finish()
        await asyncio.sleep(0.001)
        assert sink.streams == [7 * FRAME]


@in_virtual_time
async def test_clear_takes_the_end_back_also_while_it_is_being_told() -> None:
    sink = NetworkSink(capacity_ms=100)
    async with playing(sink) as (playout, task):
        playout.play("a", 0, bytes(2 * 6 * FRAME))
        playout.finish()
        await playout.clear()
        await asyncio.sleep(1)
        assert sink.streams == [], "the sink had not taken all of it"
        sink.slow.clear()
        playout.play("b", 0, bytes(2 * FRAME))
        playout.finish()
        await asyncio.sleep(0.001)
        async with asyncio.timeout(0.02):
            await playout.clear()
        sink.slow.set()
        await asyncio.sleep(1)
        assert sink.streams == []
        assert not task.done()


@in_virtual_time
async def test_a_sink_that_fails_at_the_end_ends_the_run() -> None:
    sink = NetworkSink()
    async with playing(sink) as (playout, task):
        playout.play("a", 0, bytes(2 * FRAME))
        await asyncio.sleep(1)
        sink.fail()
        playout.finish()
        with pytest.raises(SinkError, match="unplugged"):
            await task


@in_virtual_time
@pytest.mark.parametrize("echo_cancellation", [False, True])
async def test_a_session_tells_such_a_sink_where_responses_end(*, echo_cancellation: bool) -> None:
    sink, provider = NetworkSink(), FakeProvider()
    assert isinstance(sink, StreamingOutputDevice)
    session = Session(
        providers=(provider,),
        options=SessionOptions(),
        source=FakeMicrophone(),
        sink=sink,
        tools=FakeTools(),
        publish=lambda event: None,
        limits=SessionLimits(echo_cancellation=echo_cancellation),
    )
    task = asyncio.create_task(session.run())
    await asyncio.sleep(1)
    provider.connection.feed(f.ResponseStarted("r1"), f.AudioDelta("r1", "i1", 0, bytes(2 * FRAME)))
    await asyncio.sleep(1)
    assert sink.streams == []
    provider.connection.feed(f.ResponseFinished("r1", ResponseStatus.COMPLETED))
    await asyncio.sleep(1)
    assert sink.streams == [FRAME]
    session.post(StopAsked())
    await task


@in_virtual_time
async def test_each_cue_is_a_stream_of_its_own() -> None:
    sink = NetworkSink()
    sound = AudioFrame(bytes(2 * FRAME), 24_000)
    session = Session(
        providers=(FakeProvider(),),
        options=SessionOptions(),
        source=FakeMicrophone(),
        sink=sink,
        tools=FakeTools(),
        publish=lambda event: None,
        cues=Cues(listening=sound, thinking=None, ended=sound, error=None),
    )
    task = asyncio.create_task(session.run())
    await asyncio.sleep(1)
    assert sink.streams == [FRAME]
    session.post(StopAsked())
    await task
    assert sink.streams == [FRAME, FRAME]
