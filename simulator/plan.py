"""What a brain wants: speech, tool calls, and faults where a test asks for them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from .checks import Json
from .conversation import Item

# --- faults -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fail:
    """The response ends as failed, with this error."""

    code: str = "server_error"
    message: str = "The server had an error while processing your request."
    kind: str = "server_error"


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The response ends as incomplete."""

    reason: Literal["max_output_tokens", "content_filter"] = "max_output_tokens"


@dataclass(frozen=True, slots=True)
class Cut:
    """The socket breaks without a close frame."""


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """An `error` event (unless `error` is None), then a close frame."""

    code: int = 1011
    reason: str = ""
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Garbage:
    """A frame that is no event (text or binary); the response goes on."""

    frame: str | bytes = "{not json"


@dataclass(frozen=True, slots=True)
class Stall:
    """The response pauses; None: until it is cancelled or the connection ends."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No response begins at all. Only as `Plan.before`."""


type Fault = Fail | Incomplete | Cut | CloseSocket | Garbage | Stall | NoAnswer

# --- what is said and done --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Say:
    """One message item. Without `audio` (16-bit mono PCM, 24 kHz) a tone of `seconds` stands for the voice."""

    text: str
    seconds: float | None = None
    """None: as long as saying the text would take."""
    audio: bytes | None = None
    phase: Literal["commentary", "final_answer"] | None = None
    fault: Fault | None = None
    """What goes wrong in the middle of it, after `fault_after_ms` of its audio."""
    fault_after_ms: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call; `arguments` as a string goes out as it is, valid JSON or not."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteCall:
    """One call of a tool on an MCP server that the client has the server run; asks for approval where it needs one."""

    name: str
    server: str
    """Its label."""
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    output: str = ""
    error: str | None = None
    """The call fails with this message."""
    seconds: float = 0.05
    """How long it takes."""


type Step = Say | Call | RemoteCall | Fault


@dataclass(frozen=True, slots=True)
class Plan:
    """One response: its items in order, with faults between them."""

    steps: tuple[Step, ...] = ()
    delay_s: float = 0.0
    """Time between `response.created` and the first item."""
    before: Fault | None = None
    """What goes wrong before `response.created`."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the brain understood of a turn, and how its transcription goes."""

    text: str
    delay_s: float = 0.0
    """How much later than the hearing the transcript comes."""
    error: str | None = None
    """The transcription fails with this message."""
    written: bool = True
    """False: no transcript ever comes."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a brain knows when it answers."""

    instructions: str
    """The session's."""
    tools: tuple[Json, ...] = ()
    items: tuple[Item, ...] = ()
    """The conversation (or the request's own input), oldest first."""
    response_instructions: str | None = None
    """What a `response.create` gave instead of the session's instructions."""
    tool_choice: Any = "auto"
    modality: str = "audio"
    voice: str = "alloy"
    speed: float = 1.0
    metadata: Mapping[str, str] | None = None
    by_request: bool = False
    """Whether a client event asked for the response, rather than the end of a user turn."""


class Brain(Protocol):
    """Hears and answers. One brain serves all connections; it must not block the event loop."""

    async def start(self) -> None:
        """Get ready. Raises SimulatorSetupError when something is missing."""

    async def close(self) -> None:
        """Release what `start` took."""

    def before_response(self, context: Context) -> Fault | None:
        """What goes wrong before `response.created`."""

    async def hear(self, audio: bytes, context: Context) -> Heard:
        """Understand one turn of the user's, 16-bit mono PCM at 24 kHz."""

    async def respond(self, context: Context) -> Plan:
        """Plan one response."""


def tone(seconds: float, *, hz: float = 220.0, level: float = 0.2) -> bytes:
    """A sine tone as 16-bit mono PCM at 24 kHz."""
    times = np.arange(round(seconds * 24_000)) / 24_000
    return (np.sin(times * hz * math.tau) * level * 32_767).astype("<i2").tobytes()


def spoken_seconds(text: str) -> float:
    """How long it takes to say a text, at about 15 characters a second."""
    return max(0.4, round(len(text) / 15, 2))
