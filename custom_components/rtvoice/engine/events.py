"""What observers of an agent see (events) and may ask for (commands)."""

from dataclasses import dataclass, field
from enum import StrEnum

from .errors import EndReason


@dataclass(frozen=True, slots=True)
class AgentError:
    """An error in words: its kind, what happened, and the provider's own code and parameter if it gave any."""

    type: str
    message: str
    code: str | None = None
    param: str | None = None

    def __str__(self) -> str:
        return f"[{self.type}] {self.message}"


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """Base of all events; subscribing to it subscribes to everything."""


@dataclass(frozen=True, slots=True)
class AgentStartingEvent(SessionEvent):
    """`run()` was called; nothing has been connected yet."""


@dataclass(frozen=True, slots=True)
class AgentSessionConnectedEvent(SessionEvent):
    """The provider is ready and audio flows."""


@dataclass(frozen=True, slots=True)
class AgentStoppedEvent(SessionEvent):
    """The session has ended and everything of it is closed."""

    reason: EndReason = EndReason.STOPPED


@dataclass(frozen=True, slots=True)
class AgentStateChangedEvent(SessionEvent):
    """The agent does something else now; `state` is a value of `AgentState`."""

    state: str


@dataclass(frozen=True, slots=True)
class AgentErrorEvent(SessionEvent):
    """Something went wrong; the session lives on unless `AgentStoppedEvent` follows."""

    error: AgentError
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class UserStartedSpeakingEvent(SessionEvent):
    """The user began to speak."""


@dataclass(frozen=True, slots=True)
class UserStoppedSpeakingEvent(SessionEvent):
    """The user stopped speaking."""


@dataclass(frozen=True, slots=True)
class UserTranscriptChunkReceivedEvent(SessionEvent):
    """A piece of what the user said."""

    chunk: str
    item_id: str = ""


@dataclass(frozen=True, slots=True)
class UserTranscriptCompletedEvent(SessionEvent):
    """What the user said in a turn."""

    transcript: str
    item_id: str = ""


@dataclass(frozen=True, slots=True)
class UserTranscriptFailedEvent(SessionEvent):
    """What the user said could not be written down; the agent heard it all the same."""

    item_id: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class AssistantStartedRespondingEvent(SessionEvent):
    """The model began a response."""

    response_id: str = ""


@dataclass(frozen=True, slots=True)
class AssistantStoppedRespondingEvent(SessionEvent):
    """The response is finished and all of its audio was heard."""


@dataclass(frozen=True, slots=True)
class AssistantTranscriptChunkReceivedEvent(SessionEvent):
    """A piece of an answer in text (no audio)."""

    chunk: str
    item_id: str = ""


@dataclass(frozen=True, slots=True)
class AssistantTranscriptDeltaEvent(SessionEvent):
    """A piece of what the agent says or writes, before it is heard."""

    delta: str
    item_id: str
    output_index: int = 0
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class AssistantTranscriptCompletedEvent(SessionEvent):
    """All that the agent says in an item. An interruption may follow; see `AssistantInterruptedEvent.transcript`."""

    transcript: str
    item_id: str
    output_index: int = 0
    content_index: int = 0


@dataclass(frozen=True, slots=True)
class AssistantInterruptedEvent(SessionEvent):
    """The agent fell silent before it had finished: `played_ms` of the item were heard, about `transcript`."""

    item_id: str | None = None
    played_ms: int = 0
    transcript: str = ""


@dataclass(frozen=True, slots=True)
class AudioPlaybackCompletedEvent(SessionEvent):
    """The speaker has played everything it was given."""


@dataclass(frozen=True, slots=True)
class ResponseLatencyEvent(SessionEvent):
    """Seconds from the end of the user's speech to the first sample of the answer."""

    latency_s: float


@dataclass(frozen=True, slots=True)
class UsageEvent(SessionEvent):
    """Tokens of one finished response; `cached_*` are part of `input_*`."""

    input_text: int = 0
    input_audio: int = 0
    input_image: int = 0
    cached_text: int = 0
    cached_audio: int = 0
    cached_image: int = 0
    output_text: int = 0
    output_audio: int = 0


@dataclass(frozen=True, slots=True)
class TranscriptionUsageEvent(SessionEvent):
    """What writing down a user turn used: `seconds` of audio or tokens, or neither if the provider does not say."""

    item_id: str
    seconds: float | None = None
    input_text: int = 0
    input_audio: int = 0
    output_text: int = 0


class ActionKind(StrEnum):
    """What sort of thing a tool does: for observers and middleware, the model is not told."""

    GENERIC = "generic"
    READ = "read"
    MUTATE = "mutate"
    DESTRUCTIVE = "destructive"
    END_SESSION = "end_session"


@dataclass(frozen=True, slots=True)
class ToolExecutionStartedEvent(SessionEvent):
    """A tool began to run. `arguments` is JSON; do not log it."""

    call_id: str
    name: str
    arguments: str = field(repr=False, default="{}")
    kind: ActionKind = ActionKind.GENERIC


@dataclass(frozen=True, slots=True)
class ToolExecutedEvent(SessionEvent):
    """A tool has run. `output` is what the model is told; do not log it."""

    call_id: str
    name: str
    ok: bool
    silent: bool = False
    arguments: str = field(repr=False, default="{}")
    output: str = field(repr=False, default="")
    duration_s: float = 0.0
    kind: ActionKind = ActionKind.GENERIC


@dataclass(frozen=True, slots=True)
class UserInactivityCountdownEvent(SessionEvent):
    """The session ends in this many seconds (5 to 1) unless somebody speaks."""

    remaining_seconds: int


@dataclass(frozen=True, slots=True)
class UserInactivityTimeoutEvent(SessionEvent):
    """Nobody spoke for `timeout_seconds`; the session ends."""

    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class SubAgentStartedEvent(SessionEvent):
    """A subagent began to work."""

    agent_name: str


@dataclass(frozen=True, slots=True)
class SubAgentUsageEvent(SessionEvent):
    """Tokens of one answer of a subagent's chat model; `cached_text` is part of `input_text`."""

    agent_name: str
    model: str
    input_text: int = 0
    cached_text: int = 0
    output_text: int = 0


@dataclass(frozen=True, slots=True)
class SubAgentFinishedEvent(SessionEvent):
    """A subagent has finished, failed or been cancelled."""

    agent_name: str


@dataclass(frozen=True, slots=True)
class StandByArmedEvent(SessionEvent):
    """Nobody converses; the wake word is listened for."""


@dataclass(frozen=True, slots=True)
class WakeWordDetectedEvent(SessionEvent):
    """The wake word was heard: a session begins, or with `interrupting` the agent falls silent in the one that runs."""

    phrase: str
    interrupting: bool = False


@dataclass(frozen=True, slots=True)
class StandByErrorEvent(SessionEvent):
    """A session could not begin, or the detector failed; standing by goes on, after `retry_after_s`."""

    error: AgentError
    retry_after_s: float = 0.0


# --- commands: dispatched on the bus by whoever wants something of the agent ------------------------------------------


@dataclass(frozen=True, slots=True)
class AgentCommand:
    """Base of all commands."""


@dataclass(frozen=True, slots=True)
class UpdateSpeechSpeedCommand(AgentCommand):
    """Speak slower or faster from the next response on; clamped to 0.25 to 1.5."""

    speed: float


@dataclass(frozen=True, slots=True)
class InterruptCommand(AgentCommand):
    """Fall silent now."""


@dataclass(frozen=True, slots=True)
class StopAgentCommand(AgentCommand):
    """End the session; with `when_silent`, after the agent has finished speaking."""

    when_silent: bool = False


@dataclass(frozen=True, slots=True)
class UpdateSessionToolsCommand(AgentCommand):
    """Show the model only these of the agent's tools from now on, by name; in a later session it sees all again."""

    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UpdateToolChoiceCommand(AgentCommand):
    """Let responses call tools as they like (`auto`), not at all (`none`), or make them (`required`)."""

    tool_choice: str


@dataclass(frozen=True, slots=True)
class StartAgentCommand(AgentCommand):
    """Dispatched by `run()` when everybody knows that the agent starts: what the session will be set up with.

    It is told, not asked: dispatching it starts nothing.
    """

    model: str
    instructions: str = field(repr=False, default="")
    voice: str | None = None
    speech_speed: float = 1.0
    transcription_model: str | None = None
    output_modalities: tuple[str, ...] = ("audio",)
    noise_reduction: str | None = None
    turn_detection: str = "semantic_vad"
    tools: tuple[str, ...] = ()
    """Names of the tools at hand."""


@dataclass(frozen=True, slots=True)
class ConfigureSessionCommand(StartAgentCommand):
    """Dispatched by `run()` right before the provider is asked for a session with these settings; told, not asked."""


@dataclass(frozen=True, slots=True)
class CancelSubAgentCommand(AgentCommand):
    """Stop the running subagent."""
