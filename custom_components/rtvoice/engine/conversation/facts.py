"""All that reaches the conversation, in the past tense."""

from dataclasses import dataclass
from enum import StrEnum

from ..errors import EngineError
from .remote_facts import ApprovalDecided, RemoteEvent
from .user_commands import UserCommand
from .values import (
    ItemKind,
    ProviderFault,
    ResponseStatus,
    ResponseUsage,
    ToolCall,
    ToolOutcome,
)

# --- what the provider told -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The model began a response. `request_id` is that of the `CreateResponse` behind it, None for the server's own."""

    response_id: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """An item took its place in the conversation, behind `previous_item_id` (None: unknown, at the end)."""

    item_id: str
    kind: ItemKind
    previous_item_id: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class AudioDelta:
    """A piece of an agent message's audio, 16-bit PCM at the provider's output rate."""

    response_id: str
    item_id: str
    content_index: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class AudioFinished:
    """All audio of this content part has arrived."""

    response_id: str
    item_id: str
    content_index: int


@dataclass(frozen=True, slots=True)
class TranscriptDelta:
    """A piece of what the agent says. `spoken` is False for text that has no audio."""

    response_id: str
    item_id: str
    content_index: int
    text: str
    spoken: bool = True
    output_index: int = 0


@dataclass(frozen=True, slots=True)
class TranscriptFinished:
    """All that the agent says in this content part."""

    response_id: str
    item_id: str
    content_index: int
    text: str
    spoken: bool = True
    output_index: int = 0


@dataclass(frozen=True, slots=True)
class ResponseFinished:
    """A response ended. `calls` are the tool calls in it, in the model's order."""

    response_id: str
    status: ResponseStatus
    calls: tuple[ToolCall, ...] = ()
    usage: ResponseUsage = ResponseUsage()
    reason: str | None = None
    """Why it was cancelled or is incomplete, in the provider's word."""
    fault: ProviderFault | None = None
    """Why it failed."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The provider heard the user begin to speak; `item_id` will be the turn's item."""

    item_id: str | None = None
    audio_start_ms: int = 0


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The provider heard the user stop. `ended_ago_s`: how long before this fact the last word ended."""

    item_id: str | None = None
    audio_end_ms: int = 0
    ended_ago_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TurnCommitted:
    """What the user said became an item of the conversation."""

    item_id: str
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True)
class UserTranscriptDelta:
    """A piece of what the user said."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class UserTranscriptFinished:
    """What the user said. `seconds` and `usage` are what the transcription cost, where the provider says so."""

    item_id: str
    text: str
    seconds: float | None = None
    usage: ResponseUsage = ResponseUsage()


@dataclass(frozen=True, slots=True)
class UserTranscriptFailed:
    """What the user said could not be written down; the turn itself is unaffected."""

    item_id: str
    fault: ProviderFault


@dataclass(frozen=True, slots=True)
class ItemTruncated:
    """The provider cut an item's audio and transcript at `audio_end_ms`."""

    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class ItemDeleted:
    """The provider removed an item."""

    item_id: str


@dataclass(frozen=True, slots=True)
class SessionUpdated:
    """The provider took over changed settings."""


class Rejection(StrEnum):
    """Why a request was refused, as far as the conversation has to know."""

    ALREADY_RESPONDING = "already_responding"
    """A response was asked for while another one was running."""
    NOTHING_TO_CANCEL = "nothing_to_cancel"
    EMPTY_INPUT = "empty_input"
    """There was too little audio to make a turn of."""
    ITEM_GONE = "item_gone"
    """An item is unknown, has no audio, or is shorter than what was to be cut off."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RequestRejected:
    """The provider refused a request. `request_id` is that of the command, where it is known."""

    fault: ProviderFault
    request_id: str | None = None
    rejection: Rejection = Rejection.OTHER


type ModelEvent = (
    ResponseStarted
    | ItemAdded
    | AudioDelta
    | AudioFinished
    | TranscriptDelta
    | TranscriptFinished
    | ResponseFinished
    | SpeechStarted
    | SpeechStopped
    | TurnCommitted
    | UserTranscriptDelta
    | UserTranscriptFinished
    | UserTranscriptFailed
    | ItemTruncated
    | ItemDeleted
    | SessionUpdated
    | RequestRejected
    | RemoteEvent
)

# --- what happened on our side ----------------------------------------------------------------------------------------


class Timer(StrEnum):
    """The deadlines there are; each is armed at most once at a time."""

    INACTIVITY = "inactivity"
    RESPONSE_REQUEST = "response_request"
    """A requested response did not begin."""
    RESPONSE_PROGRESS = "response_progress"
    """A response went silent before it was finished."""
    TURN_ANSWER = "turn_answer"
    """A finished user turn got no response."""
    USER_SPEECH = "user_speech"
    """Speech of the user did not end."""
    HALF_DUPLEX = "half_duplex"
    """The echo of what the agent said has died away."""
    MAX_LENGTH = "max_length"
    """The session has lasted as long as its owner allows."""
    REMOTE_CALL = "remote_call"
    ROLLOVER = "rollover"
    """The provider will soon end the session because of its length."""


@dataclass(frozen=True, slots=True)
class SessionReady:
    """The provider took over the settings; audio may flow. It comes again when a lost link was made anew."""


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The link broke and is being made anew; the provider will have forgotten everything."""


@dataclass(frozen=True, slots=True)
class ToolCallFinished:
    """A tool returned, failed, timed out or was cancelled: a result there is always."""

    call_id: str
    outcome: ToolOutcome
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ToolProgressed:
    """A running tool has something to tell."""

    call_id: str
    text: str


@dataclass(frozen=True, slots=True)
class BackgroundWorkChanged:
    """Something is being worked on that no tool call waits for, or no longer."""

    working: bool


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A deadline passed."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class PlayoutStarted:
    """The first sample of an item was heard, or the first after a gap in it."""

    item_id: str


@dataclass(frozen=True, slots=True)
class PlayoutDrained:
    """All that was given to the speaker since the last clear was heard; `chunks` counts the `Play` effects so far."""

    chunks: int


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """The link or a device failed for good."""

    error: EngineError


type OwnFact = (
    SessionReady
    | LinkLost
    | ToolCallFinished
    | ToolProgressed
    | BackgroundWorkChanged
    | TimerFired
    | PlayoutStarted
    | PlayoutDrained
    | SessionFailed
)

type Fact = ModelEvent | OwnFact | ApprovalDecided | UserCommand
