"""The names that users of the engine write: what is exported, taken and returned, held against the contract."""

import importlib
import inspect
import warnings
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from custom_components.rtvoice import engine
from custom_components.rtvoice.engine import (
    AgentListener,
    AgentResult,
    AssistantVoice,
    AudioInputDevice,
    AudioOutputDevice,
    AzureOpenAIProvider,
    CompatibleProvider,
    ConversationTurn,
    EventBus,
    MicrophoneInput,
    NoiseReduction,
    OpenAIProvider,
    OutputModality,
    PushToTalk,
    RealtimeAgent,
    RealtimeModel,
    SemanticVAD,
    ServerVAD,
    SpeakerOutput,
    Tools,
    TranscriptionModel,
    events,
)
from custom_components.rtvoice.engine.devices import NullInput, NullOutput

REQUIRED = inspect.Parameter.empty

EXPORTS = """
RealtimeAgent AgentResult ConversationTurn AgentError AgentListener EventBus RealtimeModel ReasoningEffort
AssistantVoice TranscriptionModel OutputModality NoiseReduction TurnDetection SemanticVAD SemanticEagerness ServerVAD
PushToTalk Tools ToolContext Inject ActionResult SubAgent Skill MCPServer MCPServerStdio MCPServerHTTP RealtimeProvider
OpenAIProvider AzureOpenAIProvider CompatibleProvider AudioInputDevice AudioOutputDevice MicrophoneInput SpeakerOutput
"""
EVENTS = """
AgentStartingEvent StartAgentCommand ConfigureSessionCommand UpdateSpeechSpeedCommand UpdateSessionToolsCommand
UpdateToolChoiceCommand CancelSubAgentCommand AgentSessionConnectedEvent AgentStoppedEvent
UserTranscriptChunkReceivedEvent UserTranscriptCompletedEvent AssistantTranscriptChunkReceivedEvent
AssistantTranscriptDeltaEvent AssistantTranscriptCompletedEvent UserInactivityCountdownEvent UserInactivityTimeoutEvent
SubAgentStartedEvent SubAgentFinishedEvent AssistantInterruptedEvent AudioPlaybackCompletedEvent AgentErrorEvent
UserStartedSpeakingEvent UserStoppedSpeakingEvent AssistantStartedRespondingEvent AssistantStoppedRespondingEvent
"""
EVENT_FIELDS = {
    "StartAgentCommand": (
        "model instructions voice speech_speed transcription_model output_modalities noise_reduction turn_detection "
        "tools"
    ),
    "UpdateSpeechSpeedCommand": "speed",
    "UpdateSessionToolsCommand": "tools",
    "UpdateToolChoiceCommand": "tool_choice",
    "UserTranscriptChunkReceivedEvent": "chunk",
    "UserTranscriptCompletedEvent": "transcript item_id",
    "AssistantTranscriptChunkReceivedEvent": "chunk",
    "AssistantTranscriptDeltaEvent": "delta item_id output_index content_index",
    "AssistantTranscriptCompletedEvent": "transcript item_id output_index content_index",
    "UserInactivityCountdownEvent": "remaining_seconds",
    "UserInactivityTimeoutEvent": "timeout_seconds",
    "SubAgentStartedEvent": "agent_name",
    "SubAgentFinishedEvent": "agent_name",
    "AssistantInterruptedEvent": "item_id played_ms",
    "AgentErrorEvent": "error event_id",
}
LISTENER = {
    "on_agent_starting": [],
    "on_agent_session_connected": [],
    "on_agent_stopped": [],
    "on_user_inactivity_countdown": ["remaining_seconds"],
    "on_agent_interrupted": [],
    "on_agent_error": ["error"],
    "on_user_transcript": ["text"],
    "on_assistant_transcript": ["text"],
    "on_assistant_transcript_delta": ["delta"],
    "on_user_started_speaking": [],
    "on_user_stopped_speaking": [],
    "on_assistant_started_responding": [],
    "on_assistant_stopped_responding": [],
    "on_subagent_started": ["agent_name"],
    "on_subagent_finished": ["agent_name"],
    "on_tool_executed": ["name", "ok", "silent"],
}
AGENT: dict[str, Any] = {
    "instructions": "",
    "model": RealtimeModel.GPT_REALTIME_2_1_MINI,
    "voice": AssistantVoice.MARIN,
    "speech_speed": 1.0,
    "transcription_model": TranscriptionModel.GPT_TRANSCRIBE,
    "output_modalities": None,
    "noise_reduction": NoiseReduction.FAR_FIELD,
    "turn_detection": None,
    "tools": None,
    "subagents": (),
    "mcp_servers": (),
    "skills": (),
    "audio_input": None,
    "audio_output": None,
    "context": None,
    "event_bus": None,
    "listener": None,
    "inactivity_timeout_seconds": None,
    "inactivity_timeout_enabled": False,
    "recording_path": None,
    "provider": None,
    "api_key": None,
    "reasoning_effort": None,
    "history": (),
}


def parameters(call: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return {name: each for name, each in inspect.signature(call).parameters.items() if name != "self"}


def agent(**options: Any) -> RealtimeAgent:
    return RealtimeAgent(
        **{"audio_input": NullInput(), "audio_output": NullOutput(), "provider": OpenAIProvider("sk-none"), **options}
    )


@pytest.mark.parametrize("name", [*EXPORTS.split(), *EVENTS.split()])
def test_it_is_exported(name: str) -> None:
    assert name in engine.__all__
    assert getattr(engine, name) is not None


def test_all_errors_events_and_commands_are_exported() -> None:
    for module in ("errors", "events"):
        found = importlib.import_module(f"custom_components.rtvoice.engine.{module}")
        names = {
            name for name, each in vars(found).items() if inspect.isclass(each) and each.__module__ == found.__name__
        }
        assert names - set(engine.__all__) == set()


@pytest.mark.parametrize("name", EVENT_FIELDS)
def test_an_event_has_its_fields(name: str) -> None:
    assert set(EVENT_FIELDS[name].split()) <= {field.name for field in fields(getattr(events, name))}


def test_an_agent_takes_keywords_with_these_defaults() -> None:
    known = parameters(RealtimeAgent)
    assert {each.kind for each in known.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert {name: known[name].default for name in AGENT} == AGENT


def test_an_agent_turns_over_what_is_out_of_bounds() -> None:
    for member in (RealtimeModel.GPT_REALTIME, RealtimeModel.GPT_REALTIME_MINI):
        with pytest.warns(DeprecationWarning, match="2027-01-20"):
            agent(model=member)
    with pytest.warns(DeprecationWarning, match="2027-02-26"):
        agent(transcription_model=TranscriptionModel.WHISPER_1)
    with pytest.raises(ValueError, match="either"):
        agent(api_key="sk-other")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        agent(model="a-model-of-tomorrow", voice="a-voice", transcription_model=None, noise_reduction=None)
        agent(output_modalities=[OutputModality.AUDIO, OutputModality.TEXT], turn_detection=PushToTalk())


def test_turn_detection_has_these_defaults() -> None:
    detection = ServerVAD()
    assert (detection.threshold, detection.prefix_padding_ms, detection.silence_duration_ms) == (0.5, 300, 500)
    assert SemanticVAD().eagerness == "auto"
    assert NoiseReduction.NEAR_FIELD


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("prewarm", {}),
        ("run", {}),
        ("stop", {}),
        ("set_speech_speed", {"speed": REQUIRED}),
        ("interrupt", {}),
        ("send_message", {"text": REQUIRED, "image": None}),
        ("say", {"text": REQUIRED}),
        ("set_muted", {"muted": REQUIRED}),
        ("commit_turn", {}),
    ],
)
def test_an_agent_does_this(name: str, taken: dict[str, Any]) -> None:
    method = getattr(RealtimeAgent, name)
    assert inspect.iscoroutinefunction(method)
    known = parameters(method)
    assert {each: known[each].default for each in taken} == taken
    # What is more than the contract says may be left out.
    assert all(each.default is not REQUIRED for other, each in known.items() if other not in taken)
    assert "image" not in known or known["image"].kind is inspect.Parameter.KEYWORD_ONLY


def test_a_result_tells_this() -> None:
    assert {"turns", "recording_path", "duration_seconds", "usage", "end_reason"} <= set(AgentResult.model_fields)
    told = {"role", "transcript", "interrupted", "started_at", "item_id"}
    assert told <= set(ConversationTurn.model_fields)
    usage = AgentResult(turns=[]).usage
    assert usage.total == 0
    assert usage.cost_usd == 0


def test_listeners_are_told_this() -> None:
    assert {
        name: list(parameters(method)) for name, method in vars(AgentListener).items() if name.startswith("on_")
    } == LISTENER
    assert all(inspect.iscoroutinefunction(getattr(AgentListener, name)) for name in LISTENER)


def test_devices_are_like_this() -> None:
    for port, attributes, methods in (
        (AudioInputDevice, ("sample_rate", "is_active"), ("start", "stop", "stream_chunks")),
        (
            AudioOutputDevice,
            ("sample_rate", "is_playing", "played_samples"),
            ("start", "stop", "play_chunk", "clear_buffer"),
        ),
    ):
        members = {name for name in vars(port) if not name.startswith("_")}
        assert members == {*attributes, *methods}
    for device in (MicrophoneInput, SpeakerOutput):
        known = parameters(device)
        assert {name: known[name].default for name in ("device", "sample_rate")} == {
            "device": None,
            "sample_rate": 24_000,
        }


@pytest.mark.parametrize(
    ("provider", "positional", "keywords"),
    [
        (
            OpenAIProvider,
            {"api_key": None},
            {"base_url": "https://api.openai.com/v1", "organization": None, "project": None},
        ),
        (
            AzureOpenAIProvider,
            {"resource": REQUIRED, "deployment": REQUIRED},
            {"api_key": None, "token_provider": None},
        ),
        (CompatibleProvider, {"base_url": REQUIRED}, {"api_key": None, "dialect": "auto"}),
    ],
)
def test_providers_take_this(provider: type, positional: dict[str, Any], keywords: dict[str, Any]) -> None:
    known = parameters(provider)
    by_position = [name for name, each in known.items() if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert by_position == list(positional)
    assert {name: known[name].default for name in positional} == positional
    assert {name: known[name].default for name in keywords} == keywords


@pytest.mark.parametrize("dialect", ["ga", "beta", "xai", "auto"])
@pytest.mark.parametrize("scheme", ["http", "https", "ws", "wss"])
def test_any_server_can_be_meant(dialect: str, scheme: str) -> None:
    assert CompatibleProvider(f"{scheme}://server/v1", dialect=dialect)
    assert OpenAIProvider("sk-none", base_url=f"{scheme}://server/v1")


def test_the_key_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    assert OpenAIProvider()
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(engine.ConfigurationError):
        OpenAIProvider()


def test_an_action_takes_this() -> None:
    known = parameters(Tools.action)
    assert next(iter(known)) == "description"
    contract = {
        "name": None,
        "param_model": None,
        "result_instruction": None,
        "holding_instruction": None,
        "status": None,
        "respond": True,
        "timeout": 30.0,
    }
    assert {name: known[name].default for name in contract} == contract


def test_a_bus_takes_this() -> None:
    assert list(parameters(EventBus.subscribe))[1:] == ["handler"]
    assert list(parameters(EventBus.unsubscribe))[1:] == ["handler"]
    assert inspect.iscoroutinefunction(EventBus.dispatch)
