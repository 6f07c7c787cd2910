import asyncio
import gc
import warnings
import weakref
from decimal import Decimal

import pytest

from custom_components.rtvoice.engine import (
    AgentListener,
    AgentStartingEvent,
    AgentState,
    AgentStoppedEvent,
    AuthenticationError,
    ConfigureSessionCommand,
    ConversationHistory,
    ConversationTurn,
    EndReason,
    EventBus,
    Inject,
    InterruptCommand,
    OpenAIProvider,
    RealtimeAgent,
    RealtimeModel,
    SemanticVAD,
    SessionClosedError,
    SessionEvent,
    StartAgentCommand,
    StopAgentCommand,
    TokenBudget,
    ToolExecutionStartedEvent,
    Tools,
    TranscriptionModel,
    UpdateSessionToolsCommand,
    UpdateSpeechSpeedCommand,
    UpdateToolChoiceCommand,
    UsageEvent,
    add_wait_for_user,
)
from custom_components.rtvoice.engine.conversation import effects as e
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.values import (
    ItemKind,
    NewItem,
    ResponseStatus,
    ResponseUsage,
    TokenCount,
    ToolCall,
)
from custom_components.rtvoice.engine.errors import SinkError
from custom_components.rtvoice.engine.options import OutputModality
from custom_components.rtvoice.engine.run import BUDGET_FAREWELL

from .fakes import FakeMicrophone, FakeProvider, FakeSpeaker, lost, unreachable
from .virtual_time import run

COMPLETED = ResponseStatus.COMPLETED


class Rig:
    def __init__(self, **settings):
        self.provider = settings.pop("provider", None) or FakeProvider()
        self.bus = EventBus()
        self.events = []
        self.bus.subscribe(SessionEvent, self._see)
        self.agent = RealtimeAgent(
            provider=self.provider,
            audio_input=settings.pop("audio_input", None) or FakeMicrophone(),
            audio_output=settings.pop("audio_output", None) or FakeSpeaker(),
            event_bus=self.bus,
            **settings,
        )

    async def _see(self, event):
        self.events.append(event)

    async def start(self):
        task = asyncio.create_task(self.agent.run())
        await self.until(lambda: self.agent.state is AgentState.LISTENING)
        return task

    async def until(self, condition):
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.005)

    def call(self, name, arguments="{}"):
        calls = (ToolCall("c1", name, arguments),)
        self.provider.connection.feed(f.ResponseStarted("r1"), f.ResponseFinished("r1", COMPLETED, calls))


def test_a_run_has_a_result() -> None:
    async def main():
        rig = Rig()
        task = await rig.start()
        usage = ResponseUsage(TokenCount(text=3, audio=5), TokenCount(), TokenCount(text=1, audio=2))
        rig.provider.connection.feed(
            f.TurnCommitted("u1"),
            f.ResponseStarted("r1"),
            f.AudioDelta("r1", "i1", 0, bytes(4800)),
            f.TranscriptFinished("r1", "i1", 0, "It is on."),
            f.ResponseFinished("r1", COMPLETED, usage=usage),
            f.UserTranscriptFinished("u1", "Turn it on."),
        )
        await rig.until(lambda: len(rig.agent.turns) == 2 and rig.agent.turns[0].transcript)
        await asyncio.sleep(1)
        await rig.agent.stop()
        assert task.done()
        result = await task
        assert [(turn.role, turn.transcript) for turn in result.turns] == [
            ("user", "Turn it on."),
            ("assistant", "It is on."),
        ]
        assert result.end_reason is EndReason.STOPPED
        assert result.duration_seconds > 1
        assert result.usage.total == 11
        assert result.recording_path is None
        assert result.turns[0].started_at is not None
        assert any(isinstance(event, UsageEvent) for event in rig.events)
        assert isinstance(rig.events[0], AgentStartingEvent)
        assert rig.events[-1] == AgentStoppedEvent(EndReason.STOPPED)
        assert rig.agent.state is AgentState.IDLE

    run(main())


def test_an_agent_can_run_again() -> None:
    async def main():
        rig = Rig()
        for _ in range(2):
            task = await rig.start()
            await rig.agent.stop()
            assert (await task).end_reason is EndReason.STOPPED
        assert sum(isinstance(event, AgentStoppedEvent) for event in rig.events) == 2

    run(main())


def test_running_twice_at_once_is_refused() -> None:
    async def main():
        rig = Rig()
        await rig.start()
        with pytest.raises(RuntimeError, match="running already"):
            await rig.agent.run()
        await rig.agent.stop()

    run(main())


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"provider": FakeProvider(error=AuthenticationError("Wrong key"))}, AuthenticationError),
        ({"audio_output": FakeSpeaker(error=SinkError("No speaker"))}, SinkError),
    ],
)
def test_run_raises_what_made_the_session_impossible(settings, error) -> None:
    async def main():
        rig = Rig(**settings)
        with pytest.raises(error):
            await rig.agent.run()
        assert isinstance(rig.events[-1], AgentStoppedEvent)
        assert rig.agent.state is AgentState.IDLE

    run(main())


def test_an_error_later_on_is_the_end_reason() -> None:
    async def main():
        rig = Rig(provider=FakeProvider(later=[unreachable()]))
        task = await rig.start()
        rig.provider.connection.feed(lost())
        assert (await task).end_reason is EndReason.CONNECTION_LOST

    run(main())


def test_what_was_begun_in_a_session_and_outlives_it_does_not_keep_it_in_memory() -> None:
    async def main():
        tools, begun = Tools(), []

        @tools.action("Begin something")
        async def begin() -> str:
            begun.append(asyncio.create_task(asyncio.sleep(1000)))
            return "begun"

        rig = Rig(tools=tools)
        task = await rig.start()
        session = weakref.ref(rig.agent._run._session)
        rig.call("begin")
        await rig.until(lambda: begun)
        await rig.agent.stop()
        await task
        del task
        await asyncio.sleep(1)
        gc.collect()
        assert session() is None
        begun[0].cancel()

    run(main())


def test_stop_without_a_session_does_nothing() -> None:
    async def main():
        rig = Rig()
        await rig.agent.stop()
        await rig.agent.interrupt()

    run(main())


def test_stop_from_inside_a_tool() -> None:
    async def main():
        tools = Tools()

        @tools.action("Hang up")
        async def hang_up(agent: Inject[RealtimeAgent]) -> str:
            await agent.stop()
            return "Bye"

        rig = Rig(tools=tools)
        task = await rig.start()
        rig.call("hang_up")
        assert (await task).end_reason is EndReason.STOPPED

    run(main())


def test_stop_from_inside_a_listener_and_a_subscriber() -> None:
    class Impatient(AgentListener):
        agent: RealtimeAgent

        async def on_agent_session_connected(self) -> None:
            await self.agent.stop()
            await self.agent.stop()

    async def main():
        listener = Impatient()
        rig = Rig(listener=listener)
        listener.agent = rig.agent
        assert (await rig.agent.run()).end_reason is EndReason.STOPPED

        rig = Rig()

        async def stop(event):
            await rig.agent.stop()

        rig.bus.subscribe(SessionEvent, stop)
        assert (await rig.agent.run()).end_reason is EndReason.STOPPED

    run(main())


def test_cancelling_run_stops_everything() -> None:
    async def main():
        rig = Rig()
        task = await rig.start()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert rig.events[-1] == AgentStoppedEvent(EndReason.STOPPED)
        assert rig.provider.open == 0

    run(main())


def test_methods_that_need_a_session_say_so() -> None:
    async def main():
        rig = Rig()
        for method in (rig.agent.say("Hi"), rig.agent.ask(), rig.agent.send_message("Hi"), rig.agent.commit_turn()):
            with pytest.raises(SessionClosedError):
                await method

    run(main())


def test_methods_reach_the_provider() -> None:
    async def main():
        rig = Rig(instructions="Base.")
        task = await rig.start()
        sent = rig.provider.connection.sent
        await rig.agent.send_message("Look", image="data:image/png;base64,AAAA")
        await rig.until(lambda: sent(e.CreateResponse))
        assert sent(e.AddItem) == [
            e.AddItem(NewItem(ItemKind.USER_MESSAGE, "Look", "data:image/png;base64,AAAA", "typed-1"))
        ]
        rig.provider.connection.feed(f.ResponseStarted("r1", "response-1"), f.ResponseFinished("r1", COMPLETED))
        await rig.agent.set_speech_speed(1.3)
        await rig.until(lambda: sent(e.UpdateSession))
        await rig.agent.say("Dinner")
        await rig.until(lambda: len(sent(e.CreateResponse)) == 2)
        await rig.agent.interrupt()
        rig.provider.connection.feed(f.ResponseStarted("r2", "response-2"))
        await rig.until(lambda: sent(e.CancelResponse))
        rig.provider.connection.feed(f.ResponseFinished("r2", ResponseStatus.CANCELLED))
        await rig.agent.ask("Greet.")
        await rig.until(lambda: len(sent(e.CreateResponse)) == 3)
        assert sent(e.CreateResponse)[-1].instructions == "Base.\n\nGreet."
        with pytest.raises(ValueError, match="data URL"):
            await rig.agent.send_message("x", image="http://example.org/cat.png")
        await rig.agent.commit_turn()
        await rig.agent.stop()
        await task

    run(main())


def test_speed_and_mute_set_before_a_run_are_kept_for_it() -> None:
    async def main():
        rig = Rig()
        with pytest.warns(UserWarning, match="clamped"):
            await rig.agent.set_speech_speed(9)
        await rig.agent.set_muted(True)
        task = await rig.start()
        await rig.until(lambda: len(rig.provider.connection.audio) > 5)
        assert rig.provider.options.speech_speed == 1.5
        assert not any(b"".join(rig.provider.connection.audio))
        await rig.agent.set_muted(False)
        await rig.until(lambda: any(rig.provider.connection.audio[-1]))
        await rig.agent.stop()
        await task

    run(main())


def test_commands_on_the_bus() -> None:
    async def main():
        tools = Tools()

        @tools.action("Speak faster and go")
        async def faster(bus: Inject[EventBus], history: Inject[ConversationHistory]) -> str:
            await bus.dispatch(UpdateSpeechSpeedCommand(1.2))
            await bus.dispatch(InterruptCommand())
            return history.format()

        rig = Rig(tools=tools)
        await rig.bus.dispatch(StopAgentCommand())
        task = await rig.start()
        rig.call("faster")
        sent = rig.provider.connection.sent
        await rig.until(lambda: sent(e.UpdateSession) and sent(e.SendToolOutput))
        assert sent(e.SendToolOutput) == [e.SendToolOutput("c1", "(no conversation yet)")]
        assert not sent(e.CreateResponse)
        await rig.bus.dispatch(StopAgentCommand(when_silent=True))
        assert (await task).end_reason is EndReason.STOPPED

    run(main())


def test_tools_change_in_a_running_session() -> None:
    async def main():
        rig = Rig()
        task = await rig.start()
        tools = Tools()

        @tools.action("New")
        async def new() -> None: ...

        await rig.agent.update_tools(tools)
        await rig.agent.update_tools(tools)
        await rig.until(lambda: rig.provider.connection.sent(e.UpdateSession))
        assert [tool.name for tool in rig.provider.connection.sent(e.UpdateSession)[0].tools] == ["new"]
        rig.call("new")
        await rig.until(lambda: rig.provider.connection.sent(e.SendToolOutput))
        await rig.agent.stop()
        await task

    run(main())


def test_context_is_injected() -> None:
    class House:
        name = "Rose Cottage"

    async def main():
        tools = Tools()

        @tools.action("Where are we?")
        async def where(house: Inject[House]) -> str:
            return house.name

        rig = Rig(tools=tools, context=House())
        task = await rig.start()
        rig.call("where")
        await rig.until(lambda: rig.provider.connection.sent(e.SendToolOutput))
        assert rig.provider.connection.sent(e.SendToolOutput)[0].output == "Rose Cottage"
        await rig.agent.stop()
        await task

    run(main())


def test_history_goes_first() -> None:
    async def main():
        history = [
            ConversationTurn(role="user", transcript="Hello"),
            ConversationTurn(role="assistant", transcript="Hi", interrupted=True),
            ConversationTurn(role="user", transcript=""),
        ]
        rig = Rig(history=history)
        task = await rig.start()
        await rig.until(lambda: len(rig.provider.connection.commands) == 2)
        assert rig.provider.connection.sent(e.AddItem) == [
            e.AddItem(NewItem(ItemKind.USER_MESSAGE, "Hello", item_id="earlier-0")),
            e.AddItem(NewItem(ItemKind.AGENT_MESSAGE, "Hi", item_id="earlier-1")),
        ]
        formatted = ConversationHistory(lambda: rig.agent.turns).format()
        assert formatted.splitlines()[:2] == ["[USER]: Hello", "[ASSISTANT]: Hi <INTERRUPTED>"]
        await rig.agent.stop()
        assert (await task).turns == []

    run(main())


def test_prewarm_may_be_repeated() -> None:
    async def main():
        rig = Rig()
        assert await rig.agent.prewarm() is rig.agent
        await rig.agent.prewarm()
        assert rig.provider.prewarmed == 2

    run(main())


def test_inactivity_ends_the_session() -> None:
    async def main():
        rig = Rig(inactivity_timeout_seconds=10, inactivity_timeout_enabled=True)
        assert (await rig.agent.run()).end_reason is EndReason.INACTIVITY

    run(main())


def test_contradictory_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="not both"):
        RealtimeAgent(provider=FakeProvider(), api_key="sk-x")
    with pytest.raises(ValueError, match="needs `inactivity_timeout_seconds`"):
        Rig(inactivity_timeout_enabled=True)
    with pytest.raises(ValueError, match="positive"):
        Rig(inactivity_timeout_seconds=0, inactivity_timeout_enabled=True)
    with pytest.raises(ValueError, match="max_output_tokens"):
        Rig(max_output_tokens=0)


@pytest.mark.parametrize(
    "settings",
    [
        {"model": RealtimeModel.GPT_REALTIME},
        {"model": RealtimeModel.GPT_REALTIME_MINI},
        {"transcription_model": TranscriptionModel.WHISPER_1},
    ],
)
def test_retired_models_are_warned_of(settings) -> None:
    with pytest.warns(DeprecationWarning, match="will be shut down on 2027"):
        Rig(**settings)


def test_useless_timeout_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="inactivity_timeout_enabled"):
        Rig(inactivity_timeout_seconds=5)


def test_defaults() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        agent = RealtimeAgent(provider=OpenAIProvider("sk-test"))
    options = agent._options
    assert options.model == "gpt-realtime-2.1-mini"
    assert options.voice == "marin"
    assert options.turn_detection == SemanticVAD()
    assert options.output_modality is OutputModality.AUDIO
    assert options.transcription_model == "gpt-transcribe"


def test_audio_and_text_together_mean_audio() -> None:
    assert Rig(output_modalities=["text", "audio"]).agent._options.output_modality is OutputModality.AUDIO
    assert Rig(output_modalities=["text"]).agent._options.output_modality is OutputModality.TEXT


def test_speed_is_clamped() -> None:
    with pytest.warns(UserWarning, match="clamped"):
        assert Rig(speech_speed=0.3).agent._options.speech_speed == 0.5


def test_a_session_that_costs_too_much_ends_at_a_quiet_moment() -> None:
    async def main():
        rig = Rig(budget_usd=0.01)
        task = await rig.start()
        dear = ResponseUsage(TokenCount(), TokenCount(), TokenCount(audio=1000))
        rig.provider.connection.feed(
            f.ResponseStarted("r1"),
            f.AudioDelta("r1", "i1", 0, bytes(48_000)),
            f.ResponseFinished("r1", COMPLETED, usage=dear),
        )
        connection = rig.provider.connection
        await rig.until(lambda: connection.sent(e.CreateResponse))
        # It says why, which is paid for too, and only once.
        connection.feed(f.ResponseStarted("r2", "response-1"), f.ResponseFinished("r2", COMPLETED, usage=dear))
        result = await task
        assert [one.instructions for one in connection.sent(e.CreateResponse)] == [BUDGET_FAREWELL]
        assert result.end_reason is EndReason.BUDGET_EXCEEDED
        assert result.usage.cost_usd == Decimal("0.04")
        assert result.duration_seconds > 1

    run(main())


def test_a_session_is_recorded(tmp_path) -> None:
    async def main():
        rig = Rig(recording_path=tmp_path / "talk.wav")
        task = await rig.start()
        await rig.agent.stop()
        return await task

    with asyncio.Runner() as runner:
        result = runner.run(main())
    assert result.recording_path == tmp_path / "talk.wav"
    assert result.recording_path.exists()


def test_a_tool_that_takes_long_is_spoken_about_with_its_status() -> None:
    async def main():
        tools = Tools()

        @tools.action("Search", status="Searching for {what}", timeout=60)
        async def search(what: str) -> str:
            await asyncio.sleep(10)
            return "found"

        rig = Rig(tools=tools)
        task = await rig.start()
        rig.call("search", '{"what": "the key"}')
        await asyncio.sleep(3)
        assert not rig.provider.connection.sent(e.CreateResponse)
        await asyncio.sleep(2)
        (create,) = rig.provider.connection.sent(e.CreateResponse)
        assert "Searching for the key" in create.instructions
        await rig.agent.stop()
        await task

    run(main())


def test_a_tool_that_is_quick_is_not() -> None:
    async def main():
        tools = Tools()

        @tools.action("Search", status="Searching", respond=False)
        async def search() -> str:
            return "found"

        rig = Rig(tools=tools)
        task = await rig.start()
        rig.call("search")
        await asyncio.sleep(10)
        assert not rig.provider.connection.sent(e.CreateResponse)
        await rig.agent.stop()
        await task

    run(main())


def test_speech_that_was_not_meant_for_the_agent_gets_no_answer() -> None:
    async def main():
        tools = Tools()
        add_wait_for_user(tools)
        rig = Rig(tools=tools)
        task = await rig.start()
        rig.call("wait_for_user")
        await rig.until(lambda: rig.provider.connection.sent(e.SendToolOutput))
        await asyncio.sleep(1)
        assert not rig.provider.connection.sent(e.CreateResponse)
        await rig.agent.stop()
        await task

    run(main())


def test_settings_are_told_before_anything_is_connected() -> None:
    async def main():
        rig = Rig(instructions="secret", voice="cedar")
        told = []

        async def note(command) -> None:
            told.append((type(command), command.voice, rig.provider.attempts))
            assert "secret" not in repr(command)

        rig.bus.subscribe(StartAgentCommand, note)
        task = await rig.start()
        await rig.agent.stop()
        await task
        assert told == [(StartAgentCommand, "cedar", 0), (ConfigureSessionCommand, "cedar", 0)]

    run(main())


def test_tools_and_their_choice_are_changed_by_commands() -> None:
    async def main():
        tools = Tools()

        @tools.action("A")
        async def a() -> None: ...

        @tools.action("B")
        async def b() -> None: ...

        rig = Rig(tools=tools, parallel_tool_calls=False, truncation=TokenBudget())
        task = await rig.start()
        assert rig.provider.options.truncation == TokenBudget()
        sent = rig.provider.connection.sent
        await rig.bus.dispatch(UpdateSessionToolsCommand(("b", "unknown")))
        await rig.bus.dispatch(UpdateToolChoiceCommand("none"))
        await rig.until(lambda: len(sent(e.UpdateSession)) == 2)
        assert [tool.name for tool in sent(e.UpdateSession)[0].tools] == ["b"]
        assert sent(e.UpdateSession)[1].tool_choice == "none"
        await rig.agent.stop()
        await task

    run(main())


def test_what_a_tool_did_decides_what_is_offered_for_its_answer_already() -> None:
    async def main():
        tools = Tools()
        unlocked: list[str] = []

        @tools.action("Open", available_when=lambda _: bool(unlocked))
        async def open_door() -> None: ...

        @tools.action("Unlock")
        async def unlock() -> str:
            unlocked.append("door")
            return "unlocked"

        rig = Rig(tools=tools)
        task = await rig.start()
        connection = rig.provider.connection
        assert [tool.name for tool in rig.provider.options.tools] == ["unlock"]
        rig.call("unlock")
        await rig.until(lambda: connection.sent(e.CreateResponse))
        kinds = [type(command) for command in connection.commands]
        assert kinds.index(e.UpdateSession) < kinds.index(e.CreateResponse)
        assert [tool.name for tool in connection.sent(e.UpdateSession)[0].tools] == ["open_door", "unlock"]
        unlocked.clear()
        await rig.agent.refresh_tools()
        await rig.until(lambda: len(connection.sent(e.UpdateSession)) == 2)
        assert [tool.name for tool in connection.sent(e.UpdateSession)[1].tools] == ["unlock"]
        await rig.agent.refresh_tools()
        await asyncio.sleep(1)
        assert len(connection.sent(e.UpdateSession)) == 2
        await rig.agent.stop()
        await task

    run(main())


def test_tools_that_come_do_not_undo_which_ones_are_shown_and_a_later_session_sees_all() -> None:
    async def main():
        tools = Tools()

        @tools.action("A")
        async def a() -> str:
            return "done"

        @tools.action("B")
        async def b() -> None: ...

        rig = Rig(tools=tools)
        task = await rig.start()
        sent = rig.provider.connection.sent
        await rig.bus.dispatch(UpdateSessionToolsCommand(("a",)))
        await rig.until(lambda: sent(e.UpdateSession))
        rig.call("a")
        await rig.until(lambda: sent(e.SendToolOutput))
        await asyncio.sleep(1)
        assert [[tool.name for tool in update.tools] for update in sent(e.UpdateSession)] == [["a"]]
        await rig.agent.stop()
        await task
        task = await rig.start()
        assert [tool.name for tool in rig.provider.options.tools] == ["a", "b"]
        await rig.agent.stop()
        await task

    run(main())


def test_the_volume_is_the_speaker_s() -> None:
    class Loud(FakeSpeaker):
        volume = 0.4

        async def set_volume(self, volume):
            self.volume = volume

    async def main():
        rig = Rig(audio_output=Loud())
        assert rig.agent.volume == 0.4
        await rig.agent.set_volume(1.7)
        assert rig.agent.volume == 1.0
        await rig.agent.set_volume(-1)
        assert rig.agent.volume == 0.0
        rig = Rig()
        assert rig.agent.volume is None
        with pytest.raises(SinkError, match="cannot be changed"):
            await rig.agent.set_volume(0.5)

    run(main())


@pytest.mark.parametrize(("takes_s", "before"), [(0.004, ["output", "told"]), (1.0, ["told", "output"])])
def test_observers_are_told_of_a_call_after_its_answer_or_a_moment_later(takes_s: float, before: list[str]) -> None:
    """What observers do with the news of a call must not hold the call up."""

    async def main():
        tools, order = Tools(), []

        @tools.action("Turn it on")
        async def turn_on() -> str:
            await asyncio.sleep(takes_s)
            return "on"

        rig = Rig(tools=tools)
        await rig.start()
        send = rig.provider.connection.send

        async def noting(command):
            if isinstance(command, e.SendToolOutput):
                order.append("output")
            await send(command)

        async def observe(_):
            order.append("told")

        rig.provider.connection.send = noting
        rig.bus.subscribe(ToolExecutionStartedEvent, observe)
        rig.call("turn_on")
        await rig.until(lambda: len(order) == 2)
        assert order == before
        await rig.agent.stop()

    run(main())
