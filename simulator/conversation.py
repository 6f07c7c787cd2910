"""The items of a conversation, in order, as the server knows them."""

import base64
import binascii
import copy
from dataclasses import dataclass, field
from typing import Any

from .checks import Json, anything, boolean, by_key, fields, list_of, nullable, one_of, text, text_up_to
from .errors import Rejected

BYTES_PER_MS = 48
"""16-bit mono PCM at 24 kHz."""


@dataclass(slots=True)
class Item:
    """One item; `body` is what the wire shows of it, without its audio."""

    id: str
    body: Json
    audio: bytearray = field(default_factory=bytearray)
    heard: str = ""
    """What the brain understood of the user's audio, whether or not it is written down for the client."""
    truncated: bool = False

    @property
    def kind(self) -> str:
        """`message`, `function_call`, `function_call_output`, or one of those that begin with `mcp_`."""
        return str(self.body["type"])

    @property
    def role(self) -> str | None:
        """`user`, `assistant` or `system`; None for items that are no message."""
        return self.body.get("role")

    @property
    def audio_ms(self) -> int:
        """Length of the item's audio."""
        return len(self.audio) // BYTES_PER_MS

    @property
    def words(self) -> str:
        """What the item says, typed or spoken."""
        parts = [part.get("text") or part.get("transcript") or "" for part in self.body.get("content", [])]
        return " ".join(part for part in parts if part) or self.heard

    @property
    def public(self) -> Json:
        """The item as events show it."""
        return {"id": self.id, "object": "realtime.item", **copy.deepcopy(self.body)}

    @property
    def retrieved(self) -> Json:
        """The item with its audio."""
        item = self.public
        for part in item.get("content", []):
            if part["type"] in ("input_audio", "output_audio"):
                part["audio"] = base64.b64encode(self.audio).decode()
        return item


class Conversation:
    """Items in the order the model sees them."""

    def __init__(self) -> None:
        self.items: list[Item] = []

    def find(self, item_id: str) -> Item | None:
        """The item of that id."""
        return next((item for item in self.items if item.id == item_id), None)

    def insert(self, item: Item, previous_item_id: str | None = None) -> str | None:
        """Put an item behind another (None: at the end, `root`: in front); tells the id in front of it."""
        place = len(self.items)
        if previous_item_id == "root":
            place = 0
        elif previous_item_id is not None:
            place = self._index(previous_item_id) + 1
        self.items.insert(place, item)
        return self.items[place - 1].id if place else None

    def check_new(self, item: Json, previous_item_id: str | None) -> None:
        """Check that an item of a client may be added. Raises Rejected."""
        check_item(item, "item")
        if (item_id := item.get("id")) is not None and self.find(item_id):
            raise Rejected("item_create_duplicate_item_id", f"Item with id '{item_id}' already exists.", "item.id")
        if previous_item_id not in (None, "root"):
            self._index(str(previous_item_id))
        if item["type"] == "function_call_output" and not self.call(item["call_id"]):
            message = f"Tool call ID '{item['call_id']}' not found in conversation."
            raise Rejected("invalid_tool_call_id", message, "item.call_id")
        if item["type"] == "mcp_approval_response" and not self._awaits_approval(item["approval_request_id"]):
            message = f"There is no approval request '{item['approval_request_id']}' that waits for an answer."
            raise Rejected("invalid_value", message, "item.approval_request_id")

    def retrieve(self, item_id: str) -> Item:
        """The item of that id. Raises Rejected."""
        return self._known(item_id, "retrieve")

    def delete(self, item_id: str) -> Item:
        """Take an item out. Raises Rejected."""
        item = self._known(item_id, "delete")
        self.items.remove(item)
        return item

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> Item:
        """Cut the audio of an agent message, and with it its transcript. Raises Rejected."""
        item = self._known(item_id, "truncate")
        parts = item.body.get("content", [])
        if item.role != "assistant" or not item.audio or not any(part["type"] == "output_audio" for part in parts):
            raise Rejected("unsupported_content_type", "Only model output audio messages can be truncated.", "item_id")
        if content_index != 0:
            raise Rejected("invalid_value", f"There is no content part {content_index}.", "content_index")
        if audio_end_ms > item.audio_ms:
            message = f"Audio content of {item.audio_ms}ms is already shorter than {audio_end_ms}ms"
            raise Rejected("invalid_value", message, "audio_end_ms")
        del item.audio[audio_end_ms * BYTES_PER_MS :]
        item.truncated = True
        for part in parts:
            part.pop("transcript", None)
        return item

    def call(self, call_id: str) -> Item | None:
        """The tool call of that id."""
        return self._with_call_id("function_call", call_id)

    def unanswered_calls(self) -> list[str]:
        """The ids of tool calls without an output."""
        calls = (item.body["call_id"] for item in self.items if item.kind == "function_call")
        return [call_id for call_id in calls if not self._with_call_id("function_call_output", call_id)]

    def _awaits_approval(self, request_id: str) -> bool:
        answers = (item for item in self.items if item.kind == "mcp_approval_response")
        request = self.find(request_id)
        asked = request is not None and request.kind == "mcp_approval_request"
        return asked and all(answer.body["approval_request_id"] != request_id for answer in answers)

    def _with_call_id(self, kind: str, call_id: str) -> Item | None:
        return next((item for item in self.items if item.kind == kind and item.body["call_id"] == call_id), None)

    def _index(self, item_id: str) -> int:
        for index, item in enumerate(self.items):
            if item.id == item_id:
                return index
        message = f"Previous item with id '{item_id}' does not exist."
        raise Rejected("item_create_invalid_previous_item_id", message, "previous_item_id")

    def _known(self, item_id: str, verb: str) -> Item:
        item = self.find(item_id)
        if item is None:
            message = f"Item with item_id not found: '{item_id}'."
            raise Rejected(f"item_{verb}_invalid_item_id", message, "item_id")
        return item


def client_item(item_id: str, wire: Json) -> Item:
    """Make an item of a client's, which `check_item` has accepted."""
    body = copy.deepcopy({key: value for key, value in wire.items() if key not in ("id", "object")})
    body["status"] = "completed"
    made = Item(item_id, body)
    for part in body.get("content", []):
        if part["type"] == "input_audio":
            made.audio += decode_audio(part.pop("audio", ""), "item.content.audio")
    return made


def check_item(item: Any, param: str) -> None:
    """Check a client's item. Raises Rejected."""
    _ITEM(item, param)


def decode_audio(value: str, param: str) -> bytes:
    """Whole samples from base64. Raises Rejected."""
    try:
        pcm = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as err:
        raise Rejected("invalid_value", f"Invalid '{param}': expected base64.", param) from err
    if len(pcm) % 2:
        raise Rejected("invalid_value", f"Invalid '{param}': expected whole 16-bit samples.", param)
    return pcm


def _image(value: Any, param: str) -> None:
    text(value, param)
    if not value.startswith(("data:image/png;base64,", "data:image/jpeg;base64,", "data:image/jpg;base64,")):
        raise Rejected("invalid_value", f"Invalid '{param}': expected a base64 data URL of a png or jpeg.", param)


_HEAD = {"id": text_up_to(32), "object": one_of("realtime.item"), "status": anything, "type": anything}
_TEXT = fields({"type": anything, "text": text}, ("text",))
_INPUT_TEXT = by_key("type", {"input_text": _TEXT})
_USER = by_key(
    "type",
    {
        "input_text": _TEXT,
        "input_audio": fields({"type": anything, "audio": text, "transcript": nullable(text)}, ("audio",)),
        "input_image": fields(
            {"type": anything, "image_url": _image, "detail": one_of("auto", "low", "high")}, ("image_url",)
        ),
    },
)
_MESSAGE = by_key(
    "role",
    {
        role: fields({**_HEAD, "role": anything, "content": list_of(part)}, ("content",))
        for role, part in (
            ("system", _INPUT_TEXT),
            ("user", _USER),
            ("assistant", by_key("type", {"output_text": _TEXT})),
        )
    },
)
_ITEM = by_key(
    "type",
    {
        "message": _MESSAGE,
        "function_call": fields(
            {**_HEAD, "call_id": text, "name": text, "arguments": text}, ("call_id", "name", "arguments")
        ),
        "mcp_approval_response": fields(
            {**_HEAD, "approval_request_id": text, "approve": boolean, "reason": nullable(text)},
            ("id", "approval_request_id", "approve"),
        ),
        "function_call_output": fields({**_HEAD, "call_id": text, "output": text}, ("call_id", "output")),
    },
)
