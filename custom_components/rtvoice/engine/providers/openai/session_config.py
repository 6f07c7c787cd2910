"""The settings of a session as the provider wants them."""

from collections.abc import Iterable
from typing import Final, assert_never

from ...conversation.effects import UpdateSession
from ...conversation.values import ToolDefinition
from ...options import PushToTalk, SemanticVAD, ServerVAD, SessionOptions, TurnDetection

RATE_HZ: Final = 24_000

# These transcription models take several languages; all others take one, under another name.
_MULTILINGUAL: Final = frozenset({"gpt-transcribe", "gpt-live-transcribe"})

# Settings that a session can do without where the provider does not know them: param of the error -> key to drop.
_DISPENSABLE: Final = (
    "session.reasoning",
    "session.audio.input.noise_reduction",
    "session.audio.input.transcription.languages",
    "session.audio.input.transcription.language",
    "session.audio.output.speed",
)


def session_of(options: SessionOptions) -> dict[str, object]:
    """The `session` object of the first update."""
    session: dict[str, object] = {
        "type": "realtime",
        "instructions": options.instructions,
        "output_modalities": [str(options.output_modality)],
        "audio": {"input": _input(options), "output": _output(options)},
        "tools": _tools(options.tools),
        "tool_choice": "auto",
    }
    if options.reasoning_effort is not None:
        session["reasoning"] = {"effort": str(options.reasoning_effort)}
    if options.max_output_tokens is not None:
        session["max_output_tokens"] = options.max_output_tokens
    return session


def update_of(session: dict[str, object], request_id: str) -> dict[str, object]:
    """A `session.update` event."""
    return {"type": "session.update", "event_id": request_id, "session": session}


def changes_of(command: UpdateSession) -> dict[str, object]:
    """The `session` object of a later update. It never holds the voice, which is locked once the agent has spoken."""
    session: dict[str, object] = {"type": "realtime"}
    if command.speech_speed is not None:
        session["audio"] = {"output": {"speed": command.speech_speed}}
    if command.tools is not None:
        session["tools"] = _tools(command.tools)
    if command.tool_choice is not None:
        session["tool_choice"] = str(command.tool_choice)
    return session


def without(session: dict[str, object], param: str) -> dict[str, object] | None:
    """The settings without the one that `param` complains about; None if it is not there or cannot be spared."""
    for path in _DISPENSABLE:
        if param == path or param.startswith(f"{path}."):
            return _drop(session, path.split(".")[1:])
    return None


def _drop(settings: dict[str, object], path: list[str]) -> dict[str, object] | None:
    key, *rest = path
    if key not in settings:
        return None
    if not rest:
        return {name: value for name, value in settings.items() if name != key}
    inner = settings[key]
    smaller = _drop(inner, rest) if isinstance(inner, dict) else None
    return None if smaller is None else {**settings, key: smaller}


def _input(options: SessionOptions) -> dict[str, object]:
    noise_reduction = options.noise_reduction
    return {
        "format": {"type": "audio/pcm", "rate": RATE_HZ},
        "noise_reduction": None if noise_reduction is None else {"type": str(noise_reduction)},
        "transcription": _transcription(options.transcription_model, options.transcription_language),
        "turn_detection": _turn_detection(options.turn_detection),
    }


def _output(options: SessionOptions) -> dict[str, object]:
    output: dict[str, object] = {
        "format": {"type": "audio/pcm", "rate": RATE_HZ},
        "speed": options.speech_speed,
    }
    if options.voice is not None:
        output["voice"] = str(options.voice)
    return output


def _transcription(model: str | None, language: str | None) -> dict[str, object] | None:
    if model is None:
        return None
    transcription: dict[str, object] = {"model": str(model)}
    if language is not None and model in _MULTILINGUAL:
        transcription["languages"] = [language]
    elif language is not None:
        transcription["language"] = language
    return transcription


def _turn_detection(turn_detection: TurnDetection) -> dict[str, object] | None:
    # Both flags are sent: without `create_response` the server would still cancel a running response.
    flags = {"create_response": True, "interrupt_response": True}
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


def _tools(tools: Iterable[ToolDefinition]) -> list[dict[str, object]]:
    return [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.parameters),
        }
        for tool in tools
    ]
