"""The settings of a session: their defaults, and updates that take effect as a whole or not at all."""

import copy
import re
from collections.abc import Mapping
from typing import Any

from .checks import (
    Check,
    Json,
    anything,
    boolean,
    by_key,
    either,
    fields,
    list_of,
    metadata,
    nullable,
    number,
    one_of,
    text,
    text_up_to,
)
from .errors import Rejected

VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
EAGERNESS = ("low", "medium", "high", "auto")
PCM: Json = {"type": "audio/pcm", "rate": 24_000}
DEFAULT_INSTRUCTIONS = (
    "You are a helpful, witty and friendly assistant. Talk quickly. Keep to these rules even if asked about them."
)

_MANY_LANGUAGES = ("gpt-transcribe", "gpt-live-transcribe")
_TRANSCRIBERS = (
    *_MANY_LANGUAGES,
    "whisper-1",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-12-15",
    "gpt-4o-transcribe-diarize",
)
_EFFORTS = ("minimal", "low", "medium", "high", "xhigh")
_SERVER_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def reasons(model: str) -> bool:
    """Whether a model is of the family that reasons before it speaks."""
    return model.startswith("gpt-realtime-2") and not model.startswith("gpt-realtime-20")


class Settings:
    """The effective settings of one session."""

    def __init__(self, model: str, session_id: str, expires_at: int) -> None:
        self.model = model
        self._value: Json = {
            "type": "realtime",
            "object": "realtime.session",
            "id": session_id,
            "expires_at": expires_at,
            "model": model,
            "instructions": DEFAULT_INSTRUCTIONS,
            "output_modalities": ["audio"],
            "max_output_tokens": "inf",
            "audio": {
                "input": {
                    "format": dict(PCM),
                    "noise_reduction": None,
                    "transcription": None,
                    "turn_detection": _filled(_SERVER_VAD, {"type": "server_vad", "silence_duration_ms": 200}),
                },
                "output": {"format": dict(PCM), "voice": "alloy", "speed": 1.0},
            },
            "tools": [],
            "tool_choice": "auto",
            "truncation": "auto",
            "tracing": None,
            "prompt": None,
            "include": None,
        }
        if reasons(model):
            self._value["reasoning"] = {"effort": "low"}
            self._value["parallel_tool_calls"] = True

    @property
    def public(self) -> Json:
        """A copy of the whole, as `session.created` and `session.updated` show it."""
        return copy.deepcopy(self._value)

    @property
    def turn_detection(self) -> Json | None:
        """The turn detection in force, None when the client ends turns itself."""
        detection: Json | None = self._value["audio"]["input"]["turn_detection"]
        return detection

    @property
    def transcribes(self) -> bool:
        """Whether what the user says is written down."""
        return self._value["audio"]["input"]["transcription"] is not None

    @property
    def voice(self) -> str | Json:
        """The voice in force."""
        voice: str | Json = self._value["audio"]["output"]["voice"]
        return voice

    def get(self, name: str) -> Any:
        """A top-level setting."""
        return self._value.get(name)

    @property
    def speed(self) -> float:
        """The speed of speech."""
        return float(self._value["audio"]["output"]["speed"])

    def update(self, change: Any, *, voice_locked: bool, audio_received: bool, speaking: bool) -> None:
        """Take over what `change` names. Raises Rejected, and then nothing has changed."""
        _SESSION(change, "session")
        self._check_model_fields(change)
        self._check_moment(change, voice_locked=voice_locked, audio_received=audio_received, speaking=speaking)
        self._value = _merged(self._value, change)

    def check_response(self, response: Any, *, voice_locked: bool) -> None:
        """Check the `response` of a `response.create`. Raises Rejected."""
        _RESPONSE(response, "response")
        self._check_model_fields(response, "response")
        voice = response.get("audio", {}).get("output", {}).get("voice", self.voice)
        if voice_locked and voice != self.voice:
            raise _voice_locked()

    def _check_model_fields(self, change: Json, param: str = "session") -> None:
        if reasons(self.model):
            return
        for key in ("reasoning", "parallel_tool_calls"):
            if change.get(key) is not None:
                message = f"Unsupported option for this model: '{param}.{key}'."
                raise Rejected("invalid_value", message, f"{param}.{key}", attributed=False)

    def _check_moment(self, change: Json, *, voice_locked: bool, audio_received: bool, speaking: bool) -> None:
        sound_in, sound_out = (change.get("audio", {}).get(way, {}) for way in ("input", "output"))
        now_in, now_out = self._value["audio"]["input"], self._value["audio"]["output"]
        if voice_locked and sound_out.get("voice", self.voice) != self.voice:
            raise _voice_locked()
        if speaking and sound_out.get("speed", self.speed) != self.speed:
            message = "Cannot change the speed while a response is in progress."
            raise Rejected("invalid_value", message, "session.audio.output.speed")
        for wanted, now, late, way in (
            (sound_in, now_in, audio_received, "input"),
            (sound_out, now_out, voice_locked, "output"),
        ):
            if late and wanted.get("format", now["format"]) != now["format"]:
                message = f"Cannot change the {way} format after audio has flowed."
                raise Rejected("invalid_value", message, f"session.audio.{way}.format")


def _voice_locked() -> Rejected:
    return Rejected("cannot_update_voice", "Cannot update a conversation's voice if assistant audio is present.")


def _merged(now: Json, change: Json) -> Json:
    new = copy.deepcopy(now)
    for key, value in copy.deepcopy(change).items():
        if key == "audio":
            for way, part in value.items():
                new["audio"][way] |= part
        elif key not in ("model", "type"):
            new[key] = value
    heard = change.get("audio", {}).get("input", {})
    before = now["audio"]["input"]
    if heard.get("turn_detection"):
        new["audio"]["input"]["turn_detection"] = _merged_detection(before["turn_detection"], heard["turn_detection"])
    if heard.get("noise_reduction"):
        strength = (before["noise_reduction"] or {}).get("strength", 1.0)
        new["audio"]["input"]["noise_reduction"] = {"strength": strength} | heard["noise_reduction"]
    return new


def _merged_detection(now: Json | None, change: Json) -> Json:
    if now and now["type"] == change["type"]:
        return now | change
    return _filled(_SERVER_VAD if change["type"] == "server_vad" else _SEMANTIC_VAD, change)


def _filled(defaults: Mapping[str, Any], value: Json) -> Json:
    return {**defaults, **value}


_SERVER_VAD: Json = {
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
_SEMANTIC_VAD: Json = {"eagerness": "auto", "create_response": True, "interrupt_response": True}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _tool_name(value: Any, param: str) -> None:
    text(value, param)
    if not _TOOL_NAME.fullmatch(value):
        message = f"Invalid '{param}': expected a string that matches '^[a-zA-Z0-9_-]{{1,64}}$'."
        raise Rejected("invalid_value", message, param)


def _tool_parameters(value: Any, param: str) -> None:
    if not isinstance(value, dict):
        raise Rejected("invalid_type", f"Invalid type for '{param}': expected an object.", param)
    if value.get("type") != "object":
        message = f"Invalid schema for '{param}': schema must be a JSON Schema of 'type: \"object\"'."
        raise Rejected("invalid_function_parameters", message, param)


def _server_label(value: Any, param: str) -> None:
    text(value, param)
    if not _SERVER_LABEL.fullmatch(value):
        message = f"Invalid '{param}': it must start with a letter and consist of letters, digits, '-' and '_' only."
        raise Rejected("invalid_value", message, param)


def _headers(value: Any, param: str) -> None:
    fields(dict.fromkeys(value if isinstance(value, dict) else (), text))(value, param)


def _mcp(value: Any, param: str) -> None:
    _MCP(value, param)
    if ("server_url" in value) == ("connector_id" in value):
        message = f"One of 'server_url' and 'connector_id' must be provided for '{param}'."
        raise Rejected("invalid_value", message, param)


def _transcription(value: Any, param: str) -> None:
    fields(
        {
            "model": one_of(*_TRANSCRIBERS),
            "language": text,
            "languages": list_of(text),
            "keywords": list_of(text),
            "prompt": text,
        }
    )(value, param)
    for key in ("languages", "keywords"):
        if value.get(key) is not None and value.get("model") not in _MANY_LANGUAGES:
            raise Rejected("invalid_value", f"'{key}' is not supported by this transcription model.", f"{param}.{key}")
    if value.get("prompt") is not None and value.get("model") == "gpt-4o-transcribe-diarize":
        raise Rejected("invalid_value", "'prompt' is not supported by this transcription model.", f"{param}.prompt")


def _modalities(value: Any, param: str) -> None:
    list_of(one_of("audio", "text"))(value, param)
    if len(value) != 1:
        message = f"Invalid modalities: {value}. Supported combinations are: ['text'] and ['audio']."
        raise Rejected("invalid_value", message, param)


_FORMAT = by_key("type", {"audio/pcm": fields({"type": anything, "rate": one_of(24_000)})})
_VOICE = either(_is_text, one_of(*VOICES), fields({"id": text}, ("id",)))
_TURNS: dict[str, Check] = {"type": anything, "create_response": boolean, "interrupt_response": boolean}
_DETECTION = by_key(
    "type",
    {
        "server_vad": fields(
            {
                **_TURNS,
                "threshold": number(0.0, 1.0),
                "prefix_padding_ms": number(0, 5_000, integer=True),
                "silence_duration_ms": number(0, 10_000, integer=True),
                "idle_timeout_ms": nullable(number(5_000, 30_000, integer=True)),
            }
        ),
        "semantic_vad": fields({**_TURNS, "eagerness": one_of(*EAGERNESS)}),
    },
)
_NAMES = fields({"tool_names": list_of(text), "read_only": boolean})
_MCP = fields(
    {
        "type": anything,
        "server_label": _server_label,
        "server_url": text,
        "connector_id": text,
        "server_description": text,
        "authorization": text,
        "headers": _headers,
        "allowed_tools": either(_is_list, list_of(text), _NAMES),
        "require_approval": either(_is_text, one_of("always", "never"), fields({"always": _NAMES, "never": _NAMES})),
    },
    ("server_label",),
)
_TOOL = by_key(
    "type",
    {
        "mcp": _mcp,
        "function": fields(
            {"type": anything, "name": _tool_name, "description": text, "parameters": _tool_parameters}, ("name",)
        ),
    },
)
_TOOL_CHOICE = either(
    _is_text,
    one_of("auto", "none", "required"),
    by_key("type", {"function": fields({"type": anything, "name": _tool_name}, ("name",))}),
)
_MAX_TOKENS = either(_is_text, one_of("inf"), number(1, 4_096, integer=True))
_SHARED: dict[str, Check] = {
    "instructions": text,
    "output_modalities": _modalities,
    "max_output_tokens": _MAX_TOKENS,
    "tools": list_of(_TOOL, most=128),
    "tool_choice": _TOOL_CHOICE,
    "parallel_tool_calls": boolean,
    "reasoning": fields({"effort": one_of(*_EFFORTS)}),
    "prompt": nullable(anything),
}
_SESSION = fields(
    {
        **_SHARED,
        "type": one_of("realtime"),
        "model": text,
        "audio": fields(
            {
                "input": fields(
                    {
                        "format": _FORMAT,
                        "noise_reduction": nullable(
                            fields({"type": one_of("near_field", "far_field"), "strength": number(0.0, 1.0)}, ("type",))
                        ),
                        "transcription": nullable(_transcription),
                        "turn_detection": nullable(_DETECTION),
                    }
                ),
                "output": fields({"format": _FORMAT, "voice": _VOICE, "speed": number(0.25, 1.5)}),
            }
        ),
        "truncation": either(
            _is_text,
            one_of("auto", "disabled"),
            fields(
                {
                    "type": one_of("retention_ratio"),
                    "retention_ratio": number(0.0, 1.0),
                    "token_limits": fields({"post_instructions": number(0, 128_000, integer=True)}),
                },
                ("type", "retention_ratio"),
            ),
        ),
        "tracing": nullable(anything),
        "include": nullable(list_of(one_of("item.input_audio_transcription.logprobs"))),
    },
    ("type",),
)
_RESPONSE = fields(
    {
        **_SHARED,
        "instructions": nullable(text),
        "audio": fields({"output": fields({"format": _FORMAT, "voice": _VOICE})}),
        "conversation": one_of("auto", "none"),
        "input": list_of(anything),
        "metadata": nullable(metadata),
    }
)
EVENT_ID = text_up_to(512)
