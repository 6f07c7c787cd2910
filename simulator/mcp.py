"""MCP servers that the client has the server run: listings, calls and approvals; what the tools say is in the plan."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .checks import Json
from .conversation import Conversation, Item
from .plan import RemoteCall

LISTING_S = 0.02


@dataclass(frozen=True, slots=True)
class Step:
    """Events to be sent, and what happens `seconds` later."""

    events: list[Json]
    seconds: float = 0.0
    then: Callable[[], list[Json]] | None = None


@dataclass(slots=True)
class RemoteServers:
    """The servers of one session. `listings` has the tools of each server by its label; others cannot be reached.

    As on the real server, a call runs beside the response that made it and may outlive it; nobody speaks about its
    result unless the client asks for a response.
    """

    conversation: Conversation
    emit: Callable[..., Json]
    new_id: Callable[[str], str]
    listings: Mapping[str, Sequence[str]]
    tools: list[Json] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    """What is to be done; taken away by the session."""
    _requested: dict[str, RemoteCall] = field(default_factory=dict)

    def name(self, tools: Iterable[Json]) -> None:
        """The client names its servers; each is asked for its tools, also where it was before."""
        self.tools = [tool for tool in tools if tool["type"] == "mcp"]
        for tool in self.tools:
            self._list(tool)

    def needs_approval(self, call: RemoteCall) -> bool:
        """Whether the client must allow this call."""
        tool = next((tool for tool in self.tools if tool["server_label"] == call.server), {})
        policy = tool.get("require_approval", "always")
        trusted = policy.get("never", {}).get("tool_names", []) if isinstance(policy, dict) else []
        return policy != "never" and call.name not in trusted

    def request(self, call: RemoteCall) -> Item:
        """The item that asks for approval."""
        item = Item(self.new_id("mcpr"), {"type": "mcp_approval_request", **_content(call)})
        self._requested[item.id] = call
        return item

    def call(self, call: RemoteCall, approval_request_id: str | None = None) -> Item:
        """The item of a call that has not been made yet."""
        nothing = {"approval_request_id": approval_request_id, "output": None, "error": None}
        return Item(self.new_id("mcp"), {"type": "mcp_call", **_content(call), **nothing})

    def begin(self, item: Item, call: RemoteCall, index: int = 0, response_id: str | None = None) -> None:
        """Make a call."""
        place = {"item_id": item.id, "output_index": index}

        def end() -> list[Json]:
            return self._end(item, call, place, response_id)

        self.steps.append(Step([self.emit("response.mcp_call.in_progress", **place)], call.seconds, end))

    def answered(self, response: Item) -> None:
        """The client allowed or refused a call."""
        request_id = response.body["approval_request_id"]
        call = self._requested.pop(request_id)
        if response.body["approve"]:
            item = self.call(call, request_id)
            previous = self.conversation.insert(item)
            self.steps.append(Step([self.emit("conversation.item.added", previous_item_id=previous, item=item.public)]))
            self.begin(item, call)

    def _list(self, tool: Json) -> None:
        label = tool["server_label"]
        item = Item(self.new_id("mcpl"), {"type": "mcp_list_tools", "server_label": label, "tools": []})
        previous = self.conversation.insert(item)

        def listed() -> list[Json]:
            if label not in self.listings:
                return [self.emit("mcp_list_tools.failed", item_id=item.id)]
            allowed = tool.get("allowed_tools")
            names = [name for name in self.listings[label] if allowed is None or name in allowed]
            item.body["tools"] = [{"name": name, "input_schema": {"type": "object"}} for name in names]
            return [self._done(item), self.emit("mcp_list_tools.completed", item_id=item.id)]

        added = self.emit("conversation.item.added", previous_item_id=previous, item=item.public)
        self.steps.append(Step([added, self.emit("mcp_list_tools.in_progress", item_id=item.id)], LISTING_S, listed))

    def _end(self, item: Item, call: RemoteCall, place: Json, response_id: str | None) -> list[Json]:
        if call.error is None:
            item.body["output"] = call.output
        else:
            item.body["error"] = {"type": "tool_execution_error", "message": call.error}
        events = [self.emit(f"response.mcp_call.{'failed' if call.error else 'completed'}", **place), self._done(item)]
        if response_id is None:
            return events
        index = place["output_index"]
        done = self.emit("response.output_item.done", response_id=response_id, output_index=index, item=item.public)
        return [*events, done]

    def _done(self, item: Item) -> Json:
        items = self.conversation.items
        place = items.index(item) if item in items else 0
        previous = items[place - 1].id if place else None
        return self.emit("conversation.item.done", previous_item_id=previous, item=item.public)


def _content(call: RemoteCall) -> dict[str, Any]:
    arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
    return {"server_label": call.server, "name": call.name, "arguments": arguments}
