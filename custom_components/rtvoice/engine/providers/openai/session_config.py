"""The settings of a session as the general API wants them."""

from collections.abc import Iterable
from typing import Final, assert_never

from ...conversation.effects import UpdateSession
from ...conversation.values import ToolDefinition
from ...options import (
    PushToTalk,
    SemanticVAD,
    ServerVAD,
    SessionOptions,
    TokenBudget,
    Truncation,
    TruncationMode,
    TurnDetection,
)
from .remote_tools import remote_tools_of
from .style import Settings, Style

RATE_HZ: Final = 24_000
"""The rate of audio, both ways."""

# These transcription models take several languages; all others take one, under another name.
_MULTILINGUAL: Final = frozenset({"gpt-transcribe", "gpt-live-transcribe"})


def session_of(options: SessionOptions) -> Settings:
    """The `session` object of the first update."""
    session: Settings = {
        "type": "realtime",
        "instructions": options.instructions,
        "output_modalities": [str(options.output_modality)],
        "audio": {"input": _input(options), "output": _output(options)},
        "tools": [*tools_of(options.tools), *remote_tools_of(options.mcp_servers)],
        "tool_choice": "auto",
    }
    if options.reasoning_effort is not None:
        session["reasoning"] = {"effort": str(options.reasoning_effort)}
    if options.max_output_tokens is not None:
        session["max_output_tokens"] = options.max_output_tokens
    if options.parallel_tool_calls is not None:
        session["parallel_tool_calls"] = options.parallel_tool_calls
    if options.truncation is not None:
        session["truncation"] = _truncation(options.truncation)
    return session


def update_of(session: Settings, request_id: str) -> Settings:
    """A `session.update` event."""
    return {"type": "session.update", "event_id": request_id, "session": session}


def changes_of(command: UpdateSession) -> Settings:
    """The `session` object of a later update. It never holds the voice, which is locked once the agent has spoken."""
    session: Settings = {"type": "realtime"}
    if command.speech_speed is not None:
        session["audio"] = {"output": {"speed": command.speech_speed}}
    if command.tools is not None:
        session["tools"] = tools_of(command.tools)
    if command.tool_choice is not None:
        session["tool_choice"] = str(command.tool_choice)
    return session


def pcm_of(rate_hz: int) -> Settings:
    """The `format` object of audio."""
    return {"type": "audio/pcm", "rate": rate_hz}


def turn_detection_of(options: SessionOptions) -> Settings | None:
    """The `turn_detection` object."""
    turn_detection: TurnDetection = options.turn_detection
    # Both flags are sent: without `create_response` the server would still cancel a running response.
    flags = {"create_response": options.answers_turns, "interrupt_response": True}
    match turn_detection:
        case SemanticVAD(eagerness=eagerness):
            return {"type": "semantic_vad", "eagerness": str(eagerness), **flags}
        case ServerVAD():
            return {
                "type": "server_vad",
                "threshold": turn_detection.threshold,
                "prefix_padding_ms": turn_detection.prefix_padding_ms,
                "silence_duration_ms": turn_detection.silence_duration_ms,
                **flags,
            }
        case PushToTalk():
            return None
        case _:
            assert_never(turn_detection)


def tools_of(tools: Iterable[ToolDefinition]) -> list[Settings]:
    """The list of tools."""
    return [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.parameters),
        }
        for tool in tools
    ]


def _input(options: SessionOptions) -> Settings:
    noise_reduction = options.noise_reduction
    return {
        "format": pcm_of(RATE_HZ),
        "noise_reduction": None if noise_reduction is None else {"type": str(noise_reduction)},
        "transcription": _transcription(options.transcription_model, options.transcription_language),
        "turn_detection": turn_detection_of(options),
    }


def _output(options: SessionOptions) -> Settings:
    output: Settings = {
        "format": pcm_of(RATE_HZ),
        "speed": options.speech_speed,
    }
    if options.voice is not None:
        output["voice"] = str(options.voice)
    return output


def _transcription(model: str | None, language: str | None) -> Settings | None:
    if model is None:
        return None
    transcription: Settings = {"model": str(model)}
    if language is not None and model in _MULTILINGUAL:
        transcription["languages"] = [language]
    elif language is not None:
        transcription["language"] = language
    return transcription


def _truncation(truncation: Truncation) -> str | Settings:
    match truncation:
        case TruncationMode():
            return str(truncation)
        case TokenBudget(retention_ratio=ratio, post_instructions_tokens=None):
            return {"type": "retention_ratio", "retention_ratio": ratio}
        case TokenBudget(retention_ratio=ratio, post_instructions_tokens=tokens):
            limits = {"post_instructions": tokens}
            return {"type": "retention_ratio", "retention_ratio": ratio, "token_limits": limits}
        case _:
            assert_never(truncation)


_DISPENSABLE: Final = (
    "session.reasoning",
    "session.truncation",
    "session.parallel_tool_calls",
    "session.audio.input.noise_reduction",
    "session.audio.input.transcription.languages",
    "session.audio.input.transcription.language",
    "session.audio.output.speed",
)

GENERAL: Final = Style(session_of, changes_of, {path: path for path in _DISPENSABLE})
"""The style of the general API."""
