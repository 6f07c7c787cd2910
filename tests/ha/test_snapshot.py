"""What is shown of a session, event by event, and what automations are told; no Home Assistant needed."""

from dataclasses import replace

import pytest

from custom_components.rtvoice.bridge.activity import Activity
from custom_components.rtvoice.bridge.occurrences import OccurrenceType, occurrence_of
from custom_components.rtvoice.bridge.options import AgentOptions
from custom_components.rtvoice.bridge.places.local import LocalOptions, sound_problem
from custom_components.rtvoice.bridge.snapshot import Snapshot, ToolUse, fold
from custom_components.rtvoice.engine import AgentError, AgentState, ConfigurationError, SemanticVAD, ServerVAD
from custom_components.rtvoice.engine.devices import AudioDevice, AudioDevices
from custom_components.rtvoice.engine.events import (
    AgentErrorEvent,
    AgentStateChangedEvent,
    AssistantInterruptedEvent,
    AssistantTranscriptCompletedEvent,
    AssistantTranscriptDeltaEvent,
    ResponseLatencyEvent,
    SessionEvent,
    SubAgentStartedEvent,
    ToolExecutedEvent,
    UserStartedSpeakingEvent,
    UserStoppedSpeakingEvent,
    UserTranscriptCompletedEvent,
    UserTranscriptFailedEvent,
)

TOOL = ToolExecutedEvent("call", "light", ok=True, arguments="{}", output="OK", duration_s=0.25)


@pytest.mark.parametrize(
    ("event", "changes"),
    [
        (AgentStateChangedEvent("speaking"), {"status": AgentState.SPEAKING}),
        (UserStartedSpeakingEvent(), {"user_speaking": True}),
        (UserStoppedSpeakingEvent(), {"user_speaking": False}),
        (ResponseLatencyEvent(0.7314), {"response_latency_ms": 731}),
        (TOOL, {"last_tool": ToolUse("light", "{}", ok=True, duration_ms=250)}),
        (UserTranscriptCompletedEvent("Hello"), {"user_transcript": "Hello"}),
        (AssistantTranscriptCompletedEvent("Hi", "i1"), {"assistant_transcript": "Hi"}),
        (AssistantTranscriptCompletedEvent("", "i1"), {}),
        (AssistantInterruptedEvent("i1", 300, "H"), {"assistant_transcript": "H"}),
        (AssistantInterruptedEvent("i1", 0, ""), {}),
        (AssistantTranscriptDeltaEvent("H", "i1"), {}),
    ],
)
def test_what_an_event_changes(event: SessionEvent, changes: dict[str, object]) -> None:
    before = Snapshot(in_session=True)
    assert fold(before, event) == replace(before, **changes)


@pytest.mark.parametrize(
    ("event", "kind", "attributes"),
    [
        (UserTranscriptCompletedEvent("Hello"), OccurrenceType.USER_TURN, {"text": "Hello"}),
        (UserTranscriptFailedEvent("i1"), OccurrenceType.USER_TURN, {"text": None}),
        (AssistantTranscriptCompletedEvent("Hi", "i1"), OccurrenceType.ASSISTANT_TURN, {"text": "Hi"}),
        (AssistantInterruptedEvent("i1", 300, "H"), OccurrenceType.INTERRUPTED, {"text": "H", "played_ms": 300}),
        (TOOL, OccurrenceType.TOOL_CALLED, {"tool": "light", "arguments": "{}"}),
        (replace(TOOL, ok=False), OccurrenceType.TOOL_FAILED, {"tool": "light", "arguments": "{}"}),
        (SubAgentStartedEvent("butler"), OccurrenceType.HANDOFF, {"agent": "butler"}),
        (
            AgentErrorEvent(AgentError("request_rejected", "No")),
            OccurrenceType.ERROR,
            {"error_type": "request_rejected", "message": "No"},
        ),
    ],
)
def test_what_automations_are_told(event: SessionEvent, kind: OccurrenceType, attributes: dict[str, object]) -> None:
    occurrence = occurrence_of(event)
    assert occurrence is not None
    assert (occurrence.type, occurrence.attributes) == (kind, attributes)


@pytest.mark.parametrize("event", [AssistantTranscriptCompletedEvent("", "i1"), UserStartedSpeakingEvent()])
def test_what_automations_are_not_told(event: SessionEvent) -> None:
    assert occurrence_of(event) is None


def test_a_new_session_begins_with_an_empty_page() -> None:
    old = Snapshot(user_transcript="Hello", assistant_transcript="Hi", response_latency_ms=5, in_session=True)
    assert old.opened() == Snapshot(response_latency_ms=5)
    assert old.closed() == replace(old, in_session=False)


def test_the_latest_session_is_shown_then_the_one_before() -> None:
    activity = Activity()
    changes: list[Snapshot] = []
    unwatch = activity.watch(lambda: changes.append(activity.snapshot))
    first, second = Snapshot(user_transcript="first"), Snapshot(user_transcript="second")
    activity.show("1", first)
    activity.show("1", first)
    activity.show("2", second)
    activity.end("2")
    activity.end("2")
    activity.end("1")
    unwatch()
    activity.show("3", second)
    assert changes == [first, second, first, first]


def test_options_from_a_form() -> None:
    data = {
        "llm_hass_api": "assist",
        "turn_detection": "server_vad",
        "threshold": 0.7,
        "silence_duration_ms": 300.0,
        "noise_reduction": "off",
        "max_output_tokens": 500.0,
        "reasoning_effort": "low",
        "language": "de",
    }
    options = AgentOptions.read(data)
    assert options.llm_apis == ("assist",)
    assert options.turn_detection == ServerVAD(threshold=0.7, silence_duration_ms=300)
    assert options.noise_reduction is None
    assert options.max_output_tokens == 500
    assert options.language == "de"
    assert AgentOptions.read({}).turn_detection == SemanticVAD()
    assert AgentOptions.read({}).llm_apis == ()


@pytest.mark.parametrize("data", [{"turn_detection": "server_vad", "threshold": 9}, {"noise_reduction": "total"}])
def test_options_that_make_no_sense(data: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        AgentOptions.read(data)


MICROPHONE = AudioDevice(0, "Microphone", is_default=True, sample_rate=48_000)
SPEAKER = AudioDevice(1, "Speaker", is_default=True, sample_rate=48_000)


@pytest.mark.parametrize(
    ("ends", "devices", "problem"),
    [
        (("", ""), AudioDevices((MICROPHONE,), (SPEAKER,)), None),
        (("", ""), AudioDevices((MICROPHONE,)), "no_sound_card"),
        (("", ""), AudioDevices(problem="no_devices"), "no_sound_card"),
        (("", ""), AudioDevices(problem="no_portaudio"), "missing_portaudio"),
        (("", "file:b"), AudioDevices((MICROPHONE,)), None),
        (("file:a", ""), AudioDevices((MICROPHONE,)), "no_sound_card"),
        (("file:a", "file:b"), AudioDevices(problem="no_portaudio"), None),
    ],
)
def test_which_satellites_cannot_hear_or_speak(
    ends: tuple[str, str], devices: AudioDevices, problem: str | None
) -> None:
    options = LocalOptions.read({"input": ends[0], "output": ends[1]})
    assert sound_problem(options, devices) == problem
