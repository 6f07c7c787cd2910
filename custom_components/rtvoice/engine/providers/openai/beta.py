"""The style of the beta, which older servers still speak: flat settings and shorter names."""

from typing import Final

from ...conversation.effects import UpdateSession
from ...options import OutputModality, SessionOptions
from .session_config import tools_of, turn_detection_of
from .style import Settings, Style

_DISPENSABLE: Final = {
    path: path
    for path in (
        "session.input_audio_noise_reduction",
        "session.input_audio_transcription.language",
        "session.input_audio_transcription.model",
        "session.input_audio_format",
        "session.output_audio_format",
        "session.speed",
        "session.turn_detection.eagerness",
        "session.turn_detection.create_response",
        "session.turn_detection.interrupt_response",
    )
} | {
    # Every server of this kind has a detection of turns by default, but not every one knows more kinds of it.
    "session.turn_detection.type": "session.turn_detection"
}

_WORDS: Final = ["text"]
_SPEECH: Final = ["text", "audio"]


def beta_style(*, nested_tools: bool = False) -> Style:
    """The style; with `nested_tools` functions are written as the chat API writes them."""

    def tools(options: SessionOptions | UpdateSession) -> list[Settings]:
        flat = tools_of(options.tools or ())
        return [_nested(tool) for tool in flat] if nested_tools else flat

    def session_of(options: SessionOptions) -> Settings:
        return {**_audio(options), **_model(options), "tools": tools(options), "tool_choice": "auto"}

    def changes_of(command: UpdateSession) -> Settings:
        session: Settings = {}
        if command.speech_speed is not None:
            session["speed"] = command.speech_speed
        if command.tools is not None:
            session["tools"] = tools(command)
        if command.tool_choice is not None:
            session["tool_choice"] = str(command.tool_choice)
        return session

    return Style(session_of, changes_of, _DISPENSABLE, agent_text="text")


def _audio(options: SessionOptions) -> Settings:
    session: Settings = {
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": _transcription(options),
        "turn_detection": turn_detection_of(options),
    }
    if options.noise_reduction is not None:
        session["input_audio_noise_reduction"] = {"type": str(options.noise_reduction)}
    if options.voice is not None:
        session["voice"] = str(options.voice)
    if options.speech_speed != 1.0:
        # The first servers did not know it.
        session["speed"] = options.speech_speed
    return session


def _model(options: SessionOptions) -> Settings:
    session: Settings = {
        "modalities": _WORDS if options.output_modality is OutputModality.TEXT else _SPEECH,
        "instructions": options.instructions,
    }
    if options.max_output_tokens is not None:
        session["max_response_output_tokens"] = options.max_output_tokens
    return session


def _transcription(options: SessionOptions) -> Settings | None:
    if options.transcription_model is None:
        return None
    transcription: Settings = {"model": str(options.transcription_model)}
    if options.transcription_language is not None:
        transcription["language"] = options.transcription_language
    return transcription


def _nested(tool: Settings) -> Settings:
    return {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}
