"""What an agent's parameters mean."""

import warnings
from collections.abc import Sequence

from .conversation.values import ItemKind, NewItem
from .events import ConfigureSessionCommand
from .options import OutputModality, RealtimeModel, SessionOptions, TranscriptionModel
from .results import ConversationTurn
from .tools import Tools

_RETIRED: dict[str, str] = {
    RealtimeModel.GPT_REALTIME: "2027-01-20",
    RealtimeModel.GPT_REALTIME_MINI: "2027-01-20",
    TranscriptionModel.WHISPER_1: "2027-02-26",
}


_IMAGE_PREFIXES = ("data:image/png;base64,", "data:image/jpeg;base64,")


def check_image(image: str | None) -> None:
    """Raise ValueError for anything but a data URL of a picture that models take."""
    if image is not None and not image.startswith(_IMAGE_PREFIXES):
        raise ValueError("An image must be a base64 data URL of type image/png or image/jpeg")


def settings_told(options: SessionOptions, tools: Tools) -> ConfigureSessionCommand:
    """Tell what a session is set up with."""
    return ConfigureSessionCommand(
        model=str(options.model),
        instructions=options.instructions,
        voice=options.voice,
        speech_speed=options.speech_speed,
        transcription_model=options.transcription_model,
        output_modalities=(options.output_modality.value,),
        noise_reduction=None if options.noise_reduction is None else options.noise_reduction.value,
        turn_detection=options.turn_detection.kind,
        tools=tools.names(),
    )


def recalled(index: int, turn: ConversationTurn) -> NewItem:
    """Make an item of something said earlier."""
    kind = ItemKind.USER_MESSAGE if turn.role == "user" else ItemKind.AGENT_MESSAGE
    return NewItem(kind, turn.transcript, item_id=f"earlier-{index}")


def clamped(speed: float, slowest: float) -> float:
    """Keep a speed within `slowest` and 1.5, with a warning."""
    if not slowest <= speed <= 1.5:
        warnings.warn(f"The speech speed {speed} is clamped to {slowest} to 1.5", stacklevel=3)
    return min(max(speed, slowest), 1.5)


def modality(modalities: Sequence[OutputModality | str] | None) -> OutputModality:
    """Audio if it is among them: the API allows one, and the transcript of audio is text."""
    wanted = {OutputModality(each) for each in modalities or (OutputModality.AUDIO,)}
    return OutputModality.AUDIO if OutputModality.AUDIO in wanted else OutputModality.TEXT


def timeout(seconds: float | None, *, enabled: bool) -> float | None:
    """Return the inactivity timeout that is in force. Raises ValueError for contradictions."""
    if seconds is not None and seconds <= 0:
        raise ValueError("The inactivity timeout must be positive")
    if enabled and seconds is None:
        raise ValueError("The inactivity timeout needs `inactivity_timeout_seconds`")
    if seconds is not None and not enabled:
        warnings.warn("`inactivity_timeout_seconds` needs `inactivity_timeout_enabled=True`", stacklevel=3)
    return seconds if enabled else None


def warn_of_retired(*models: str | None) -> None:
    """Warn of models that will be shut down."""
    for model in models:
        if model in _RETIRED:
            message = f"The model {model!s} will be shut down on {_RETIRED[model]}"
            warnings.warn(message, DeprecationWarning, stacklevel=3)
