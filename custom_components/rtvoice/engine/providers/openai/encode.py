"""Commands as the provider's client events."""

from binascii import b2a_base64
from hashlib import sha256
from typing import Final, assert_never

import orjson

from ...conversation.effects import (
    AddItem,
    AnswerApproval,
    CancelResponse,
    ClearInput,
    CommitInput,
    CreateResponse,
    DeleteItem,
    ModelCommand,
    SendToolOutput,
    TruncateItem,
    UpdateSession,
)
from ...conversation.values import ItemKind, NewItem
from ...options import SessionOptions
from .remote_tools import remote_tools_of
from .session_config import update_of
from .style import Settings, Style

REQUEST_ID: Final = "request_id"
"""Key of a response's metadata under which its request is found again."""

_APPEND_HEAD: Final = b'{"type":"input_audio_buffer.append","audio":"'
_APPEND_TAIL: Final = b'"}'

_ROLES: Final = {
    ItemKind.USER_MESSAGE: ("user", "input_text"),
    ItemKind.AGENT_MESSAGE: ("assistant", "output_text"),
    ItemKind.SYSTEM_MESSAGE: ("system", "input_text"),
}


class Encoder:
    """Writes the commands of a session as one dialect wants them."""

    def __init__(self, style: Style, options: SessionOptions) -> None:
        self._style = style
        self._remote_tools = remote_tools_of(options.mcp_servers, asks=style.asks)
        self._response = style.response_of(options)
        self._roles = {**_ROLES, ItemKind.AGENT_MESSAGE: ("assistant", style.agent_text)}

    def encode(self, command: ModelCommand) -> bytes:
        """A command as a text frame. Raises ValueError for an item that cannot be added."""
        return orjson.dumps(self.event_of(command))

    def event_of(self, command: ModelCommand) -> Settings:
        """A command as a client event. Raises ValueError for an item that cannot be added."""
        match command:
            case CreateResponse():
                return self._create_response(command)
            case CancelResponse(response_id=None):
                return {"type": "response.cancel"}
            case CancelResponse(response_id=response_id):
                return {"type": "response.cancel", "response_id": response_id}
            case UpdateSession():
                return self._update(command)
            case CommitInput():
                return {"type": "input_audio_buffer.commit"}
            case ClearInput():
                return {"type": "input_audio_buffer.clear"}
            case TruncateItem() | DeleteItem() | SendToolOutput() | AnswerApproval() | AddItem():
                return self._item_event(command)
            case _:
                assert_never(command)

    def _update(self, command: UpdateSession) -> Settings:
        session = self._style.changes_of(command)
        if isinstance(tools := session.get("tools"), list):
            # A list of tools takes the place of the whole one before.
            session["tools"] = [*tools, *self._remote_tools]
        return update_of(session, command.request_id)

    def _create_response(self, command: CreateResponse) -> Settings:
        response: Settings = {**self._response, "metadata": {REQUEST_ID: command.request_id}}
        if command.instructions is not None:
            response["instructions"] = command.instructions
        if command.tool_choice is not None:
            response["tool_choice"] = str(command.tool_choice)
        return {"type": "response.create", "event_id": command.request_id, "response": response}

    def _item_event(self, command: TruncateItem | DeleteItem | SendToolOutput | AnswerApproval | AddItem) -> Settings:
        match command:
            case TruncateItem():
                return {
                    "type": "conversation.item.truncate",
                    "item_id": command.item_id,
                    "content_index": command.content_index,
                    "audio_end_ms": command.audio_end_ms,
                }
            case DeleteItem(item_id=item_id):
                return {"type": "conversation.item.delete", "item_id": item_id}
            case SendToolOutput(call_id=call_id, output=output):
                return _create_item({"type": "function_call_output", "call_id": call_id, "output": output})
            case AnswerApproval():
                return _create_item(_approval(command))
            case AddItem(item=item):
                event = _create_item(self._message(item))
                return {**event, "previous_item_id": "root"} if item.first else event
            case _:
                assert_never(command)

    def _message(self, item: NewItem) -> Settings:
        if item.kind is ItemKind.TOOL_CALL and item.call is not None:
            call = item.call
            return {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
        if item.kind not in self._roles:
            raise ValueError(f"An item of kind {item.kind} cannot be added")
        role, text_type = self._roles[item.kind]
        content: list[Settings] = []
        if item.audio is not None:
            content.append({"type": "input_audio", "audio": b2a_base64(item.audio, newline=False).decode()})
        if item.text or (item.image is None and item.audio is None):
            content.append({"type": text_type, "text": item.text})
        if item.image is not None:
            content.append({"type": "input_image", "image_url": item.image})
        message: Settings = {"type": "message", "role": role, "content": content}
        if item.item_id is not None:
            message["id"] = item.item_id
        return message


def encode_audio(pcm: bytes | bytearray) -> bytes:
    """Microphone audio as a text frame; it is not built from a dict because there are fifty of them a second."""
    return b"".join((_APPEND_HEAD, b2a_base64(pcm, newline=False), _APPEND_TAIL))


def _create_item(item: Settings) -> Settings:
    return {"type": "conversation.item.create", "item": item}


def _approval(command: AnswerApproval) -> Settings:
    # The API wants an id for it; the request's own makes one that is unique and short enough.
    digest = sha256(command.request_id.encode()).hexdigest()[:24]
    answer: Settings = {
        "type": "mcp_approval_response",
        "id": f"mcpr_{digest}",
        "approval_request_id": command.request_id,
        "approve": command.approved,
    }
    if command.reason is not None:
        answer["reason"] = command.reason
    return answer
