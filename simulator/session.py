"""The heart of the server: one realtime session as a state machine, without a loop, a clock or a socket."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .actions import Action, Hear, Later, Respond, Send
from .checks import Check, Json, anything, fields, number, one_of, text
from .conversation import Conversation, Item, check_item, client_item, decode_audio
from .errors import Rejected
from .input_audio import InputAudio, SpeechBegan, SpeechEnded
from .mcp import RemoteServers
from .plan import Context, Heard, Plan
from .responses import Response, ResponseWriter, Written
from .settings import EVENT_ID, Settings
from .usage import TokenMeter

SEMANTIC_SILENCE_MS = {"low": 1_200, "medium": 700, "auto": 700, "high": 500}
"""Pauses that end a turn, shorter than the real server's longest so that a demo is snappy."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How this server differs from another."""

    model: str = "gpt-realtime-2.1-mini"
    session_id: str = "sess_0"
    expires_at: int = 0
    delta_ms: int = 200
    late_deltas: int = 2
    semantic_silence_ms: dict[str, int] = field(default_factory=lambda: dict(SEMANTIC_SILENCE_MS))
    answers_updates: bool = True
    sends_rate_limits: bool = True
    mcp_tools: Mapping[str, Sequence[str]] = field(default_factory=dict)


class ServerSession:
    """What the server knows of one session. Every method returns what is to be done, in order.

    `new_id` makes an id with the given prefix, unique among all sessions and at most 32 characters long.
    """

    def __init__(self, options: SessionOptions, new_id: Callable[[str], str]) -> None:
        self.settings = Settings(options.model, options.session_id, options.expires_at)
        self.conversation = Conversation()
        self.violations: list[str] = []
        """What a correct client never does, in words."""
        self._options = options
        self._new_id = new_id
        self._servers = RemoteServers(self.conversation, self.emit, new_id, options.mcp_tools)
        self._input = InputAudio(options.semantic_silence_ms)
        self._writers: dict[str, ResponseWriter] = {}
        self._turn_item_id: str | None = None
        self._configured = False
        self._meter = TokenMeter()
        self._conversation_id = new_id("conv")

    # --- the client speaks --------------------------------------------------------------------------------------------

    def open(self) -> list[Action]:
        """Greet a client that has just connected."""
        return [self._send("session.created", session=self.settings.public)]

    def receive_text(self, message: str) -> list[Action]:
        """Take in a text frame."""
        try:
            event = json.loads(message)
        except ValueError:
            return [self.error(Rejected("invalid_json", "We could not parse the JSON body of your request."))]
        if not isinstance(event, dict):
            return [self.error(Rejected("invalid_event", "The event is not a JSON object."))]
        return self.receive(event)

    def receive_binary(self) -> list[Action]:
        """Take in a binary frame, which is never right."""
        self.violations.append("binary frame")
        return [self.error(Rejected("invalid_event", "Binary frames are not supported; send JSON text frames."))]

    def receive(self, event: Json) -> list[Action]:
        """Take in a client event."""
        event_id = event.get("event_id") if isinstance(event.get("event_id"), str) else None
        try:
            _KNOWN_TYPE(event.get("type"), "type")
            fields(*_EVENTS[event["type"]])(event, "")
            return self._dispatch(event)
        except Rejected as rejected:
            return [self.error(rejected, event_id)]

    def error(self, rejected: Rejected, client_event_id: str | None = None) -> Action:
        """Say no."""
        return self._send("error", error=rejected.error(client_event_id))

    def emit(self, kind: str, **parts: Any) -> Json:
        """Make a server event."""
        return {"type": kind, "event_id": self._new_id("event"), **parts}

    # --- the brain speaks ---------------------------------------------------------------------------------------------

    def heard(self, item: Item, heard: Heard) -> None:
        """The brain has understood a turn; from now on it is in the context."""
        item.heard = heard.text

    def transcribed(self, item: Item, heard: Heard) -> list[Action]:
        """The turn is written down for the client, if it wants that."""
        kind = "conversation.item.input_audio_transcription"
        if not self.settings.transcribes or not heard.written:
            return []
        place = {"item_id": item.id, "content_index": 0}
        if heard.error is not None:
            error = {"type": "server_error", "code": "transcription_failed", "message": heard.error, "param": None}
            return [self._send(f"{kind}.failed", **place, error=error)]
        if item.body["content"]:
            item.body["content"][0]["transcript"] = heard.text
        usage = {"type": "duration", "seconds": round(item.audio_ms / 1000, 2)}
        deltas = [self._send(f"{kind}.delta", **place, delta=heard.text)] if heard.text else []
        return [*deltas, self._send(f"{kind}.completed", **place, transcript=heard.text, usage=usage)]

    def context(self, response: Response | None = None) -> Context:
        """What the brain needs to know, for a response or (None) to hear a turn."""
        asked = response.settings if response else {}
        items = response.input if response and response.input is not None else tuple(self.conversation.items)
        return Context(
            instructions=str(self.settings.get("instructions")),
            tools=tuple(asked.get("tools", self.settings.get("tools"))),
            items=items,
            response_instructions=asked.get("instructions"),
            tool_choice=asked.get("tool_choice", self.settings.get("tool_choice")),
            modality="text" if response and response.text_only else "audio",
            voice=str(asked.get("voice", self.settings.voice)),
            speed=self.settings.speed,
            metadata=asked.get("metadata"),
            by_request=bool(response and response.by_request),
        )

    def begin(self, response: Response) -> list[Action]:
        """Tell the client that a response has begun."""
        return [self._send("response.created", response=response.public)]

    def abandon(self, response: Response) -> None:
        """Forget a response that never began."""
        self._writers.pop(response.id, None)

    def write(self, response: Response, plan: Plan) -> None:
        """Take over what the brain wants to say and do."""
        if writer := self._writers.get(response.id):
            writer.load(plan.steps)

    def advance(self, response: Response) -> Written:
        """Write the next piece of a response; `finished` also when it was cancelled meanwhile."""
        writer = self._writers.get(response.id)
        if writer is None:
            return Written([], finished=True)
        written = writer.advance()
        if not written.finished:
            return written
        return Written([*written.events, *self.finish(response, "completed")], finished=True)

    def finish(self, response: Response, status: str, details: Json | None = None) -> list[Json]:
        """End a response; nothing if it has ended."""
        writer = self._writers.pop(response.id, None)
        if writer is None:
            return []
        events = writer.finish(status, details)
        items = response.input if response.input is not None else tuple(self.conversation.items)
        read = [item for item in items if item not in response.output]
        instructions = response.settings.get("instructions") or self.settings.get("instructions")
        response.usage = self._meter.usage(instructions, self.settings.get("tools"), read, response.output)
        events.append(self.emit("response.done", response=response.public))
        if self._options.sends_rate_limits:
            limit = {"name": "tokens", "limit": 15_000_000, "remaining": 14_990_000, "reset_seconds": 0.001}
            events.append(self.emit("rate_limits.updated", rate_limits=[limit]))
        return events

    def take_steps(self) -> list[Action]:
        """What the MCP servers do now and a little later."""
        steps, self._servers.steps = self._servers.steps, []
        actions: list[Action] = []
        for step in steps:
            actions += [Send(event) for event in step.events]
            if step.then is not None:
                actions.append(_later(step.seconds, step.then))
        return actions

    def is_active(self, response: Response) -> bool:
        """Whether a response is still being written."""
        return response.id in self._writers

    # --- client events ------------------------------------------------------------------------------------------------

    def _dispatch(self, event: Json) -> list[Action]:
        kind = event["type"]
        if kind.startswith("input_audio_buffer."):
            return self._input_event(event)
        if kind.startswith("conversation.item."):
            return self._item_event(event)
        if kind == "session.update":
            return self._update(event["session"])
        if kind == "response.create":
            return self._create(event.get("response", {}))
        return self._cancel(event.get("response_id"))

    def _update(self, change: Json) -> list[Action]:
        self.settings.update(
            change,
            voice_locked=self._voice_locked,
            audio_received=self._input.received_ms > 0,
            speaking=self._active() is not None,
        )
        self._configured = True
        if "tools" in change:
            self._servers.name(change["tools"])
        updated = [self._send("session.updated", session=self.settings.public)]
        return [*(updated if self._options.answers_updates else []), *self.take_steps()]

    def _input_event(self, event: Json) -> list[Action]:
        match event["type"].rpartition(".")[2]:
            case "append":
                if not self._configured and self._input.received_ms == 0:
                    self.violations.append("audio before session.updated")
                return self._append(decode_audio(event["audio"], "audio"))
            case "commit":
                if self.settings.turn_detection:
                    self.violations.append("commit while turn detection is on")
                return self._commit(self._input.commit(), self._new_id("item"))
            case _:
                self._input.clear()
                return [self._send("input_audio_buffer.cleared")]

    def _append(self, pcm: bytes) -> list[Action]:
        actions: list[Action] = []
        detection = self.settings.turn_detection
        for edge in self._input.append(pcm, detection):
            match edge:
                case SpeechBegan(start_ms):
                    self._turn_item_id = self._new_id("item")
                    place = {"item_id": self._turn_item_id, "audio_start_ms": start_ms}
                    actions.append(self._send("input_audio_buffer.speech_started", **place))
                    if detection and detection["interrupt_response"] and (active := self._active()):
                        actions += self._stop(active, "turn_detected")
                case SpeechEnded(end_ms, turn):
                    item_id = self._turn_item_id or self._new_id("item")
                    actions.append(
                        self._send("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=end_ms)
                    )
                    actions += self._commit(turn, item_id)
                    if detection and detection["create_response"] and not self._active():
                        actions.append(self._request(self._response_settings({}), by_request=False))
        return actions

    def _commit(self, pcm: bytes, item_id: str) -> list[Action]:
        part = {"type": "input_audio", "transcript": None}
        item = Item(item_id, {"type": "message", "status": "completed", "role": "user", "content": [part]})
        item.audio += pcm
        previous = self.conversation.insert(item)
        committed = self._send("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous)
        return [committed, *self._added(item, previous), Hear(item)]

    def _item_event(self, event: Json) -> list[Action]:
        match event["type"].rpartition(".")[2]:
            case "create":
                return self._create_item(event["item"], event.get("previous_item_id"))
            case "retrieve":
                item = self.conversation.retrieve(event["item_id"])
                return [self._send("conversation.item.retrieved", item=item.retrieved)]
            case "delete":
                item = self.conversation.delete(event["item_id"])
                return [self._send("conversation.item.deleted", item_id=item.id)]
            case _:
                return self._truncate(event["item_id"], event["content_index"], event["audio_end_ms"])

    def _create_item(self, wire: Json, previous_item_id: str | None) -> list[Action]:
        self.conversation.check_new(wire, previous_item_id)
        item = client_item(wire.get("id") or self._new_id("item"), wire)
        previous = self.conversation.insert(item, previous_item_id)
        spoken = item.role == "user" and bool(item.audio)
        added = self._added(item, previous)
        if item.kind == "mcp_approval_response":
            self._servers.answered(item)
        return [*added, *([Hear(item)] if spoken else []), *self.take_steps()]

    def _truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> list[Action]:
        item = self.conversation.find(item_id)
        if item and audio_end_ms > item.audio_ms:
            self.violations.append(f"truncation to {audio_end_ms} ms of an item of {item.audio_ms} ms")
        self.conversation.truncate(item_id, content_index, audio_end_ms)
        place = {"item_id": item_id, "content_index": content_index, "audio_end_ms": audio_end_ms}
        return [self._send("conversation.item.truncated", **place)]

    def _added(self, item: Item, previous: str | None) -> list[Action]:
        kinds = ("conversation.item.added", "conversation.item.done")
        return [self._send(kind, previous_item_id=previous, item=item.public) for kind in kinds]

    # --- responses ----------------------------------------------------------------------------------------------------

    def _create(self, wanted: Json) -> list[Action]:
        self.settings.check_response(wanted, voice_locked=self._voice_locked)
        aside = wanted.get("conversation") == "none"
        given = tuple(self._input_item(item) for item in wanted["input"]) if "input" in wanted else None
        active = self._active()
        if not aside:
            if active:
                if active.by_request:
                    self.violations.append("response.create while one is pending")
                message = (
                    f"Conversation already has an active response in progress: {active.id}. Wait until it is finished."
                )
                raise Rejected("conversation_already_has_active_response", message)
            for call_id in self.conversation.unanswered_calls():
                self.violations.append(f"response.create before the output of tool call {call_id}")
        return [self._request(self._response_settings(wanted), by_request=True, aside=aside, given=given)]

    def _input_item(self, wire: Any) -> Item:
        if isinstance(wire, dict) and wire.get("type") == "item_reference":
            return self.conversation.retrieve(str(wire.get("id")))
        check_item(wire, "response.input")
        return client_item(self._new_id("item"), wire)

    def _request(
        self, settings: Json, *, by_request: bool, aside: bool = False, given: tuple[Item, ...] | None = None
    ) -> Action:
        response = Response(
            id=self._new_id("resp"),
            settings=settings,
            conversation_id=None if aside else self._conversation_id,
            by_request=by_request,
            input=given,
        )
        self._writers[response.id] = ResponseWriter(
            response, self.conversation, self._servers, self.emit, self._new_id, delta_ms=self._options.delta_ms
        )
        return Respond(response)

    def _response_settings(self, wanted: Json) -> Json:
        session = self.settings.public
        sound = session["audio"]["output"] | wanted.get("audio", {}).get("output", {})
        chosen = {
            key: wanted.get(key, session[key])
            for key in ("output_modalities", "max_output_tokens", "tools", "tool_choice")
        }
        asked = {"instructions": wanted.get("instructions"), "metadata": wanted.get("metadata")}
        return copy.deepcopy({**chosen, **asked, "voice": sound["voice"], "format": sound["format"]})

    def _cancel(self, response_id: str | None) -> list[Action]:
        writer = self._writers.get(response_id) if response_id else None
        active = writer.response if writer else self._active()
        if active is None or (response_id and active.id != response_id):
            raise Rejected("response_cancel_not_active", "Cancellation failed: no active response found")
        return self._stop(active, "client_cancelled")

    def _stop(self, response: Response, reason: str) -> list[Action]:
        late = self._writers[response.id].late_deltas(self._options.late_deltas)
        done = self.finish(response, "cancelled", {"type": "cancelled", "reason": reason})
        return [Send(event) for event in (*late, *done)]

    def _active(self) -> Response | None:
        responses = (writer.response for writer in self._writers.values())
        return next((response for response in responses if response.conversation_id is not None), None)

    @property
    def _voice_locked(self) -> bool:
        return any(item.role == "assistant" and item.audio for item in self.conversation.items)

    def _send(self, kind: str, **parts: Any) -> Send:
        return Send(self.emit(kind, **parts))


def _later(seconds: float, then: Callable[[], list[Json]]) -> Later:
    return Later(seconds, lambda: [Send(event) for event in then()])


_HEAD: dict[str, Check] = {"type": anything, "event_id": EVENT_ID}
_ITEM_ID: dict[str, Check] = {**_HEAD, "item_id": text}
_TRUNCATE: dict[str, Check] = {
    **_ITEM_ID,
    "content_index": number(0, 1_000, integer=True),
    "audio_end_ms": number(0, 86_400_000, integer=True),
}
_EVENTS: dict[str, tuple[dict[str, Check], tuple[str, ...]]] = {
    "session.update": ({**_HEAD, "session": anything}, ("session",)),
    "input_audio_buffer.append": ({**_HEAD, "audio": text}, ("audio",)),
    "input_audio_buffer.commit": (_HEAD, ()),
    "input_audio_buffer.clear": (_HEAD, ()),
    "conversation.item.create": ({**_HEAD, "item": anything, "previous_item_id": anything}, ("item",)),
    "conversation.item.retrieve": (_ITEM_ID, ("item_id",)),
    "conversation.item.delete": (_ITEM_ID, ("item_id",)),
    "conversation.item.truncate": (_TRUNCATE, ("item_id", "content_index", "audio_end_ms")),
    "response.create": ({**_HEAD, "response": anything}, ()),
    "response.cancel": ({**_HEAD, "response_id": text}, ()),
}
_KNOWN_TYPE = one_of(*_EVENTS)
