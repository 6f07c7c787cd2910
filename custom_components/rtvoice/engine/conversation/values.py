"""Values that facts and effects are made of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..events import ActionKind


class AgentState(StrEnum):
    """What the agent is doing, as a person would say."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    RECONNECTING = "reconnecting"


class Cue(StrEnum):
    """Sounds that tell the user what the agent does."""

    LISTENING = "listening"
    THINKING = "thinking"


class ItemKind(StrEnum):
    """What an item of the conversation is."""

    USER_MESSAGE = "user_message"
    AGENT_MESSAGE = "agent_message"
    SYSTEM_MESSAGE = "system_message"
    TOOL_CALL = "tool_call"
    TOOL_OUTPUT = "tool_output"
    OTHER = "other"


class ResponseStatus(StrEnum):
    """How a response ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


class ToolChoice(StrEnum):
    """Whether a response may call tools."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool as the model sees it."""

    name: str
    """1 to 64 characters of A-Z, a-z, 0-9, _ and -."""
    description: str
    parameters: Mapping[str, object] = field(default_factory=lambda: {"type": "object", "properties": {}})
    """JSON schema of an object."""
    holding_instruction: str | None = None
    """What the agent should say while the tool runs, if it has not spoken already. Not told to the model in advance."""
    cancel_on_interrupt: bool = False
    """Whether a call is stopped when the user begins to speak."""
    kind: ActionKind = ActionKind.GENERIC


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool that the model asked for."""

    call_id: str
    name: str
    arguments: str
    """JSON as the model wrote it; may be malformed."""
    item_id: str = ""
    complete: bool = True
    """False when the response was cut before the call was written to its end."""


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What came of a tool call."""

    output: str
    """What the model is told; JSON or plain text."""
    ok: bool = True
    respond: bool = True
    """Whether the agent should speak about it."""
    instruction: str | None = None
    """How the agent should speak about it."""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A call of a tool on an MCP server that the provider makes if it is allowed to."""

    request_id: str
    server: str
    tool: str
    arguments: str = field(default="{}", repr=False)
    """JSON as the model wrote it; may be malformed."""

    @property
    def name(self) -> str:
        """What observers know the tool by."""
        return remote_name(self.server, self.tool)


def remote_name(server: str, tool: str) -> str:
    """`server_tool`, the name of a tool of an MCP server that the provider runs, as short and plain as any tool's."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", f"{server}_{tool}")[:64].strip("_") or "tool"


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Tokens by kind."""

    text: int = 0
    audio: int = 0
    image: int = 0

    def __add__(self, other: TokenCount) -> TokenCount:
        return TokenCount(self.text + other.text, self.audio + other.audio, self.image + other.image)

    @property
    def total(self) -> int:
        """Tokens of all kinds."""
        return self.text + self.audio + self.image


@dataclass(frozen=True, slots=True)
class ResponseUsage:
    """Tokens of one response, or of several added up. `cached` is part of `input`."""

    input: TokenCount = TokenCount()
    cached: TokenCount = TokenCount()
    output: TokenCount = TokenCount()

    def __add__(self, other: ResponseUsage) -> ResponseUsage:
        return ResponseUsage(self.input + other.input, self.cached + other.cached, self.output + other.output)


@dataclass(frozen=True, slots=True)
class ProviderFault:
    """An error as the provider described it inside an event."""

    code: str | None
    message: str
    param: str | None = None
    retry_after_s: float | None = None
    """Seconds after which the same request is worth trying again, where the provider says so."""


@dataclass(frozen=True, slots=True)
class NewItem:
    """A message, or a tool call made in an earlier session, to add to the conversation."""

    kind: ItemKind
    """USER_MESSAGE, AGENT_MESSAGE, SYSTEM_MESSAGE or TOOL_CALL."""
    text: str
    image: str | None = None
    """A picture as a data URL (image/png or image/jpeg); user messages only."""
    item_id: str | None = None
    """At most 32 characters; None leaves the choice to the server."""
    audio: bytes | None = field(default=None, repr=False)
    """What the user said, 16-bit PCM at the provider's input rate, where its text is not known."""
    call: ToolCall | None = None
    """The call, for TOOL_CALL."""
    first: bool = False
    """Whether its place is in front of everything."""


@dataclass(frozen=True, slots=True)
class PlayoutPosition:
    """How far the speaker has come: the last item that any sample was heard of, and how much of it.

    It stays at its last value when playout ends. Items queued in front of it were heard to their end, items behind
    it not at all. `item_id` is None until something was heard.
    """

    item_id: str | None = None
    heard_ms: float = 0.0


NOTHING_HEARD = PlayoutPosition()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do; the conversation asks this, never the provider's name."""

    input_rate_hz: int = 24_000
    output_rate_hz: int = 24_000
    interrupts_by_itself: bool = True
    """The server cancels a running response when the user starts to speak."""
    truncates: bool = True
    """The server accepts how much of an item was heard."""
    deletes: bool = True
    """The server accepts the deletion of items."""
    echoes_metadata: bool = True
    """The server returns a request's metadata in the response, so that it is known whose response it is."""
    session_s: float = 3600.0
    """How long a session may last."""
    runs_mcp_servers: bool = False
    """The server connects the MCP servers that it is told of, and calls their tools by itself."""
    asks_before_mcp_calls: bool = False
    """It asks for approval before it calls a tool that needs one."""
    continues_after_mcp_calls: bool = False
    """It may go on in the same response when it has the result of such a call, without being asked to."""
    has_mcp_connectors: bool = False
    """It has MCP servers of its own, which are known by an id."""
