"""What is told of the MCP servers that the provider runs by itself."""

from dataclasses import dataclass

from .values import ApprovalRequest, ToolCall, ToolOutcome


@dataclass(frozen=True, slots=True)
class RemoteListingFailed:
    """The provider could not get the tools of an MCP server (empty: it did not say of which)."""

    server: str


@dataclass(frozen=True, slots=True)
class RemoteCallStarted:
    """The provider calls a tool of an MCP server, perhaps because an approval was given. The answer is not ours."""

    call: ToolCall
    response_id: str | None = None
    approval_id: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteCallFinished:
    """Such a call has its result, which the model knows. Its start may have gone untold."""

    call: ToolCall
    outcome: ToolOutcome
    response_id: str | None = None
    approval_id: str | None = None


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """The provider wants to know whether it may make such a call; it may be told more than once."""

    request: ApprovalRequest
    response_id: str | None = None


type RemoteEvent = RemoteListingFailed | RemoteCallStarted | RemoteCallFinished | ApprovalRequested
"""Told by the provider."""


@dataclass(frozen=True, slots=True)
class ApprovalDecided:
    """Whether a call is allowed: a decision there is always, in time."""

    request_id: str
    approved: bool


type RemoteFact = RemoteEvent | ApprovalDecided
