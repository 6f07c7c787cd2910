"""What earlier agents of this kind got wrong, by the numbers of the collected rows: each test would fail on its bug.

Rows about tools, subagents, skills and MCP servers are held by the tests of those rooms, under the same numbers.
"""

import asyncio
import inspect
import logging
import os
import subprocess
import sys
import typing
from datetime import date
from pathlib import Path

import pytest

import custom_components.rtvoice as integration
from custom_components.rtvoice import engine
from custom_components.rtvoice.engine import (
    AgentErrorEvent,
    AgentListener,
    AgentStoppedEvent,
    AssistantInterruptedEvent,
    AuthenticationError,
    EndReason,
    OutputModality,
    RealtimeAgent,
    SinkError,
    Tools,
    UserInactivityCountdownEvent,
)
from custom_components.rtvoice.engine.conversation import effects as e
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.values import ProviderFault, ResponseStatus, ToolCall
from custom_components.rtvoice.engine.events import AssistantTranscriptDeltaEvent, UserTranscriptFailedEvent
from custom_components.rtvoice.engine.options import SessionOptions

from .fakes import FakeProvider, FakeSpeaker, lost, unreachable
from .test_agent import Rig
from .virtual_time import run

COMPLETED = ResponseStatus.COMPLETED
FOLDER = Path(integration.__file__).parent


def audio(ms: int, response: str = "r1", item: str = "i1") -> f.AudioDelta:
    return f.AudioDelta(response, item, 0, bytes(ms * 48))


def of(rig: Rig, kind: type) -> list:
    return [event for event in rig.events if isinstance(event, kind)]


def test_b1_errors_reach_the_listener_with_their_code() -> None:
    class Listener(AgentListener):
        errors: typing.ClassVar[list] = []

        async def on_agent_error(self, error) -> None:
            self.errors.append(error)

    async def main():
        rig = Rig(listener=Listener())
        await rig.start()
        rig.provider.connection.feed(f.RequestRejected(ProviderFault("invalid_value", "Bad", "session.x")))
        await rig.until(lambda: Listener.errors)
        await rig.agent.stop()
        (error,) = Listener.errors
        assert (error.code, error.param, error.message) == ("invalid_value", "session.x", "Bad")

    run(main())


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ({"provider": FakeProvider(error=AuthenticationError("Wrong key"))}, AuthenticationError),
        ({"audio_output": FakeSpeaker(error=SinkError("No speaker"))}, SinkError),
    ],
)
def test_b2_a_session_that_cannot_begin_raises_and_does_not_hang(broken, error) -> None:
    async def main():
        rig = Rig(**broken)
        with pytest.raises(error):
            async with asyncio.timeout(30):
                await rig.agent.run()

    run(main())


def test_b3_a_closed_socket_ends_or_is_made_anew_and_the_microphone_never_stays_open() -> None:
    async def main():
        rig = Rig(provider=FakeProvider(later=[unreachable()]))
        task = await rig.start()
        rig.provider.connection.feed(lost())
        async with asyncio.timeout(120):
            assert (await task).end_reason is EndReason.CONNECTION_LOST
        assert not rig.agent._source.is_active

    run(main())


@pytest.mark.parametrize("row", ["b4", "c1"])
def test_b4_c1_a_slow_tool_holds_up_neither_barge_in_nor_stop(row) -> None:
    async def main():
        tools = Tools()

        @tools.action("Slow", timeout=1000)
        async def slow() -> None:
            await asyncio.sleep(500)

        rig = Rig(tools=tools)
        task = await rig.start()
        call = (ToolCall("c1", "slow", "{}"),)
        rig.provider.connection.feed(f.ResponseStarted("r1"), audio(2000), f.ResponseFinished("r1", COMPLETED, call))
        await rig.until(lambda: rig.agent.state == "speaking")
        rig.provider.connection.feed(f.SpeechStarted("u1"))
        async with asyncio.timeout(0.5):
            await rig.until(lambda: of(rig, AssistantInterruptedEvent))
            await rig.agent.stop()
        assert task.done()

    run(main())


def test_b6_one_response_after_all_outputs_and_never_while_one_runs() -> None:
    async def main():
        tools = Tools()

        @tools.action("x")
        async def act() -> str:
            return "done"

        rig = Rig(tools=tools)
        await rig.start()
        calls = (ToolCall("c1", "act", "{}"), ToolCall("c2", "act", "{}"))
        rig.provider.connection.feed(f.ResponseStarted("r1"))
        await asyncio.sleep(0.1)
        assert not rig.provider.connection.commands
        rig.provider.connection.feed(f.ResponseFinished("r1", COMPLETED, calls))
        await rig.until(lambda: rig.provider.connection.sent(e.CreateResponse))
        await asyncio.sleep(1)
        kinds = [type(command).__name__ for command in rig.provider.connection.commands]
        assert kinds == ["SendToolOutput", "SendToolOutput", "CreateResponse"]
        await rig.agent.stop()

    run(main())


@pytest.mark.parametrize("row", ["b7", "c6"])
def test_b7_c6_truncation_counts_what_was_played_also_after_the_response_ended(row) -> None:
    async def main():
        rig = Rig()
        await rig.start()
        connection = rig.provider.connection
        connection.feed(f.ResponseStarted("r1"))
        await asyncio.sleep(3)
        connection.feed(audio(3000), f.ResponseFinished("r1", COMPLETED))
        await rig.until(lambda: rig.agent._sink.played_samples >= 24_000)
        connection.feed(f.SpeechStarted("u1"))
        await rig.until(lambda: connection.sent(e.TruncateItem))
        played_ms = rig.agent._sink.played_samples / 24
        (truncation,) = connection.sent(e.TruncateItem)
        assert played_ms - 40 <= truncation.audio_end_ms <= played_ms
        await rig.agent.stop()

    run(main())


def test_b8_late_audio_of_a_cancelled_response_is_not_played() -> None:
    async def main():
        rig = Rig()
        await rig.start()
        connection = rig.provider.connection
        connection.feed(f.ResponseStarted("r1"), audio(1000))
        await rig.until(lambda: rig.agent.state == "speaking")
        connection.feed(f.SpeechStarted("u1"))
        await rig.until(lambda: of(rig, AssistantInterruptedEvent))
        played = rig.agent._sink.played_samples
        connection.feed(audio(1000))
        await asyncio.sleep(2)
        assert rig.agent._sink.played_samples == played
        await rig.agent.stop()

    run(main())


def test_b9_no_cancel_where_the_server_interrupts_by_itself() -> None:
    async def main():
        rig = Rig()
        await rig.start()
        rig.provider.connection.feed(f.ResponseStarted("r1"), audio(1000))
        await rig.until(lambda: rig.agent.state == "speaking")
        rig.provider.connection.feed(f.SpeechStarted("u1"))
        await rig.until(lambda: rig.provider.connection.sent(e.TruncateItem))
        assert not rig.provider.connection.sent(e.CancelResponse)
        await rig.agent.stop()

    run(main())


def test_b11_stop_from_inside_a_tool_and_a_listener_ends_the_session() -> None:
    class Listener(AgentListener):
        agent: RealtimeAgent

        async def on_user_transcript(self, text: str) -> None:
            await self.agent.stop()

    async def main():
        listener = Listener()
        rig = Rig(listener=listener)
        listener.agent = rig.agent
        task = await rig.start()
        rig.provider.connection.feed(f.UserTranscriptFinished("u1", "Stop"))
        async with asyncio.timeout(5):
            assert (await task).end_reason is EndReason.STOPPED

    run(main())


def test_b23_the_countdown_is_exact_and_begins_anew_after_every_pause() -> None:
    async def main():
        rig = Rig(inactivity_timeout_seconds=10, inactivity_timeout_enabled=True)
        task = await rig.start()
        loop = asyncio.get_running_loop()
        quiet_since = loop.time()
        seen = []

        async def note(event) -> None:
            seen.append((event.remaining_seconds, round(10 - (loop.time() - quiet_since), 1)))

        rig.bus.subscribe(UserInactivityCountdownEvent, note)
        await asyncio.sleep(7.5)
        rig.provider.connection.feed(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.ResponseStarted("r1"))
        await asyncio.sleep(30)
        quiet_since = loop.time()
        rig.provider.connection.feed(f.ResponseFinished("r1", COMPLETED))
        await task
        assert seen == [(5, 5.0), (4, 4.0), (3, 3.0), (5, 5.0), (4, 4.0), (3, 3.0), (2, 2.0), (1, 1.0)]

    run(main())


def test_b24_a_recording_path_is_returned_only_with_its_file(tmp_path) -> None:
    async def main(path):
        rig = Rig(recording_path=path)
        await rig.start()
        rig.provider.connection.feed(f.ResponseStarted("r1"), audio(300), f.ResponseFinished("r1", COMPLETED))
        await asyncio.sleep(0.5)
        task = asyncio.current_task()
        assert task is not None
        run_task = next(other for other in asyncio.all_tasks() if "run" in repr(other.get_coro()) and other is not task)
        await rig.agent.stop()
        return (await run_task).recording_path

    (tmp_path / "file").write_text("in the way")
    with asyncio.Runner() as runner:
        good = runner.run(main(tmp_path / "talk.wav"))
        bad = runner.run(main(tmp_path / "file" / "talk.wav"))
    assert good is not None
    assert good.stat().st_size > 44 + 4 * 24_000 // 4
    assert bad is None


def test_b25_turns_are_in_order_and_keep_only_what_was_heard() -> None:
    async def main():
        rig = Rig()
        task = await rig.start()
        connection = rig.provider.connection
        connection.feed(
            f.TurnCommitted("u1"),
            f.ResponseStarted("r1"),
            f.TranscriptFinished("r1", "i1", 0, "Once upon a time there was a lighthouse."),
            audio(4000),
            f.AudioFinished("r1", "i1", 0),
            f.ResponseFinished("r1", COMPLETED),
            f.UserTranscriptFinished("u1", "Tell me a story."),
        )
        await rig.until(lambda: rig.agent._sink.played_samples >= 48_000)
        connection.feed(f.SpeechStarted("u2"))
        await rig.until(lambda: of(rig, AssistantInterruptedEvent))
        await rig.agent.stop()
        user, agent = (await task).turns
        assert (user.role, user.transcript) == ("user", "Tell me a story.")
        assert (agent.role, agent.interrupted) == ("assistant", True)
        assert agent.transcript == "Once upon a time"
        assert agent.started_at is not None
        assert agent.item_id == "i1"

    run(main())


def test_b26_agent_transcripts_need_no_transcription_and_failures_of_it_are_told() -> None:
    async def main():
        rig = Rig(transcription_model=None)
        task = await rig.start()
        rig.provider.connection.feed(
            f.ResponseStarted("r1"),
            f.TranscriptDelta("r1", "i1", 0, "Hello"),
            f.TranscriptFinished("r1", "i1", 0, "Hello"),
            f.ResponseFinished("r1", COMPLETED),
            f.UserTranscriptFailed("u1", ProviderFault("x", "No words")),
        )
        await rig.until(lambda: of(rig, UserTranscriptFailedEvent))
        await rig.agent.stop()
        assert of(rig, AssistantTranscriptDeltaEvent)
        assert "Hello" in [turn.transcript for turn in (await task).turns]

    run(main())


@pytest.mark.parametrize("row", ["b27", "c9"])
def test_b27_c9_what_is_documented_is_there_and_what_is_offered_works(row) -> None:
    agent = Rig(output_modalities=["text", "audio"]).agent
    assert agent._options.output_modality is OutputModality.AUDIO
    assert "Self" in str(inspect.signature(RealtimeAgent.prewarm).return_annotation)
    with pytest.warns(UserWarning, match="clamped to 0.5 to 1.5"):
        assert Rig(speech_speed=0.1).agent._options.speech_speed == 0.5
    methods = {"prewarm", "run", "stop", "set_speech_speed", "interrupt", "send_message", "say", "set_muted"}
    assert methods | {"commit_turn"} <= set(dir(RealtimeAgent))
    documented = RealtimeAgent.__doc__ or ""
    for parameter in ("instructions", "history", "recording_path", "budget_usd"):
        assert parameter in inspect.signature(RealtimeAgent).parameters
    assert "history" in documented


def test_b28_importing_leaves_the_environment_alone_and_nothing_said_is_logged(caplog, tmp_path) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=from-a-file\n")
    code = (
        f"import os, sys; sys.path.append({str(FOLDER)!r}); before = dict(os.environ); import engine; "
        "assert dict(os.environ) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env={**os.environ, "LANG": "C"})

    async def main():
        tools = Tools()

        @tools.action("x")
        async def act(word: str) -> str:
            return f"secret-{word}"

        rig = Rig(tools=tools, instructions="secret-prompt")
        await rig.start()
        rig.provider.connection.feed(f.UserTranscriptFinished("u1", "secret-speech"))
        rig.call("act", '{"word": "secret-argument"}')
        await rig.until(lambda: rig.provider.connection.sent(e.SendToolOutput))
        await rig.agent.stop()

    with caplog.at_level(logging.INFO):
        run(main())
    assert "secret" not in caplog.text


def test_b29_any_model_name_is_accepted() -> None:
    assert Rig(model="gpt-realtime-2.1-2026-07-01").agent._options.model == "gpt-realtime-2.1-2026-07-01"
    assert SessionOptions(model="local/qwen").model == "local/qwen"


def test_b30_frames_are_short_queues_bounded_and_the_agent_can_run_again_and_be_muted() -> None:
    async def main():
        rig = Rig()
        await rig.agent.set_speech_speed(1.2)
        for _ in range(2):
            task = await rig.start()
            await rig.until(lambda: len(rig.provider.connection.audio) > 10)
            assert {len(frame) for frame in rig.provider.connection.audio} == {960}
            assert rig.provider.options.speech_speed == 1.2
            await rig.agent.set_muted(True)
            await rig.until(lambda: not any(rig.provider.connection.audio[-1]))
            await rig.agent.set_muted(False)
            await rig.agent.stop()
            assert isinstance(rig.events[-1], AgentStoppedEvent)
            await task

    run(main())


def test_c4_stop_when_silent_lets_the_farewell_be_heard() -> None:
    async def main():
        tools = Tools()

        @tools.action("Hang up", respond=True)
        async def hang_up(bus: engine.Inject[engine.EventBus]) -> str:
            await bus.dispatch(engine.StopAgentCommand(when_silent=True))
            return "Say goodbye"

        rig = Rig(tools=tools)
        task = await rig.start()
        rig.call("hang_up")
        connection = rig.provider.connection
        await rig.until(lambda: connection.sent(e.CreateResponse))
        connection.feed(
            f.ResponseStarted("r2", "response-1"), audio(1500, "r2", "i2"), f.ResponseFinished("r2", COMPLETED)
        )
        result = await task
        assert result.end_reason is EndReason.STOPPED
        assert rig.agent._sink.played_samples == 36_000

    run(main())


def test_c5_a_lost_connection_neither_hangs_nor_floods_the_log(caplog) -> None:
    async def main():
        rig = Rig(provider=FakeProvider(later=[unreachable()]))
        task = await rig.start()
        rig.provider.connection.feed(lost())
        async with asyncio.timeout(120):
            assert (await task).end_reason is EndReason.CONNECTION_LOST
        assert len(of(rig, AgentErrorEvent)) == 1

    run(main())
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) <= 1


def test_c8_everything_that_is_exported_exists() -> None:
    for name in engine.__all__:
        assert getattr(engine, name) is not None
    assert typing.get_type_hints(RealtimeAgent.run)


def test_c10_prices_have_their_date_and_unpriced_models_are_told() -> None:
    assert all(price.as_of < date(2026, 12, 31) and price.source for price in engine.PRICES.models.values())
    meter = engine.usage.UsageMeter("a-model-nobody-knows", None)
    meter.observe(engine.UsageEvent(input_audio=10))
    assert not meter.report().is_complete
    assert meter.report().notes


def test_c12_nothing_that_agents_of_this_kind_could_do_is_lost() -> None:
    parameters = inspect.signature(RealtimeAgent).parameters
    assert {"mcp_servers", "subagents", "skills", "echo_cancellation", "event_bus", "recording_path"} <= set(parameters)
    azure = engine.AzureOpenAIProvider("house", "gpt-realtime", api_key="secret-key-123")
    address = str(azure._endpoint.realtime("ignored"))
    assert address.startswith("wss://house.openai.azure.com/openai/v1/realtime")
    assert "api-version" not in address
    assert "secret-key-123" not in repr(azure) + address
