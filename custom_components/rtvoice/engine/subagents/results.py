"""What comes of a task that a subagent was given."""

from dataclasses import dataclass, field
from enum import StrEnum

from ..conversation.values import ResponseUsage
from .chat import ChatMessage, ToolMessage


class SubAgentStatus(StrEnum):
    """How a task ended."""

    DONE = "done"
    CLARIFICATION_NEEDED = "clarification_needed"
    """The user must be asked something; the task can be resumed with the answer."""
    STEP_LIMIT = "step_limit"
    """It was not finished within the steps that were allowed."""
    TIMED_OUT = "timed_out"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A task with what was said about it so far, where it begins or waits for the user's answer."""

    task: str = field(repr=False)
    messages: tuple[ChatMessage, ...] = field(repr=False)
    open_calls: tuple[str, ...] = ()
    """Ids of the calls that the user's answer answers; all others have been answered."""

    def answered(self, answer: str) -> Checkpoint:
        """The task with the user's answer."""
        answers = (ToolMessage(call_id, answer) for call_id in self.open_calls)
        return Checkpoint(self.task, (*self.messages, *answers))


@dataclass(frozen=True, slots=True)
class SubAgentResult:
    """How a task ended, as data; a subagent's work raises nothing."""

    status: SubAgentStatus
    message: str = field(repr=False)
    """The result, the question, or what went wrong."""
    usage: ResponseUsage = ResponseUsage()
    """Tokens of the chat model, for this run of the task."""
    respond: bool = True
    """False when the last tools it called asked for silence and worked."""
    checkpoint: Checkpoint | None = None
    """Where to resume, if the user must be asked."""

    @property
    def ok(self) -> bool:
        """Whether the task is finished."""
        return self.status is SubAgentStatus.DONE
