"""What happens in a session, as a chat log takes it in."""

from typing import Any

import orjson
from homeassistant.components import conversation
from homeassistant.helpers import llm

from ..engine.events import (
    AssistantTranscriptCompletedEvent,
    AssistantTranscriptDeltaEvent,
    SessionEvent,
    ToolExecutedEvent,
    ToolExecutionStartedEvent,
)

type Delta = conversation.AssistantContentDeltaDict | conversation.ToolResultContentDeltaDict


class Deltas:
    """Makes deltas of the events of one answer; tools are called in them as in the events."""

    def __init__(self) -> None:
        self._item_id: str | None = None
        self._opened = False
        self._calling = False

    def open(self) -> list[Delta]:
        """Begin a message of the agent before anything of it is known, if none has begun."""
        if self._opened:
            return []
        self._opened = True
        return [{"role": "assistant"}]

    def of(self, event: SessionEvent) -> list[Delta]:
        """The deltas of an event; most have none."""
        match event:
            case AssistantTranscriptDeltaEvent(delta=text, item_id=item_id):
                return self._words(item_id, text)
            case AssistantTranscriptCompletedEvent(transcript=text, item_id=item_id) if item_id != self._item_id:
                return self._words(item_id, text)
            case ToolExecutionStartedEvent():
                return self._call(event)
            case ToolExecutedEvent():
                self._calling = self._opened = False
                return [_tool_result(event)]
            case _:
                return []

    def _words(self, item_id: str, text: str) -> list[Delta]:
        if self._item_id not in (None, item_id) or self._calling:
            self._opened = False
        self._item_id, self._calling = item_id, False
        return [*self.open(), {"content": text}]

    def _call(self, event: ToolExecutionStartedEvent) -> list[Delta]:
        if not self._calling:
            self._opened = False
        self._item_id, self._calling = None, True
        arguments = _object(event.arguments)
        call = llm.ToolInput(event.name, arguments, id=event.call_id, external=True)
        return [*self.open(), {"tool_calls": [call]}]


def _tool_result(event: ToolExecutedEvent) -> conversation.ToolResultContentDeltaDict:
    result = llm.ToolResult(_object(event.output), error=not event.ok)
    return {"role": "tool_result", "tool_call_id": event.call_id, "tool_name": event.name, "result": result}


def _object(text: str) -> dict[str, Any]:
    """The JSON object that a text is, or one that has it as its only value."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = text
    return value if isinstance(value, dict) else {"result": value}
