"""What the engine's user asked for, in the past tense as all facts are."""

from dataclasses import dataclass

from ..errors import EndReason
from .values import ToolChoice, ToolDefinition


@dataclass(frozen=True, slots=True)
class InterruptAsked:
    """Fall silent now and drop what was going to be said.

    Unless `heard_s` is None, the user has been speaking to the agent for so long, and it shall hear that.
    """

    heard_s: float | None = None


@dataclass(frozen=True, slots=True)
class SayAsked:
    """Speak this, in these words."""

    text: str


@dataclass(frozen=True, slots=True)
class MessageSent:
    """The user typed something (with a picture, as a data URL) and expects an answer."""

    text: str
    image: str | None = None


@dataclass(frozen=True, slots=True)
class ResponseAsked:
    """Speak next, following `instructions` (None: as the conversation stands)."""

    instructions: str | None = None


@dataclass(frozen=True, slots=True)
class NoteAdded:
    """The agent shall know something that the user did not say; with `respond` it speaks about it."""

    text: str
    respond: bool = False


@dataclass(frozen=True, slots=True)
class WordsLent:
    """The agent shall believe that it has said this; nobody heard it from it."""

    text: str


@dataclass(frozen=True, slots=True)
class MuteChanged:
    """The microphone was muted or opened."""

    muted: bool


@dataclass(frozen=True, slots=True)
class SpeedChanged:
    """The agent shall speak slower or faster, from its next response on."""

    speed: float


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """Push-to-talk: the user released the button; without `respond` the answer waits until it is asked for."""

    respond: bool = True


@dataclass(frozen=True, slots=True)
class ToolsChanged:
    """Other tools are at hand from now on."""

    tools: tuple[ToolDefinition, ...]


@dataclass(frozen=True, slots=True)
class ToolChoiceChanged:
    """Whether responses may call tools from now on."""

    choice: ToolChoice


@dataclass(frozen=True, slots=True)
class StopAsked:
    """End the session; with `when_silent`, after the agent has finished speaking.

    With a `farewell`, which says what about, it speaks once more before that, unless the session was ending already.
    """

    reason: EndReason = EndReason.STOPPED
    when_silent: bool = False
    farewell: str | None = None


type UserCommand = (
    InterruptAsked
    | SayAsked
    | MessageSent
    | ResponseAsked
    | NoteAdded
    | WordsLent
    | MuteChanged
    | SpeedChanged
    | TurnEnded
    | ToolsChanged
    | ToolChoiceChanged
    | StopAsked
)
