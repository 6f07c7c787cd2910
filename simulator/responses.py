"""One response being written: from a plan to the events of the wire, piece by piece."""

import base64
import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .checks import Json
from .conversation import BYTES_PER_MS, Conversation, Item
from .mcp import RemoteServers
from .plan import (
    Call,
    CloseSocket,
    Cut,
    Fail,
    Fault,
    Garbage,
    Incomplete,
    NoAnswer,
    RemoteCall,
    Say,
    Stall,
    Step,
    spoken_seconds,
    tone,
)
from .usage import audio_out_tokens


@dataclass(slots=True)
class Response:
    """What was asked for, and how far it has come."""

    id: str
    settings: Json
    """`output_modalities`, `max_output_tokens`, `voice`, `format`, `metadata`, and what else the request overrides."""
    conversation_id: str | None
    by_request: bool
    input: tuple[Item, ...] | None = None
    """The request's own input instead of the conversation."""
    status: str = "in_progress"
    status_details: Json | None = None
    output: list[Item] = field(default_factory=list)
    usage: Json | None = None

    @property
    def text_only(self) -> bool:
        """Whether it is written, not spoken."""
        return bool(self.settings["output_modalities"] == ["text"])

    @property
    def public(self) -> Json:
        """The response as events show it."""
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": self.status_details,
            "output": [item.public for item in self.output],
            "conversation_id": self.conversation_id,
            "output_modalities": self.settings["output_modalities"],
            "max_output_tokens": self.settings["max_output_tokens"],
            "audio": {"output": {"format": self.settings["format"], "voice": self.settings["voice"]}},
            "metadata": self.settings["metadata"],
            "usage": self.usage,
        }


@dataclass(frozen=True, slots=True)
class Written:
    """What one step of writing gave: events, how much audio they hold, what goes wrong now, whether all is said."""

    events: list[Json]
    audio_ms: int = 0
    fault: Fault | None = None
    finished: bool = False


@dataclass(frozen=True, slots=True)
class _Open:
    phase: str | None


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class _Close:
    pass


type _Work = _Open | _Piece | _Close | Call | RemoteCall | Fault


class ResponseWriter:
    """Writes one response into the conversation and as events.

    `emit` makes an event of a type and its fields, `new_id` an id with the given prefix.
    """

    def __init__(
        self,
        response: Response,
        conversation: Conversation,
        servers: RemoteServers,
        emit: Callable[..., Json],
        new_id: Callable[[str], str],
        *,
        delta_ms: int = 200,
    ) -> None:
        self.response = response
        self._conversation = conversation
        self._servers = servers
        self._emit = emit
        self._new_id = new_id
        self._delta_ms = delta_ms
        self._work: deque[_Work] = deque()
        self._item: Item | None = None
        self._tokens = 0

    def load(self, steps: Iterable[Step]) -> None:
        """Take over what is to be said and done."""
        for step in steps:
            if isinstance(step, Say):
                self._work.extend(_message(step, self._delta_ms, text_only=self.response.text_only))
            else:
                self._work.append(step)

    def advance(self) -> Written:
        """Write up to the next piece of audio, fault, or the end of the plan."""
        events: list[Json] = []
        while self._work:
            match self._work.popleft():
                case _Open(phase):
                    events += self._open(phase)
                case _Close():
                    events += self._close("completed")
                case Call() as call:
                    events += self._call(call)
                case RemoteCall() as call:
                    events += self._remote_call(call)
                case _Piece(text, pcm):
                    if self._beyond_limit(text, pcm):
                        self._work.clear()
                        return Written(events, fault=Incomplete("max_output_tokens"))
                    events += self._piece(text, pcm)
                    return Written(events, audio_ms=len(pcm) // BYTES_PER_MS)
                case (Fail() | Incomplete() | Cut() | CloseSocket() | Garbage() | Stall() | NoAnswer()) as fault:
                    return Written(events, fault=fault)
        return Written(events, finished=True)

    def late_deltas(self, most: int) -> list[Json]:
        """Audio that still comes after the response was cancelled."""
        events: list[Json] = []
        while self._item and most > 0 and self._work and isinstance(piece := self._work[0], _Piece):
            self._work.popleft()
            events += self._piece("", piece.pcm)
            most -= 1
        return events

    def finish(self, status: str, details: Json | None = None) -> list[Json]:
        """Close what is open; the last event, `response.done`, is for the session to send."""
        self._work.clear()
        self.response.status = status
        self.response.status_details = details
        return self._close("incomplete") if self._item else []

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _open(self, phase: str | None) -> list[Json]:
        body: Json = {"type": "message", "status": "in_progress", "role": "assistant", "content": []}
        if phase:
            body["phase"] = phase
        item = Item(self._new_id("item"), body)
        self._item = item
        events = self._add(item)
        kind = "text" if self.response.text_only else "audio"
        part = {"type": "text", "text": ""} if kind == "text" else {"type": "audio", "transcript": ""}
        body["content"].append({"type": f"output_{kind}", "text" if kind == "text" else "transcript": ""})
        return [*events, self._part_event("response.content_part.added", part=part)]

    def _piece(self, text: str, pcm: bytes) -> list[Json]:
        item = self._open_item
        part = item.body["content"][0]
        events = []
        if self.response.text_only:
            part["text"] += text
            return [self._part_event("response.output_text.delta", delta=text)]
        if text:
            if not item.truncated:
                part["transcript"] += text
            events.append(self._part_event("response.output_audio_transcript.delta", delta=text))
        item.audio += pcm
        events.append(self._part_event("response.output_audio.delta", delta=base64.b64encode(pcm).decode()))
        return events

    def _close(self, status: str) -> list[Json]:
        item = self._open_item
        item.body["status"] = status
        part = item.body["content"][0]
        if self.response.text_only:
            events = [self._part_event("response.output_text.done", text=part["text"])]
            done = {"type": "text", "text": part["text"]}
        else:
            transcript = part.get("transcript", "")
            events = [
                self._part_event("response.output_audio.done"),
                self._part_event("response.output_audio_transcript.done", transcript=transcript),
            ]
            done = {"type": "audio", "transcript": transcript}
        events.append(self._part_event("response.content_part.done", part=done))
        self._item = None
        return events + self._done(item)

    def _call(self, call: Call) -> list[Json]:
        arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
        call_id = call.call_id or self._new_id("call")
        body = {
            "type": "function_call",
            "status": "in_progress",
            "name": call.name,
            "call_id": call_id,
            "arguments": "",
        }
        item = Item(self._new_id("item"), body)
        events = self._add(item)
        place = {"item_id": item.id, "output_index": self._index(item), "call_id": call_id}
        kind = "response.function_call_arguments"
        events += [self._event(f"{kind}.delta", **place, delta=delta) for delta in _split(arguments, 24)]
        events.append(self._event(f"{kind}.done", **place, name=call.name, arguments=arguments))
        body |= {"arguments": arguments, "status": "completed"}
        return events + self._done(item)

    def _remote_call(self, call: RemoteCall) -> list[Json]:
        if self._servers.needs_approval(call):
            item = self._servers.request(call)
            return [*self._add(item), *self._done(item)]
        item = self._servers.call(call)
        events = self._add(item)
        place = {"item_id": item.id, "output_index": self._index(item)}
        arguments = item.body["arguments"]
        kind = "response.mcp_call_arguments"
        events += [self._event(f"{kind}.delta", **place, delta=delta) for delta in _split(arguments, 24)]
        events.append(self._event(f"{kind}.done", **place, arguments=arguments))
        self._servers.begin(item, call, self._index(item), self.response.id)
        return events

    def _add(self, item: Item) -> list[Json]:
        self.response.output.append(item)
        added = self._event("response.output_item.added", output_index=self._index(item), item=item.public)
        if self.response.conversation_id is None:
            return [added]
        previous = self._conversation.insert(item)
        return [added, self._emit("conversation.item.added", previous_item_id=previous, item=item.public)]

    def _done(self, item: Item) -> list[Json]:
        done = self._event("response.output_item.done", output_index=self._index(item), item=item.public)
        if self.response.conversation_id is None:
            return [done]
        items = self._conversation.items
        place = items.index(item) if item in items else 0
        previous = items[place - 1].id if place else None
        return [self._emit("conversation.item.done", previous_item_id=previous, item=item.public), done]

    @property
    def _open_item(self) -> Item:
        if self._item is None:
            raise RuntimeError("No message is being written")
        return self._item

    def _beyond_limit(self, text: str, pcm: bytes) -> bool:
        limit = self.response.settings["max_output_tokens"]
        self._tokens += audio_out_tokens(len(pcm) // BYTES_PER_MS) + (len(text) + 3) // 4
        return isinstance(limit, int) and self._tokens > limit

    def _index(self, item: Item) -> int:
        return next(index for index, known in enumerate(self.response.output) if known is item)

    def _event(self, kind: str, **fields: Any) -> Json:
        return self._emit(kind, response_id=self.response.id, **fields)

    def _part_event(self, kind: str, **fields: Any) -> Json:
        item = self._open_item
        place = {"item_id": item.id, "output_index": self._index(item), "content_index": 0}
        return self._event(kind, **place, **fields)


def _message(say: Say, delta_ms: int, *, text_only: bool) -> list[_Work]:
    """Cut a message into pieces, the transcript running a little ahead of the audio as the real server's does."""
    words = _words(say.text)
    if text_only:
        chunks = [b""] * max(1, (len(words) + 2) // 3)
    else:
        audio = (
            tone(spoken_seconds(say.text) if say.seconds is None else say.seconds) if say.audio is None else say.audio
        )
        size = delta_ms * BYTES_PER_MS
        chunks = [audio[at : at + size] for at in range(0, len(audio), size)] or [b""]
    pieces: list[_Work] = []
    sent = passed_ms = 0
    for index, pcm in enumerate(chunks):
        upto = min(len(words), -(-len(words) * (index + 2) // (len(chunks) + 1)))
        if index == len(chunks) - 1:
            upto = len(words)
        if say.fault and passed_ms >= say.fault_after_ms:
            return [_Open(say.phase), *pieces, say.fault, *_rest(words[sent:], chunks[index:]), _Close()]
        pieces.append(_Piece("".join(words[sent:upto]), pcm))
        sent = upto
        passed_ms += len(pcm) // BYTES_PER_MS
    after: list[_Work] = [say.fault] if say.fault else []
    return [_Open(say.phase), *pieces, *after, _Close()]


def _rest(words: list[str], chunks: list[bytes]) -> list[_Work]:
    return [_Piece("".join(words) if index == 0 else "", pcm) for index, pcm in enumerate(chunks)]


def _words(text: str) -> list[str]:
    parts = text.split(" ")
    return [part if index == 0 else f" {part}" for index, part in enumerate(parts)] if text else []


def _split(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]
