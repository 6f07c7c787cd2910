import asyncio
import gc
import threading
import weakref
from contextlib import asynccontextmanager

import pytest

from custom_components.rtvoice.engine.conversation import effects as e
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.user_commands import (
    MuteChanged,
    ResponseAsked,
    SayAsked,
    StopAsked,
    TurnEnded,
)
from custom_components.rtvoice.engine.conversation.values import ResponseStatus, ToolCall, ToolOutcome
from custom_components.rtvoice.engine.errors import (
    AuthenticationError,
    EndReason,
    QuotaExceededError,
    SessionClosedError,
    SinkError,
    SourceError,
)
from custom_components.rtvoice.engine.events import (
    AgentErrorEvent,
    AgentSessionConnectedEvent,
    AgentStateChangedEvent,
    AssistantInterruptedEvent,
    ResponseLatencyEvent,
    ToolExecutedEvent,
    UserInactivityCountdownEvent,
)
from custom_components.rtvoice.engine.options import PushToTalk, SessionOptions
from custom_components.rtvoice.engine.session.session import DEVICE_STOP_S, Session, SessionEnd, SessionLimits

from ..fakes import FRAME, FakeMicrophone, FakeProvider, FakeSpeaker, FakeTools, lost, unreachable
from ..virtual_time import run

COMPLETED = ResponseStatus.COMPLETED


class Rig:
    def __init__(self, **overrides):
        self.provider = overrides.pop("provider", None) or FakeProvider()
        self.mic = overrides.pop("mic", None) or FakeMicrophone()
        self.speaker = overrides.pop("speaker", None) or FakeSpeaker()
        self.tools = overrides.pop("tools", None) or FakeTools()
        fallbacks = overrides.pop("fallbacks", ())
        self.events = []
        self.session = Session(
            providers=(self.provider, *fallbacks),
            options=overrides.pop("options", SessionOptions()),
            source=self.mic,
            sink=self.speaker,
            tools=self.tools,
            publish=self.events.append,
            **overrides,
        )

    @property
    def connection(self):
        return self.provider.connection

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @asynccontextmanager
    async def running(self):
        task = asyncio.create_task(self.session.run())
        await self.until(lambda: self.of(AgentSessionConnectedEvent))
        try:
            yield task
        finally:
            if not task.done():
                self.session.post(StopAsked())
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, condition, within_s=60):
        async with asyncio.timeout(within_s):
            while not condition():
                await asyncio.sleep(0.005)


class HandSpeaker(FakeSpeaker):
    """Takes everything at once, and is heard to play nothing of it."""

    played_samples = 0
    is_playing = True

    async def play_chunk(self, pcm):
        self.given.append(pcm)

    async def clear_buffer(self):
        pass


def audio(ms, response="r1", item="i1"):
    return f.AudioDelta(response, item, 0, bytes([1]) * (ms * 48))


def test_no_frame_before_the_session_is_ready_and_none_lost() -> None:
    async def main():
        rig = Rig(provider=FakeProvider(delay_s=0.5))
        async with rig.running():
            await rig.until(lambda: len(rig.connection.audio) >= 40)
        return rig

    rig = run(main())
    numbers = [int.from_bytes(frame[:2], "little") for frame in rig.connection.audio]
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(len(frame) == FRAME for frame in rig.connection.audio)


def test_spoken_turn_from_end_to_end() -> None:
    async def main():
        rig = Rig()
        async with rig.running():
            rig.connection.feed(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.TurnCommitted("u1"))
            rig.connection.feed(f.ResponseStarted("r1"), audio(500), f.ResponseFinished("r1", COMPLETED))
            await rig.until(lambda: rig.events and rig.of(AgentStateChangedEvent)[-1].state == "speaking")
            await rig.until(lambda: rig.of(AgentStateChangedEvent)[-1].state == "listening")
        return rig

    rig = run(main())
    assert b"".join(rig.speaker.given).strip(b"\0") == audio(500).pcm
    assert rig.of(ResponseLatencyEvent)
    assert [event.state for event in rig.of(AgentStateChangedEvent)] == [
        "listening",
        "thinking",
        "speaking",
        "listening",
        "idle",
    ]


def test_barge_in_truncates_to_what_the_sink_played_and_silences_it() -> None:
    async def main():
        rig = Rig()
        async with rig.running():
            rig.connection.feed(f.ResponseStarted("r1"), audio(5000))
            await rig.until(lambda: rig.speaker.played_samples > 24_000)
            rig.connection.feed(f.SpeechStarted("u1"))
            await rig.until(lambda: rig.connection.sent(e.TruncateItem))
            played_ms = rig.speaker.played_samples / 24
            assert not rig.speaker.is_playing
            rig.connection.feed(audio(1000))
            await asyncio.sleep(1)
            assert rig.speaker.played_samples / 24 == played_ms
            (truncation,) = rig.connection.sent(e.TruncateItem)
            assert played_ms - 40 <= truncation.audio_end_ms <= played_ms
            assert rig.of(AssistantInterruptedEvent)[0].played_ms == truncation.audio_end_ms
            assert not rig.connection.sent(e.CancelResponse)

    run(main())


def test_a_speaker_that_fails_to_fall_silent_ends_the_session() -> None:
    async def main():
        rig = Rig()

        async def fail():
            raise SinkError("unplugged")

        rig.speaker.clear_buffer = fail
        async with rig.running() as running:
            rig.connection.feed(f.ResponseStarted("r1"), audio(5000))
            await rig.until(lambda: rig.speaker.played_samples > 24_000)
            rig.connection.feed(f.SpeechStarted("u1"))
            end = await running
            assert end.reason is EndReason.DEVICE_FAILED
            assert "unplugged" in str(end.error)

    run(main())


def test_the_sink_is_silent_within_one_frame_of_the_user_s_speech() -> None:
    async def main():
        rig = Rig()
        async with rig.running():
            for n in range(20):
                response, item = f"r{n}", f"i{n}"
                rig.connection.feed(f.ResponseStarted(response), audio(5000, response, item))
                before = rig.speaker.played_samples
                await rig.until(lambda before=before: rig.speaker.played_samples > before)
                await asyncio.sleep(0.1 + n * 0.0137)
                played = rig.speaker.played_samples
                rig.connection.feed(f.SpeechStarted(f"u{n}"), f.ResponseFinished(response, ResponseStatus.CANCELLED))
                await rig.until(lambda n=n: len(rig.connection.sent(e.TruncateItem)) == n + 1)
                await asyncio.sleep(1)
                assert rig.speaker.played_samples - played <= 480
                rig.connection.feed(f.SpeechStopped(f"u{n}"))

    run(main())


def test_tools_run_side_by_side_and_are_answered_once() -> None:
    async def main():
        async def slow(call):
            await asyncio.sleep(2)
            return ToolOutcome(call.call_id)

        rig = Rig(tools=FakeTools(slow=slow))
        async with rig.running():
            loop = asyncio.get_running_loop()
            began = loop.time()
            calls = (ToolCall("c1", "slow", "{}"), ToolCall("c2", "slow", "{}"))
            rig.connection.feed(f.ResponseStarted("r1"), f.ResponseFinished("r1", COMPLETED, calls))
            await rig.until(lambda: rig.connection.sent(e.CreateResponse))
            assert loop.time() - began < 3
            assert [type(command).__name__ for command in rig.connection.commands] == [
                "SendToolOutput",
                "SendToolOutput",
                "CreateResponse",
            ]
            assert [event.ok for event in rig.of(ToolExecutedEvent)] == [True, True]

    run(main())


def test_barge_in_and_stop_pass_a_running_tool() -> None:
    async def main():
        async def forever(call):
            await asyncio.Event().wait()

        tools = FakeTools(forever=forever)
        rig = Rig(tools=tools)
        async with rig.running() as task:
            calls = (ToolCall("c1", "forever", "{}"),)
            rig.connection.feed(f.ResponseStarted("r1"), audio(3000), f.ResponseFinished("r1", COMPLETED, calls))
            await rig.until(lambda: rig.speaker.played_samples > 0)
            rig.connection.feed(f.SpeechStarted())
            await rig.until(lambda: rig.of(AssistantInterruptedEvent), within_s=0.5)
            rig.session.post(StopAsked())
            async with asyncio.timeout(0.5):
                end = await task
        assert end.reason is EndReason.STOPPED
        assert tools.cancelled == ["c1"]

    run(main())


def test_the_agent_falls_silent_at_once_when_stopped_though_a_tool_clings() -> None:
    class FarSpeaker(FakeSpeaker):
        """Is given everything ahead of its time, as pages and media players are."""

        async def play_chunk(self, pcm):
            self._settle()
            self._queued += len(pcm) // 2

    async def main():
        released = asyncio.Event()

        async def cling(call):
            while not released.is_set():
                try:
                    await released.wait()
                except asyncio.CancelledError:
                    continue

        rig = Rig(tools=FakeTools(cling=cling), speaker=FarSpeaker())
        async with rig.running() as task:
            calls = (ToolCall("c1", "cling", "{}"),)
            rig.connection.feed(f.ResponseStarted("r1"), audio(3000), f.ResponseFinished("r1", COMPLETED, calls))
            await rig.until(lambda: rig.tools.calls and rig.speaker.played_samples > 0)
            rig.session.post(StopAsked())
            try:
                await rig.until(lambda: not rig.speaker.is_playing, within_s=0.05)
                assert not task.done()
            finally:
                released.set()
            assert (await task).reason is EndReason.STOPPED
        assert rig.speaker.played_samples < 24_000

    run(main())


def test_a_speaker_that_never_falls_silent_does_not_keep_the_session_from_ending() -> None:
    class Endless(FakeSpeaker):
        async def clear_buffer(self):
            await asyncio.Event().wait()

    async def main():
        rig = Rig(speaker=Endless())
        async with rig.running() as task:
            rig.connection.feed(f.ResponseStarted("r1"), audio(3000))
            await rig.until(lambda: rig.speaker.played_samples > 0)
            rig.session.post(StopAsked())
            async with asyncio.timeout(3 * DEVICE_STOP_S):
                assert (await task).reason is EndReason.STOPPED

    run(main())


def test_socket_cut_for_good_in_the_middle_of_an_answer_ends_the_session() -> None:
    async def main():
        rig = Rig(provider=FakeProvider(later=[unreachable()]))
        async with rig.running() as task:
            rig.connection.feed(f.ResponseStarted("r1"), audio(3000), lost())
            end = await task
        assert (end.reason, end.established) == (EndReason.CONNECTION_LOST, True)
        assert rig.mic.stops == 1
        assert rig.speaker.stops == 1
        assert rig.provider.open == 0
        assert rig.provider.attempts == 6
        assert rig.of(AgentErrorEvent)

    run(main())


def test_failing_send_breaks_the_link() -> None:
    async def main():
        rig = Rig()
        async with rig.running():
            rig.connection.send_error = lost()
            rig.session.post(SayAsked("Hi"))
            await rig.until(lambda: len(rig.provider.connections) == 2)
            await rig.until(lambda: rig.connection.sent(e.CreateResponse))

    run(main())


def test_the_reading_side_says_why_the_link_broke() -> None:
    async def main():
        rig = Rig()
        async with rig.running() as task:
            rig.connection.send_error = lost()
            rig.session.post(SayAsked("Hi"))
            await asyncio.sleep(0.1)
            rig.connection.feed(QuotaExceededError("No credit"))
            assert (await task).reason is EndReason.QUOTA_EXCEEDED

    run(main())


def test_stalled_socket_does_not_hold_up_the_conversation() -> None:
    async def main():
        rig = Rig()
        async with rig.running() as task:
            rig.connection.stalled.clear()
            rig.session.post(SayAsked("Hi"))
            await asyncio.sleep(1)
            rig.session.post(StopAsked())
            async with asyncio.timeout(0.5):
                assert (await task).reason is EndReason.STOPPED

    run(main())


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"provider": FakeProvider(error=AuthenticationError("Wrong key"))}, EndReason.AUTHENTICATION_FAILED),
        ({"mic": lambda: FakeMicrophone(error=SourceError("No microphone"))}, EndReason.DEVICE_FAILED),
        ({"speaker": lambda: FakeSpeaker(error=SinkError("No speaker"))}, EndReason.DEVICE_FAILED),
        ({"mic": lambda: FakeMicrophone(start_s=100)}, EndReason.DEVICE_FAILED),
        ({"speaker": lambda: FakeSpeaker(start_s=100)}, EndReason.DEVICE_FAILED),
        ({"provider": FakeProvider(error=RuntimeError("A bug"))}, EndReason.ERROR),
    ],
)
def test_what_makes_a_session_impossible_ends_it_and_closes_everything(overrides, reason) -> None:
    async def main() -> SessionEnd:
        rig = Rig(**{name: value() if callable(value) else value for name, value in overrides.items()})
        async with asyncio.timeout(30):
            end = await rig.session.run()
        assert rig.mic.stops == 1
        assert rig.speaker.stops == 1
        return end

    end = run(main())
    assert (end.reason, end.established) == (reason, False)
    assert end.error is not None


def test_microphone_unplugged_in_the_middle_ends_the_session() -> None:
    async def main():
        rig = Rig(mic=FakeMicrophone(fails_after=50))
        async with rig.running() as task:
            end = await task
        assert (end.reason, end.established) == (EndReason.DEVICE_FAILED, True)

    run(main())


def test_device_that_does_not_close_does_not_keep_the_session_from_ending() -> None:
    class Stuck(FakeMicrophone):
        async def stop(self):
            await super().stop()
            await asyncio.Event().wait()

    async def main():
        rig = Rig(mic=Stuck())
        async with rig.running():
            pass
        assert rig.speaker.stops == 1

    run(main())


def test_stop_while_connecting() -> None:
    async def main():
        rig = Rig(provider=FakeProvider(delay_s=1000))
        task = asyncio.create_task(rig.session.run())
        await asyncio.sleep(1)
        rig.session.post(StopAsked())
        async with asyncio.timeout(1):
            end = await task
        assert (end.reason, end.established, end.error) == (EndReason.STOPPED, False, None)

    run(main())


def test_cancelling_closes_everything() -> None:
    async def main():
        rig = Rig()
        async with rig.running() as task:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert (rig.mic.stops, rig.speaker.stops, rig.provider.open) == (1, 1, 0)

    run(main())


def test_muted_microphone_sends_silence() -> None:
    async def main():
        rig = Rig(provider=FakeProvider(delay_s=0))
        rig.session.post(MuteChanged(muted=True))
        async with rig.running():
            await rig.until(lambda: len(rig.connection.audio) > 5)
            assert not any(b"".join(rig.connection.audio))
            assert rig.session.input_level_dbfs < -90
            rig.session.post(MuteChanged(muted=False))
            await rig.until(lambda: any(b"".join(rig.connection.audio)))

    run(main())


def test_inactivity_counts_down_in_real_seconds() -> None:
    async def main():
        rig = Rig(limits=SessionLimits(inactivity_timeout_s=30.0))
        async with rig.running() as task:
            loop = asyncio.get_running_loop()
            began = loop.time()
            end = await task
            assert 29.9 < loop.time() - began < 30.1
        assert end.reason is EndReason.INACTIVITY
        assert [event.remaining_seconds for event in rig.of(UserInactivityCountdownEvent)] == [5, 4, 3, 2, 1]

    run(main())


def test_flood_of_events_waits_for_the_conversation_and_loses_nothing() -> None:
    async def main():
        rig = Rig()
        async with rig.running():
            rig.connection.feed(f.ResponseStarted("r1"))
            rig.connection.feed(*(f.TranscriptDelta("r1", "i1", 0, "x") for _ in range(5000)))
            await rig.until(lambda: rig.session.messages and len(rig.session.messages[0].text) == 5000)

    run(main())


def test_nothing_is_left_behind() -> None:
    threads = threading.active_count()
    sessions = []

    async def main():
        for _ in range(20):
            rig = Rig()
            sessions.append(weakref.ref(rig.session))
            async with rig.running():
                rig.connection.feed(f.ResponseStarted("r1"), audio(1000))
                await rig.until(lambda rig=rig: rig.speaker.played_samples > 0)

    run(main())
    gc.collect()
    assert [session() for session in sessions] == [None] * 20
    assert threading.active_count() == threads


def test_with_echo_cancellation_the_microphone_s_frames_all_arrive_and_the_thread_ends() -> None:
    threads = threading.active_count()

    async def main():
        rig = Rig(limits=SessionLimits(echo_cancellation=True))
        async with rig.running():
            rig.connection.feed(f.ResponseStarted("r1"), audio(500), f.ResponseFinished("r1", COMPLETED))
            await rig.until(lambda: rig.speaker.played_samples >= 12_000)
            await rig.until(lambda: len(rig.connection.audio) > 60)
        assert {len(frame) for frame in rig.connection.audio} == {FRAME}

    with asyncio.Runner() as runner:
        runner.run(main())
    assert threading.active_count() == threads


def test_a_turn_is_committed_behind_its_audio_and_answered_when_asked_for() -> None:
    async def main():
        rig = Rig(provider=FakeProvider(delay_s=1.0), options=SessionOptions(turn_detection=PushToTalk()))
        sent = []
        async with rig.running():
            forwarded = len(rig.connection.audio)
            rig.session.post(TurnEnded(respond=False))
            await rig.until(lambda: rig.connection.sent(e.CommitInput))
            sent.append(len(rig.connection.audio))
            assert not rig.connection.sent(e.CreateResponse)
            rig.session.post(ResponseAsked())
            await rig.until(lambda: rig.connection.sent(e.CreateResponse))
        return forwarded, sent[0]

    forwarded, sent = run(main())
    # What was captured while the provider was being connected, a second of it, is part of the turn.
    assert sent >= max(forwarded, 45)


def test_an_answer_is_composed_when_the_speaker_was_given_all_of_it() -> None:
    async def main():
        async def tool(call):
            return ToolOutcome("{}")

        rig = Rig(speaker=HandSpeaker(), tools=FakeTools(tool=tool))
        async with rig.running():
            await rig.session.wait_composed()
            rig.session.post(ResponseAsked())
            waiting = asyncio.create_task(rig.session.wait_composed())
            await rig.until(lambda: rig.connection.sent(e.CreateResponse))
            call = ToolCall("c1", "tool", "{}")
            rig.connection.feed(f.ResponseStarted("r1", "response-1"), audio(500))
            rig.connection.feed(f.ResponseFinished("r1", COMPLETED, (call,)))
            await rig.until(lambda: rig.connection.sent(e.CreateResponse)[1:])
            assert not waiting.done()
            rig.connection.feed(f.ResponseStarted("r2", "response-2"), audio(500, "r2", "i2"))
            rig.connection.feed(f.ResponseFinished("r2", COMPLETED))
            await waiting
            assert len(b"".join(rig.speaker.given)) == 48_000
            assert rig.speaker.played_samples == 0
            rig.session.post(ResponseAsked())
            waiting = asyncio.create_task(rig.session.wait_composed())
            await asyncio.sleep(0.1)
        with pytest.raises(SessionClosedError):
            await waiting
        with pytest.raises(SessionClosedError):
            await rig.session.wait_composed()

    run(main())
