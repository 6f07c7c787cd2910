"""All that the conversation wants done, in the imperative."""

from dataclasses import dataclass

from ..errors import EndReason, EngineError
from ..events import SessionEvent
from .facts import Timer
from .values import ApprovalRequest, Cue, NewItem, ToolCall, ToolChoice, ToolDefinition

# --- what the provider is told ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """Ask the model to speak. `request_id` comes back in `ResponseStarted` and `RequestRejected`."""

    request_id: str
    instructions: str | None = None
    """Replaces the session's instructions for this response."""
    tool_choice: ToolChoice | None = None


@dataclass(frozen=True, slots=True)
class CancelResponse:
    """Stop generating."""

    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class TruncateItem:
    """Tell the model how much of an item was heard."""

    item_id: str
    audio_end_ms: int
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """Take an item out of the conversation."""

    item_id: str


@dataclass(frozen=True, slots=True)
class SendToolOutput:
    """Answer a tool call."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class AnswerApproval:
    """Allow a call that the provider makes by itself, or refuse it; `reason` is told to the model."""

    request_id: str
    approved: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AddItem:
    """Add a message to the conversation."""

    item: NewItem


@dataclass(frozen=True, slots=True)
class UpdateSession:
    """Change settings; None leaves a setting as it is."""

    request_id: str
    speech_speed: float | None = None
    tools: tuple[ToolDefinition, ...] | None = None
    tool_choice: ToolChoice | None = None


@dataclass(frozen=True, slots=True)
class CommitInput:
    """Push-to-talk: make a turn of the audio sent so far."""


@dataclass(frozen=True, slots=True)
class ClearInput:
    """Forget the audio sent but not yet committed."""


type ModelCommand = (
    CreateResponse
    | CancelResponse
    | TruncateItem
    | DeleteItem
    | SendToolOutput
    | AnswerApproval
    | AddItem
    | UpdateSession
    | CommitInput
    | ClearInput
)

MODEL_COMMANDS = (
    CreateResponse,
    CancelResponse,
    TruncateItem,
    DeleteItem,
    SendToolOutput,
    AnswerApproval,
    AddItem,
    UpdateSession,
    CommitInput,
    ClearInput,
)

# --- what is done on our side -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Play:
    """Queue audio for the speaker; 16-bit PCM at the provider's output rate."""

    item_id: str
    content_index: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class PlayCue:
    """Queue a sound of our own for the speaker, behind the audio of items; it belongs to none of them."""

    cue: Cue


@dataclass(frozen=True, slots=True)
class ClearPlayout:
    """Silence the speaker at once and drop what is queued."""


@dataclass(frozen=True, slots=True)
class FinishPlayout:
    """Nothing follows what was queued for the speaker: a response has come to its end."""


@dataclass(frozen=True, slots=True)
class StartTool:
    """Run a tool."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class CancelTool:
    """Stop a running tool; its result still comes, as a fact."""

    call_id: str


@dataclass(frozen=True, slots=True)
class AskApproval:
    """Have it decided whether a call may be made."""

    request: ApprovalRequest


@dataclass(frozen=True, slots=True)
class DropApproval:
    """Stop deciding: nobody waits for it any more. A decision may still come, as a fact."""

    request_id: str


@dataclass(frozen=True, slots=True)
class ArmTimer:
    """Send `TimerFired(timer)` after `after_s`; replaces an earlier arming of the same timer."""

    timer: Timer
    after_s: float


@dataclass(frozen=True, slots=True)
class DisarmTimer:
    """Forget a deadline."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class GateInput:
    """Let the microphone through, or send silence in its place."""

    open: bool
    recall_s: float = 0.0
    """When it opens: how many of the last seconds are sent now, though the gate was closed when they were heard."""


@dataclass(frozen=True, slots=True)
class OpenInput:
    """Let the microphone's audio flow, as soon as the commands before this are sent."""


@dataclass(frozen=True, slots=True)
class HoldInput:
    """Keep the audio sent from a moment ago on, so that it can be sent again if the link breaks."""


@dataclass(frozen=True, slots=True)
class MarkSpeechEnd:
    """The user's last word ended so many seconds of audio before the end of what has been sent."""

    ago_s: float


@dataclass(frozen=True, slots=True)
class EndTurn:
    """Push-to-talk: what is captured from now on is no part of the turn that is to be committed."""


@dataclass(frozen=True, slots=True)
class KeepTurn:
    """What was held is now the provider's item; keep it until its words are known.

    What was sent after it was committed is no part of it or, where the provider heard its end by itself, what was sent
    after that end.
    """

    item_id: str


@dataclass(frozen=True, slots=True)
class ForgetCommit:
    """The provider made no turn of what it was to commit first: there was nothing in it."""


@dataclass(frozen=True, slots=True)
class DropTurn:
    """The words of a turn are known; its audio is not needed any more."""

    item_id: str


@dataclass(frozen=True, slots=True)
class RecallTurn:
    """Add a turn to the conversation again as audio, if it was kept, since its words are not known."""

    item_id: str


@dataclass(frozen=True, slots=True)
class RollOver:
    """Move to a fresh link now, while nobody speaks."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Tell the observers."""

    event: SessionEvent


@dataclass(frozen=True, slots=True)
class Close:
    """End the session."""

    reason: EndReason
    error: EngineError | None = None


type ToolEffect = StartTool | CancelTool | AskApproval | DropApproval

type InputEffect = GateInput | OpenInput | HoldInput | MarkSpeechEnd | EndTurn | KeepTurn | ForgetCommit | DropTurn

type OwnEffect = (
    Play
    | PlayCue
    | ClearPlayout
    | FinishPlayout
    | ToolEffect
    | ArmTimer
    | DisarmTimer
    | InputEffect
    | RecallTurn
    | RollOver
    | Publish
    | Close
)

type Effect = ModelCommand | OwnEffect
