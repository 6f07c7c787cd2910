import inspect

import pytest

from custom_components.rtvoice.engine import events as ev
from custom_components.rtvoice.engine.listener import AgentListener, notify

from .virtual_time import run

CALLBACKS = [
    (ev.AgentStartingEvent(), "on_agent_starting", ()),
    (ev.AgentSessionConnectedEvent(), "on_agent_session_connected", ()),
    (ev.AgentStoppedEvent(), "on_agent_stopped", ()),
    (ev.AssistantInterruptedEvent(), "on_agent_interrupted", ()),
    (ev.AgentErrorEvent(ev.AgentError("x", "y")), "on_agent_error", (ev.AgentError("x", "y"),)),
    (ev.UserInactivityCountdownEvent(3), "on_user_inactivity_countdown", (3,)),
    (ev.UserTranscriptCompletedEvent("a"), "on_user_transcript", ("a",)),
    (ev.AssistantTranscriptCompletedEvent("b", "i"), "on_assistant_transcript", ("b",)),
    (ev.AssistantTranscriptDeltaEvent("c", "i"), "on_assistant_transcript_delta", ("c",)),
    (ev.UserStartedSpeakingEvent(), "on_user_started_speaking", ()),
    (ev.UserStoppedSpeakingEvent(), "on_user_stopped_speaking", ()),
    (ev.AssistantStartedRespondingEvent(), "on_assistant_started_responding", ()),
    (ev.AssistantStoppedRespondingEvent(), "on_assistant_stopped_responding", ()),
    (ev.SubAgentStartedEvent("d"), "on_subagent_started", ("d",)),
    (ev.SubAgentFinishedEvent("d"), "on_subagent_finished", ("d",)),
    (ev.ToolExecutedEvent("c1", "e", ok=True, silent=True), "on_tool_executed", ("e", True, True)),
]


class Recorder(AgentListener):
    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[object, ...]]] = []

    def __getattribute__(self, name):
        if not name.startswith("on_"):
            return super().__getattribute__(name)

        async def record(*args):
            self.calls.append((name, args))

        return record


@pytest.mark.parametrize(("event", "name", "args"), CALLBACKS)
def test_every_event_reaches_its_callback(event, name, args) -> None:
    recorder = Recorder()
    run(notify(recorder, event))
    assert recorder.calls == [(name, args)]


@pytest.mark.parametrize(("event", "name", "args"), CALLBACKS)
def test_every_callback_may_be_left_out(event, name, args) -> None:
    run(notify(AgentListener(), event))


def test_all_callbacks_are_reached() -> None:
    callbacks = {name for name, _ in inspect.getmembers(AgentListener, inspect.iscoroutinefunction)}
    assert callbacks == {name for _, name, _ in CALLBACKS}


def test_other_events_have_no_callback() -> None:
    recorder = Recorder()
    run(notify(recorder, ev.AudioPlaybackCompletedEvent()))
    assert recorder.calls == []


def test_an_error_reads_well() -> None:
    assert str(ev.AgentError("quota_exceeded", "No credit")) == "[quota_exceeded] No credit"
