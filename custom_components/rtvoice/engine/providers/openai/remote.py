"""What a server tells, piece by piece, of the MCP servers that it runs."""

from dataclasses import dataclass
from typing import Final

import orjson

from ...conversation.remote_facts import (
    ApprovalRequested,
    RemoteCallFinished,
    RemoteCallStarted,
    RemoteEvent,
    RemoteListingFailed,
)
from ...conversation.values import ApprovalRequest, ToolCall, ToolOutcome, remote_name
from .faults import Redactor
from .fields import Json, optional_text, part, plain_text, text

LISTING_FAILED: Final = "mcp_list_tools.failed"

CALL_EVENTS: Final = frozenset(
    {
        "response.mcp_call_arguments.done",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "response.mcp_call.failed",
    }
)

ITEM_EVENTS: Final = frozenset(
    {
        "conversation.item.added",
        "conversation.item.done",
        "response.output_item.added",
        "response.output_item.done",
    }
)

_LIST: Final = "mcp_list_tools"
_CALL: Final = "mcp_call"
_REQUEST: Final = "mcp_approval_request"

_REMEMBERED: Final = 64
"""What is told of an item comes within moments."""

_CONTENT: Final = ("server_label", "name", "arguments", "approval_request_id", "output", "error")


@dataclass(slots=True)
class _Known:
    """What is known of an item so far."""

    item: Json
    response_id: str | None = None
    ended: bool | None = None
    """Whether the server said that the call has ended well, or not."""
    done: bool = False
    """Whether the item will not change any more."""


class RemoteReader:
    """Puts together what several events say of one item.

    The result of a call is in its item, which may be finished before the call runs or after it has.
    """

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact
        self._known: dict[str, _Known] = {}

    def listing_failed(self, event: Json) -> RemoteEvent:
        """The tools of a server could not be had."""
        known = self._known.get(text(event, "item_id"))
        return RemoteListingFailed(plain_text(known.item, "server_label") if known else "")

    def item(self, name: str, event: Json) -> RemoteEvent | None:
        """What an item means, if it is one that a server which runs MCP servers makes. Raises WireError."""
        item = part(event, "item")
        kind = item.get("type")
        if kind not in (_LIST, _CALL, _REQUEST):
            return None
        known = self._note(text(item, "id"), item, optional_text(event, "response_id"))
        known.done = known.done or name.endswith(".done")
        if kind == _CALL:
            return self._finished(known)
        return _requested(known) if kind == _REQUEST and known.done else None

    def call(self, name: str, event: Json) -> RemoteEvent | None:
        """How a call gets on. Raises WireError."""
        known = self._note(text(event, "item_id"), {}, optional_text(event, "response_id"))
        match name.removeprefix("response.mcp_call"):
            case "_arguments.done":
                known.item = {**known.item, "arguments": plain_text(event, "arguments")}
                return None
            case ".in_progress":
                return RemoteCallStarted(_call_of(known), known.response_id, _approval_of(known))
            case outcome:
                known.ended = outcome == ".completed"
                return self._finished(known)

    def _note(self, item_id: str, item: Json, response_id: str | None) -> _Known:
        known = self._known.pop(item_id, None) or _Known({"id": item_id})
        told = {key: item[key] for key in _CONTENT if item.get(key) not in (None, "")}
        if item.get("output") == "":
            # No words are a result as well, unlike null.
            told["output"] = ""
        known.item = {**known.item, **told}
        known.response_id = response_id or known.response_id
        self._known[item_id] = known
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        return known

    def _finished(self, known: _Known) -> RemoteEvent | None:
        error = part(known.item, "error")
        told = "output" in known.item or bool(error)
        if not (told or (known.ended is not None and known.done)):
            return None
        ok = not error and known.ended is not False
        output = plain_text(known.item, "output") if ok or not error else self._failure(error)
        outcome = ToolOutcome(output, ok=ok)
        return RemoteCallFinished(_call_of(known), outcome, known.response_id, _approval_of(known))

    def _failure(self, error: Json) -> str:
        words = self._redact(plain_text(error, "message"))
        return orjson.dumps({"error": plain_text(error, "type") or "failed", "error_text": words}).decode()


def _requested(known: _Known) -> RemoteEvent:
    item = known.item
    request = ApprovalRequest(
        plain_text(item, "id"),
        plain_text(item, "server_label"),
        plain_text(item, "name"),
        plain_text(item, "arguments") or "{}",
    )
    return ApprovalRequested(request, known.response_id)


def _call_of(known: _Known) -> ToolCall:
    item = known.item
    item_id = plain_text(item, "id")
    name = remote_name(plain_text(item, "server_label"), plain_text(item, "name"))
    return ToolCall(item_id, name, plain_text(item, "arguments") or "{}", item_id)


def _approval_of(known: _Known) -> str | None:
    return optional_text(known.item, "approval_request_id")
