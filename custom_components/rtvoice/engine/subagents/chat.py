"""The port to models that converse in text and call tools: what a subagent thinks with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ..conversation.values import ResponseUsage, ToolCall, ToolDefinition


@dataclass(frozen=True, slots=True)
class SystemMessage:
    """What the model must keep to."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UserMessage:
    """What the model is asked or told."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ModelMessage:
    """What the model wrote, and the tools it called."""

    text: str = field(repr=False, default="")
    calls: tuple[ToolCall, ...] = field(repr=False, default=())
    """Their ids differ."""


@dataclass(frozen=True, slots=True)
class ToolMessage:
    """The result of a call. Between a model's message and the next other one, each of its calls has exactly one."""

    call_id: str
    text: str = field(repr=False)


type ChatMessage = SystemMessage | UserMessage | ModelMessage | ToolMessage


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """One answer of a model, and the tokens it took, those of the prompt included."""

    message: ModelMessage
    usage: ResponseUsage = ResponseUsage()


@runtime_checkable
class ChatModel(Protocol):
    """A model that answers a chat."""

    @property
    def model(self) -> str:
        """The model's name, for the bill."""

    async def prewarm(self) -> None:
        """Do what takes time and can be done before the first question. Never raises."""

    async def complete(self, messages: Sequence[ChatMessage], tools: Sequence[ToolDefinition]) -> ChatAnswer:
        """Answer, in bounded time; the model may call the tools, several at once.

        Raises AuthenticationError, QuotaExceededError, RateLimitedError, ConnectionFailedError, ConfigurationError,
        RequestRejectedError or WireError.
        """

    async def close(self) -> None:
        """Let go of what is open; requests on their way end first. Idempotent, and `complete` works again."""
