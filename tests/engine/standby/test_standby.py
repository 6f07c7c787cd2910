"""The wake word wakes the agent, again and again, and nothing of what follows it is lost."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from custom_components.rtvoice.engine import (
    AgentError,
    AgentErrorEvent,
    AgentResult,
    AgentState,
    AssistantInterruptedEvent,
    AuthenticationError,
    Cues,
    Detection,
    DeviceError,
    EndReason,
    EventBus,
    Inject,
    InProcessDetector,
    OpenMicrophone,
    RealtimeAgent,
    SessionEvent,
    SinkError,
    SourceError,
    StandBy,
    StandByArmedEvent,
    StandByErrorEvent,
    Tools,
    WakeWordDetectedEvent,
)
from custom_components.rtvoice.engine.conversation import effects as e
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.values import ResponseStatus, ToolCall
from custom_components.rtvoice.engine.standby import standby as standby_module

from ..fakes import FakeConnection, FakeProvider, FakeSpeaker, unreachable
from ..virtual_time import run
from .fakes import RATE, CountingMicrophone, NumberDetector, number

WOKEN = WakeWordDetectedEvent("okay nabu")
SILENCED = WakeWordDetectedEvent("okay nabu", interrupting=True)
SPEECH = bytes([1]) * 24_000 * 2 * 10


class Rig:
    """An agent that stands by."""

    def __init__(self, *words: int, late: int = 0, **settings: object) -> None:
        said = {word + n for word in words for n in range(-30, settings.pop("breath", 0) + 1)}
        self.device = settings.pop("device", None) or CountingMicrophone(voice=said)
        self.microphone = OpenMicrophone(self.device)
        self.speaker = settings.pop("speaker", None) or FakeSpeaker()
        self.provider = settings.pop("provider", None) or FakeProvider()
        self.detector = settings.pop("detector", None) or NumberDetector(*words, late=late)
        bus = EventBus()
        bus.subscribe(SessionEvent, self._see)
        interrupt = settings.pop("interrupt", True)
        self.agent = RealtimeAgent(
            provider=self.provider,
            audio_input=self.microphone,
            audio_output=self.speaker,
            event_bus=bus,
            **settings,
        )
        self.stand_by = StandBy(self.agent, self.microphone, self.detector, interrupt=interrupt, event_bus=bus)
        self.events: list[SessionEvent] = []
        self.task: asyncio.Task[None] | None = None

    async def _see(self, event: SessionEvent) -> None:
        self.events.append(event)

    def of[T](self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def connection(self) -> FakeConnection:
        return self.provider.connection

    async def until(self, condition) -> None:
        async with asyncio.timeout(600):
            while not condition():
                await asyncio.sleep(0.005)

    async def start(self) -> None:
        self.task = asyncio.create_task(self.stand_by.run())
        await asyncio.sleep(0)

    async def in_session(self, count: int = 1) -> None:
        await self.until(lambda: len(self.provider.connections) == count)
        await self.until(lambda: self.agent.state is AgentState.LISTENING)

    async def armed(self, count: int) -> None:
        await self.until(lambda: len(self.of(StandByArmedEvent)) == count)

    async def speaks(self) -> None:
        self.connection.feed(f.ResponseStarted("r1"), f.AudioDelta("r1", "i1", 0, SPEECH))
        await self.until(lambda: self.agent.state is AgentState.SPEAKING)

    def heard(self) -> list[int]:
        """The numbers of the frames that the present session has sent; 0 is silence."""
        return [number(frame) for frame in self.connection.audio]

    async def stop(self) -> None:
        async with asyncio.timeout(10):
            await self.stand_by.stop()
            await self.task
        assert not self.device.is_active
        assert self.device.stops == self.device.starts
        assert self.provider.open == 0


@pytest.mark.parametrize("late", [0, 5, 20, 60])
def test_session_after_session_begins_right_behind_the_wake_word(late: int) -> None:
    async def main():
        rig = Rig(50, 500, 1000, late=late, provider=FakeProvider(delay_s=0.7))
        await rig.start()
        for count, word in enumerate((50, 500, 1000), 1):
            await rig.in_session(count)
            await rig.until(lambda: len(rig.connection.audio) >= 100)
            assert rig.heard()[:100] == [*range(word + 1, word + 101)]
            await rig.agent.stop()
            await rig.armed(count + 1)
            assert rig.agent.state is AgentState.IDLE
        assert (rig.device.starts, rig.device.is_active) == (1, True)
        assert rig.of(WakeWordDetectedEvent) == [WOKEN] * 3
        assert not rig.of(StandByErrorEvent)
        await rig.stop()

    run(main())


@pytest.mark.parametrize("late", [0, 5, 20])
def test_who_speaks_on_in_one_breath_loses_no_word(late: int) -> None:
    async def main():
        rig = Rig(50, late=late, breath=100)
        rig.detector.knows_when = late == 5
        await rig.start()
        await rig.in_session()
        await rig.until(lambda: len(rig.connection.audio) >= 100)
        first = (50 if rig.detector.knows_when else 50 + late) + 1 - 25
        assert first <= 51
        assert rig.heard()[:100] == [*range(first, first + 100)]
        await rig.stop()

    run(main())


def test_nothing_is_heard_from_before_it_was_armed() -> None:
    async def main():
        rig = Rig(10, breath=100)
        await rig.start()
        await rig.in_session()
        await rig.until(lambda: len(rig.connection.audio) >= 100)
        assert rig.heard()[:100] == [*range(1, 101)]
        assert rig.microphone.dropped_samples == 0
        await rig.stop()

    run(main())


def test_a_detector_in_a_thread_wakes_it_too() -> None:
    async def main():
        detector = InProcessDetector(lambda: lambda frame: number(frame) == 100, phrase="okay nabu", sample_rate=RATE)
        rig = Rig(100, detector=detector)
        await rig.start()
        await rig.in_session()
        await rig.until(lambda: len(rig.connection.audio) >= 10)
        assert rig.heard()[:10] == [*range(101, 111)]
        assert rig.of(WakeWordDetectedEvent) == [WOKEN]
        await rig.stop()

    run(main())


def test_the_cue_is_heard_at_once_and_hides_no_word() -> None:
    async def main():
        rig = Rig(50, cues=Cues(at_once=True), provider=FakeProvider(delay_s=2))
        await rig.start()
        await rig.until(lambda: rig.device.captured == 60)
        assert rig.speaker.played_samples > 0
        await rig.in_session()
        await rig.until(lambda: len(rig.connection.audio) >= 100)
        assert rig.heard()[:100] == [*range(51, 151)]
        await rig.stop()

    run(main())


def test_the_wake_word_silences_an_agent_that_hears() -> None:
    async def main():
        rig = Rig(50, 150)
        await rig.start()
        await rig.in_session()
        await rig.speaks()
        await rig.until(lambda: rig.of(AssistantInterruptedEvent))
        assert 150 <= rig.device.captured <= 152
        assert not rig.speaker.is_playing
        await rig.until(lambda: len(rig.connection.audio) >= 150)
        assert rig.heard() == [*range(51, 51 + len(rig.connection.audio))], "nothing is sent twice"
        assert rig.of(WakeWordDetectedEvent) == [WOKEN, SILENCED]
        assert len(rig.provider.connections) == 1
        await rig.stop()

    run(main())


@pytest.mark.parametrize("late", [0, 5, 20])
def test_the_wake_word_opens_a_microphone_that_is_closed_while_the_agent_speaks(late: int) -> None:
    async def main():
        rig = Rig(50, 250, late=late, half_duplex=True)
        await rig.start()
        await rig.in_session()
        await rig.speaks()
        await rig.until(lambda: rig.of(AssistantInterruptedEvent))
        await rig.until(lambda: rig.device.captured == 400)
        heard = rig.heard()
        closed, opened = heard.index(0), len(heard) - heard[::-1].index(0)
        assert heard[:closed] == [*range(51, 51 + closed)]
        assert set(heard[closed:opened]) == {0}, "it was closed while the agent spoke"
        first = 251 if late == 20 else 250 + late + 1 - 25
        assert abs(heard[opened] - first) <= 1, "behind the wake word, or with some of it where no pause is known yet"
        assert heard[opened:] == [*range(heard[opened], heard[-1] + 1)]
        await rig.stop()

    run(main())


def test_a_wake_word_while_nobody_speaks_changes_nothing() -> None:
    async def main():
        rig = Rig(50, 100)
        await rig.start()
        await rig.in_session()
        await rig.until(lambda: rig.device.captured == 200)
        assert rig.of(WakeWordDetectedEvent) == [WOKEN]
        assert rig.agent.state is AgentState.LISTENING
        await rig.stop()

    run(main())


def test_the_agent_is_not_silenced_where_that_is_not_wanted() -> None:
    async def main():
        rig = Rig(50, 150, interrupt=False)
        await rig.start()
        await rig.in_session()
        assert not rig.detector.listening
        await rig.speaks()
        await rig.until(lambda: rig.device.captured == 200)
        assert rig.agent.state is AgentState.SPEAKING
        assert not rig.of(AssistantInterruptedEvent)
        await rig.stop()

    run(main())


def test_a_session_that_somebody_else_began_is_silenced_and_not_begun_again() -> None:
    async def main():
        rig = Rig(50, 150)
        await rig.start()
        session = asyncio.create_task(rig.agent.run())
        await rig.in_session()
        await rig.until(lambda: rig.device.captured == 60)
        assert not rig.of(WakeWordDetectedEvent)
        await rig.speaks()
        await rig.until(lambda: rig.of(AssistantInterruptedEvent))
        assert rig.of(WakeWordDetectedEvent) == [SILENCED]
        await rig.agent.stop()
        assert (await session).end_reason is EndReason.STOPPED
        await rig.stop()

    run(main())


def test_errors_of_sessions_are_told_and_it_stands_by_again_more_and_more_patiently() -> None:
    async def main():
        refusals = [AuthenticationError("Wrong key", code="invalid_api_key"), unreachable(), unreachable(), None]
        words = range(50, 3000, 2)
        rig = Rig(*words, provider=FakeProvider(error=refusals[0], later=refusals[1:]))
        await rig.start()
        await rig.in_session()
        errors = rig.of(StandByErrorEvent)
        assert errors[0].error == AgentError("authentication_failed", "Wrong key", "invalid_api_key")
        assert [event.retry_after_s for event in errors] == [0.0, 1.0, 2.0]
        assert len(rig.of(WakeWordDetectedEvent)) == 4
        rig.provider.later = [unreachable()]
        await rig.agent.stop()
        await rig.until(lambda: len(rig.of(StandByErrorEvent)) == 4)
        assert rig.of(StandByErrorEvent)[-1].retry_after_s == 0.0, "a session that worked starts it anew"
        await rig.stop()

    run(main())


def test_a_detector_that_fails_is_asked_again_more_and_more_patiently(caplog: pytest.LogCaptureFixture) -> None:
    async def main():
        rig = Rig(1000)
        rig.detector.failures = [None, SourceError("The wake word server is away"), ZeroDivisionError("broken model")]
        began_s = asyncio.get_running_loop().time()
        await rig.start()
        await rig.in_session()
        assert rig.detector.armings == 5, "three failures, the wake word, and the session's own"
        assert asyncio.get_running_loop().time() - began_s > 7
        assert [event.error.message for event in rig.of(StandByErrorEvent)] == [
            "The wake word detector gave up",
            "The wake word server is away",
            "Unexpected ZeroDivisionError of the wake word detector",
        ]
        assert [event.retry_after_s for event in rig.of(StandByErrorEvent)] == [1.0, 2.0, 4.0]
        await rig.stop()

    run(main())
    assert "broken model" in caplog.text


def test_a_detector_that_fails_after_it_has_long_listened_is_asked_again_soon() -> None:
    class Restarted(NumberDetector):
        """Gives up every so many frames, as a server that is restarted does."""

        async def detect(self, frames: AsyncIterator[bytes]) -> Detection | None:
            for _ in range(50 * 61):
                await anext(frames)
            return None

    async def main():
        rig = Rig(detector=Restarted())
        await rig.start()
        await rig.until(lambda: len(rig.of(StandByErrorEvent)) == 4)
        assert [event.retry_after_s for event in rig.of(StandByErrorEvent)] == [1.0] * 4
        await rig.stop()

    run(main())


def test_a_detector_that_fails_in_a_session_does_not_disturb_it() -> None:
    async def main():
        rig = Rig(50, 400)
        await rig.start()
        await rig.until(lambda: rig.detector.listening)
        rig.detector.failures = [None]
        await rig.in_session()
        await rig.until(lambda: rig.of(StandByErrorEvent))
        await rig.speaks()
        await rig.until(lambda: rig.of(AssistantInterruptedEvent))
        await rig.stop()

    run(main())


def test_an_unplugged_microphone_ends_it() -> None:
    async def main():
        rig = Rig()
        await rig.start()
        await asyncio.sleep(1)
        rig.device.unplug()
        with pytest.raises(SourceError, match="unplugged"):
            await rig.task
        assert not rig.stand_by.is_running
        await rig.stand_by.stop()
        assert rig.device.stops == 1

    run(main())


def test_a_microphone_that_is_unplugged_in_a_session_ends_it() -> None:
    async def main():
        rig = Rig(50)
        await rig.start()
        await rig.in_session()
        rig.device.unplug()
        with pytest.raises(SourceError, match="unplugged"):
            await rig.task
        assert rig.agent.state is AgentState.IDLE
        assert rig.of(AgentErrorEvent)

    run(main())


class LostSpeaker(FakeSpeaker):
    """A speaker that is unplugged."""

    lost = False

    async def play_chunk(self, pcm: bytes) -> None:
        if self.lost:
            raise SinkError("The speaker was unplugged")
        await super().play_chunk(pcm)


def test_a_speaker_that_fails_ends_it() -> None:
    async def main():
        rig = Rig(50, speaker=LostSpeaker(error=SinkError("busy")))
        await rig.start()
        with pytest.raises(SinkError, match="busy"):
            await rig.task
        rig = Rig(50, speaker=LostSpeaker())
        await rig.start()
        await rig.in_session()
        rig.speaker.lost = True
        rig.connection.feed(f.ResponseStarted("r1"), f.AudioDelta("r1", "i1", 0, SPEECH))
        with pytest.raises(DeviceError, match="stopped working"):
            await rig.task

    run(main())


def test_a_microphone_that_does_not_open_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby_module, "MICROPHONE_START_S", 1.0)

    async def main():
        rig = Rig(device=CountingMicrophone(start_s=1000))
        await rig.start()
        with pytest.raises(SourceError, match="did not open in time"):
            await rig.task
        rig.device.start_s = 0.5
        await rig.start()
        await asyncio.sleep(5)
        assert rig.stand_by.is_running, "the limit is one for opening"
        await rig.stand_by.stop()
        await rig.task

    run(main())


@pytest.mark.parametrize("when", ["armed", "waiting", "connecting", "in session", "resting"])
def test_it_stops_at_any_time(when: str) -> None:
    async def main():
        error = unreachable() if when == "resting" else None
        rig = Rig(50, provider=FakeProvider(delay_s=1, error=error, later=(error,)))
        if when == "waiting":
            rig.detector.failures = [None] * 9
        await rig.start()
        match when:
            case "armed":
                await asyncio.sleep(0.5)
            case "waiting":
                await rig.until(lambda: len(rig.of(StandByErrorEvent)) == 5)
            case "connecting":
                await rig.until(lambda: rig.agent.state is AgentState.CONNECTING)
            case "resting":
                rig.detector.words |= set(range(50, 500))
                await rig.until(lambda: len(rig.of(StandByErrorEvent)) == 4)
            case _:
                await rig.in_session()
        began_s = asyncio.get_running_loop().time()
        await asyncio.gather(rig.stand_by.stop(), rig.stand_by.stop())
        assert asyncio.get_running_loop().time() - began_s < 0.5
        assert rig.task.done()
        await rig.stop()
        assert not rig.stand_by.is_running

    run(main())


def test_it_stops_at_once_when_it_has_just_begun() -> None:
    async def main():
        rig = Rig()
        await rig.start()
        await rig.stop()

    run(main())


def test_it_may_run_again_but_not_twice_at_once() -> None:
    async def main():
        rig = Rig(50, 300)
        await rig.stand_by.stop()
        for _ in range(2):
            await rig.start()
            with pytest.raises(RuntimeError, match="stands by already"):
                await rig.stand_by.run()
            await asyncio.sleep(0.5)
            await rig.stop()
        assert rig.device.starts == 2

    run(main())


def test_a_tool_and_an_observer_may_stop_it() -> None:
    async def main(by_tool: bool):
        tools = Tools()
        rig = Rig(50, tools=tools)
        stopped = []

        @tools.action("Go to sleep for good")
        async def sleep(agent: Inject[RealtimeAgent]) -> str:
            await rig.stand_by.stop()
            stopped.append(agent)
            return "Good night"

        async def stop(event: WakeWordDetectedEvent) -> None:
            await rig.stand_by.stop()
            stopped.append(event)

        if by_tool:
            await rig.agent.update_tools(tools)
        else:
            rig.agent.event_bus.subscribe(WakeWordDetectedEvent, stop)
        await rig.start()
        if by_tool:
            await rig.in_session()
            calls = (ToolCall("c1", "sleep", "{}"),)
            rig.connection.feed(f.ResponseStarted("r1"), f.ResponseFinished("r1", ResponseStatus.COMPLETED, calls))
        async with asyncio.timeout(10):
            await rig.task
        assert len(stopped) == 1
        assert not rig.device.is_active
        assert not rig.connection.sent(e.SendToolOutput)

    run(main(by_tool=True))
    run(main(by_tool=False))


@pytest.mark.parametrize("in_session", [False, True])
def test_it_may_be_cancelled(in_session: bool) -> None:
    async def main():
        rig = Rig(50)
        await rig.start()
        if in_session:
            await rig.in_session()
        else:
            await asyncio.sleep(0.5)
        rig.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rig.task
        assert (rig.device.is_active, rig.agent.state, rig.provider.open) == (False, AgentState.IDLE, 0)

    run(main())


class Stubborn(NumberDetector):
    """Says that it heard the wake word when it is told to stop."""

    async def detect(self, frames):
        try:
            return await super().detect(frames)
        except asyncio.CancelledError:
            self.words = set(range(10_000))
            return await super().detect(frames)


def test_a_detector_that_will_not_be_stopped_wakes_nobody() -> None:
    async def main():
        rig = Rig(detector=Stubborn())
        await rig.start()
        await asyncio.sleep(0.5)
        await rig.stop()
        assert not rig.of(WakeWordDetectedEvent)

    run(main())


def test_sessions_that_end_by_themselves_are_no_errors(caplog: pytest.LogCaptureFixture) -> None:
    async def main():
        rig = Rig(50, 1500, inactivity_timeout_seconds=5, inactivity_timeout_enabled=True)
        await rig.start()
        await rig.armed(2)
        await rig.armed(3)
        assert not rig.of(StandByErrorEvent)
        await rig.stop()

    with caplog.at_level(logging.WARNING):
        run(main())
    assert caplog.text == ""


class Hoarse:
    """Somebody who speaks and cannot be silenced."""

    def __init__(self, microphone: OpenMicrophone) -> None:
        self.microphone = microphone
        self.state = AgentState.IDLE

    async def run(self) -> AgentResult:
        self.state = AgentState.SPEAKING
        await self.microphone.start()
        await self.microphone.start()
        await asyncio.sleep(5)
        await self.microphone.stop()
        self.state = AgentState.IDLE
        return AgentResult(turns=[])

    async def interrupt(self, *, heard_s: float | None = None) -> None:
        raise RuntimeError("no voice")

    async def stop(self) -> None:
        raise AssertionError("nobody stops it")


def test_what_goes_wrong_unexpectedly_is_not_hidden() -> None:
    async def main():
        device = CountingMicrophone()
        microphone = OpenMicrophone(device)
        with pytest.raises(RuntimeError, match="no voice"):
            await StandBy(Hoarse(microphone), microphone, NumberDetector(50, 100)).run()
        assert not device.is_active

    run(main())
