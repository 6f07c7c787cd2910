"""Items of the conversation as the provider writes them."""

from typing import Final

from ...conversation.facts import ItemAdded
from ...conversation.values import ItemKind, ToolCall
from .fields import Json, optional_text, part, parts, plain_text, text

_MESSAGES: Final = {
    "user": ItemKind.USER_MESSAGE,
    "assistant": ItemKind.AGENT_MESSAGE,
    "system": ItemKind.SYSTEM_MESSAGE,
}


def item_added(event: Json) -> ItemAdded:
    """An item that took its place. Raises WireError when it has no id."""
    item = part(event, "item")
    return ItemAdded(text(item, "id"), kind_of(item), optional_text(event, "previous_item_id"), _words(item))


def kind_of(item: Json) -> ItemKind:
    """What an item is."""
    match item.get("type"):
        case "message":
            return _MESSAGES.get(plain_text(item, "role"), ItemKind.OTHER)
        case "function_call":
            return ItemKind.TOOL_CALL
        case "function_call_output":
            return ItemKind.TOOL_OUTPUT
        case _:
            return ItemKind.OTHER


def call_of(item: Json, *, finished: bool) -> ToolCall | None:
    """The tool call that an item is, if it is one that can be answered.

    `finished` says whether it is complete where the item itself does not.
    """
    call_id = optional_text(item, "call_id")
    if kind_of(item) is not ItemKind.TOOL_CALL or call_id is None:
        return None
    status = optional_text(item, "status")
    return ToolCall(
        call_id,
        plain_text(item, "name"),
        plain_text(item, "arguments"),
        plain_text(item, "id"),
        complete=finished if status is None else status == "completed",
    )


def _words(item: Json) -> str:
    return "".join(plain_text(each, "text") or plain_text(each, "transcript") for each in parts(item, "content"))
