"""What happens in a session, as the `activity` event entity tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from homeassistant.core import Context

from ..engine.events import (
    AgentErrorEvent,
    AssistantInterruptedEvent,
    AssistantTranscriptCompletedEvent,
    SessionEvent,
    SubAgentStartedEvent,
    ToolExecutedEvent,
    UserTranscriptCompletedEvent,
    UserTranscriptFailedEvent,
)


class OccurrenceType(StrEnum):
    """The event types of the `activity` entity."""

    SESSION_STARTED = "session_started"
    SESSION_ENDED = "session_ended"
    USER_TURN = "user_turn"
    ASSISTANT_TURN = "assistant_turn"
    INTERRUPTED = "interrupted"
    TOOL_CALLED = "tool_called"
    TOOL_FAILED = "tool_failed"
    HANDOFF = "handoff"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened, with what there is to say about it."""

    type: OccurrenceType
    attributes: Mapping[str, object] = field(default_factory=dict)
    context: Context | None = None
    """Of the session."""


def occurrence_of(event: SessionEvent) -> Occurrence | None:
    """What an event of the engine means to an automation; None for most."""
    match event:
        case UserTranscriptCompletedEvent(transcript=transcript):
            return Occurrence(OccurrenceType.USER_TURN, {"text": transcript})
        case UserTranscriptFailedEvent():
            return Occurrence(OccurrenceType.USER_TURN, {"text": None})
        case AssistantTranscriptCompletedEvent(transcript=transcript) if transcript:
            return Occurrence(OccurrenceType.ASSISTANT_TURN, {"text": transcript})
        case AssistantInterruptedEvent():
            return Occurrence(OccurrenceType.INTERRUPTED, {"text": event.transcript, "played_ms": event.played_ms})
        case ToolExecutedEvent():
            kind = OccurrenceType.TOOL_CALLED if event.ok else OccurrenceType.TOOL_FAILED
            return Occurrence(kind, {"tool": event.name, "arguments": event.arguments})
        case SubAgentStartedEvent(agent_name=name):
            return Occurrence(OccurrenceType.HANDOFF, {"agent": name})
        case AgentErrorEvent(error=error):
            return Occurrence(OccurrenceType.ERROR, {"error_type": error.type, "message": error.message})
        case _:
            return None
