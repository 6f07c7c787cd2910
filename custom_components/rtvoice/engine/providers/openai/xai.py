"""The style of xAI: the general API's events, with half of the settings flat."""

from typing import Final, assert_never

from ...conversation.effects import UpdateSession
from ...options import (
    AssistantVoice,
    OutputModality,
    PushToTalk,
    ReasoningEffort,
    SemanticVAD,
    ServerVAD,
    SessionOptions,
    TurnDetection,
)
from .remote_tools import remote_tools_of
from .session_config import RATE_HZ, pcm_of, tools_of
from .style import Settings, Style

_SPEED: Final = (0.7, 1.5)
_THRESHOLD: Final = (0.1, 0.9)

# There are two efforts only.
_EFFORTS: Final = {
    ReasoningEffort.MINIMAL: "none",
    ReasoningEffort.LOW: "none",
    ReasoningEffort.MEDIUM: "high",
    ReasoningEffort.HIGH: "high",
    ReasoningEffort.XHIGH: "high",
}

_OTHERS_VOICES: Final = frozenset(AssistantVoice)


def xai_style(*, input_rate_hz: int = RATE_HZ) -> Style:
    """The style, for audio that is sent at this rate."""

    def session_of(options: SessionOptions) -> Settings:
        return _session_of(options, input_rate_hz)

    dispensable = ("session.reasoning", "session.audio.input.transcription", "session.audio.output.speed")
    return Style(session_of, _changes_of, {path: path for path in dispensable}, response_of=_response_of, asks=False)


def _session_of(options: SessionOptions, input_rate_hz: int) -> Settings:
    output = {"format": pcm_of(RATE_HZ), "speed": _within(options.speech_speed, _SPEED)}
    session: Settings = {
        "instructions": options.instructions,
        "turn_detection": _turn_detection(options.turn_detection),
        "tools": [*tools_of(options.tools), *remote_tools_of(options.mcp_servers, asks=False)],
        "audio": {"input": _input(options, input_rate_hz), "output": output},
    }
    if options.voice is not None and options.voice not in _OTHERS_VOICES:
        # Without one the server speaks with a voice of its own, as it has none of OpenAI's.
        session["voice"] = options.voice
    if options.reasoning_effort is not None:
        session["reasoning"] = {"effort": _EFFORTS[options.reasoning_effort]}
    return session


def _changes_of(command: UpdateSession) -> Settings:
    session: Settings = {}
    if command.speech_speed is not None:
        session["audio"] = {"output": {"speed": _within(command.speech_speed, _SPEED)}}
    if command.tools is not None:
        session["tools"] = tools_of(command.tools)
    if command.tool_choice is not None:
        session["tool_choice"] = str(command.tool_choice)
    return session


def _response_of(options: SessionOptions) -> Settings:
    # The settings of a session cannot say it.
    return {"modalities": ["text"] if options.output_modality is OutputModality.TEXT else ["text", "audio"]}


def _input(options: SessionOptions, rate_hz: int) -> Settings:
    heard: Settings = {"format": pcm_of(rate_hz)}
    if options.transcription_model is not None:
        # Naming a model changes the events that come; without one they are the usual ones.
        language = options.transcription_language
        heard["transcription"] = {} if language is None else {"language_hint": language}
    return heard


def _turn_detection(turn_detection: TurnDetection) -> Settings | None:
    match turn_detection:
        case ServerVAD():
            return {
                "type": "server_vad",
                "threshold": _within(turn_detection.threshold, _THRESHOLD),
                "prefix_padding_ms": turn_detection.prefix_padding_ms,
                "silence_duration_ms": turn_detection.silence_duration_ms,
            }
        case SemanticVAD():
            # There is no such thing here, and its own defaults come nearest.
            return {"type": "server_vad"}
        case PushToTalk():
            return None
        case _:
            assert_never(turn_detection)


def _within(value: float, limits: tuple[float, float]) -> float:
    low, high = limits
    return min(max(value, low), high)
