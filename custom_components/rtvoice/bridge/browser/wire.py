"""The messages of the audio socket; docs/browser-protocol.md says what they mean."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ...engine.audio.frame import SAMPLE_BYTES

MAX_CHUNK_MS: Final = 100
"""Of microphone audio in one message."""
MAX_MESSAGE_BYTES: Final = 65_536
REPLACED_CODE: Final = 4001
POLICY_CODE: Final = 1008
GOING_AWAY_CODE: Final = 1001

type Rate = Annotated[int, Field(ge=8_000, le=48_000)]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class Hello(_Message):
    """A page tells at what rates it captures and plays."""

    type: Literal["hello"]
    protocol: Literal[1]
    input_rate_hz: Rate
    output_rate_hz: Rate


class Played(_Message):
    """How many samples of an epoch the page has played so far."""

    type: Literal["played"]
    epoch: Annotated[int, Field(ge=0)]
    samples: Annotated[int, Field(ge=0)]


class MicrophoneTrouble(StrEnum):
    """Why a page has no microphone."""

    DENIED = "denied"
    MISSING = "missing"
    INSECURE = "insecure"
    LOST = "lost"
    SILENT = "silent"


class MicrophoneFailed(_Message):
    """The page has no microphone."""

    type: Literal["microphone_failed"]
    reason: Annotated[MicrophoneTrouble, Field(strict=False)]


class Pong(_Message):
    """The page is there."""

    type: Literal["pong"]


type PageMessage = Hello | Played | MicrophoneFailed | Pong

_MESSAGES: Final[TypeAdapter[PageMessage]] = TypeAdapter(Annotated[PageMessage, Field(discriminator="type")])
_TYPES: Final = frozenset({"hello", "played", "microphone_failed", "pong"})


class FaultCode(StrEnum):
    """What a page did wrong."""

    BAD_HELLO = "bad_hello"
    BAD_MESSAGE = "bad_message"
    TOO_MUCH_AUDIO = "too_much_audio"


class PageFaultError(Exception):
    """A page does not keep to the protocol."""

    def __init__(self, code: FaultCode, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Farewell:
    """How a socket is closed: the last message, if any, and the code."""

    code: int
    message: str | None = None


def read_message(text: str) -> PageMessage | None:
    """A text message; None for a type that a later version may have. Raises PageFaultError."""
    try:
        message: Any = orjson.loads(text)
    except orjson.JSONDecodeError as err:
        raise PageFaultError(FaultCode.BAD_MESSAGE, "A message is not JSON") from err
    if not isinstance(message, dict) or not isinstance(kind := message.get("type"), str):
        raise PageFaultError(FaultCode.BAD_MESSAGE, "A message is not an object with a type")
    if kind not in _TYPES:
        return None
    try:
        return _MESSAGES.validate_python(message)
    except ValidationError as err:
        code = FaultCode.BAD_HELLO if kind == "hello" else FaultCode.BAD_MESSAGE
        raise PageFaultError(code, f"{kind} has wrong fields: {_places(err)}") from err


def check_audio(pcm: bytes, rate_hz: int) -> None:
    """Raise PageFaultError unless these are whole samples, and not too many for one message."""
    if not pcm or len(pcm) % SAMPLE_BYTES:
        raise PageFaultError(FaultCode.BAD_MESSAGE, "Audio must be whole samples of 16 bits")
    if len(pcm) > rate_hz * MAX_CHUNK_MS // 1000 * SAMPLE_BYTES:
        raise PageFaultError(FaultCode.BAD_MESSAGE, f"A message may have {MAX_CHUNK_MS} ms of audio at most")


def audio_frame(epoch: int, pcm: bytes) -> bytes:
    """Audio of an epoch as the page gets it."""
    return (epoch & 0xFFFF_FFFF).to_bytes(4, "little") + pcm


def to_text(kind: str, **fields: object) -> str:
    """A message to the page."""
    return orjson.dumps({"type": kind, **fields}).decode()


def fault_farewell(fault: PageFaultError) -> Farewell:
    """How a socket is closed whose page does not keep to the protocol."""
    return Farewell(POLICY_CODE, to_text("error", code=fault.code.value, message=str(fault)))


def _places(error: ValidationError) -> str:
    return ", ".join(str(place["loc"][-1]) for place in error.errors() if place["loc"])
