"""What can be seen of a session at one moment, and how events change it."""

from dataclasses import dataclass, replace

from ..engine import AgentState
from ..engine.events import (
    AgentStateChangedEvent,
    AssistantInterruptedEvent,
    AssistantTranscriptCompletedEvent,
    ResponseLatencyEvent,
    SessionEvent,
    ToolExecutedEvent,
    UserStartedSpeakingEvent,
    UserStoppedSpeakingEvent,
    UserTranscriptCompletedEvent,
)


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool call that has finished."""

    name: str
    arguments: str
    """JSON as the model wrote it."""
    ok: bool
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What an agent or a satellite is seen doing."""

    status: AgentState = AgentState.IDLE
    in_session: bool = False
    user_speaking: bool = False
    user_transcript: str | None = None
    assistant_transcript: str | None = None
    last_tool: ToolUse | None = None
    response_latency_ms: int | None = None
    may_be_recorded: bool = True
    """Whether the recorder may keep the transcripts."""

    @property
    def assistant_speaking(self) -> bool:
        """Whether the agent is heard."""
        return self.status is AgentState.SPEAKING

    def opened(self, *, may_be_recorded: bool = True) -> Snapshot:
        """How a new session begins: with an empty page, but remembering what was measured."""
        return Snapshot(
            last_tool=self.last_tool, response_latency_ms=self.response_latency_ms, may_be_recorded=may_be_recorded
        )

    def closed(self) -> Snapshot:
        """What remains of a session that has ended."""
        return replace(self, status=AgentState.IDLE, in_session=False, user_speaking=False)


def fold(before: Snapshot, event: SessionEvent) -> Snapshot:
    """The snapshot after an event; the same one if nothing that is shown has changed.

    Transcripts are shown when they are complete, not piece by piece: a state is a sentence somebody said.
    """
    match event:
        case AgentStateChangedEvent(state=state):
            return replace(before, status=AgentState(state))
        case UserStartedSpeakingEvent():
            return replace(before, user_speaking=True)
        case UserStoppedSpeakingEvent():
            return replace(before, user_speaking=False)
        case ResponseLatencyEvent(latency_s=latency_s):
            return replace(before, response_latency_ms=round(latency_s * 1000))
        case ToolExecutedEvent():
            use = ToolUse(event.name, event.arguments, event.ok, round(event.duration_s * 1000))
            return replace(before, last_tool=use)
        case _:
            return _fold_words(before, event)


def _fold_words(before: Snapshot, event: SessionEvent) -> Snapshot:
    match event:
        case UserTranscriptCompletedEvent(transcript=transcript):
            return replace(before, user_transcript=transcript)
        case AssistantTranscriptCompletedEvent(transcript=transcript) if transcript:
            return replace(before, assistant_transcript=transcript)
        case AssistantInterruptedEvent(transcript=transcript) if transcript:
            return replace(before, assistant_transcript=transcript)
        case _:
            return before
