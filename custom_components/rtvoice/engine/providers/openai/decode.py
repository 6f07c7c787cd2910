"""The provider's server events as facts."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from pydantic_core import CoreConfig, SchemaValidator, ValidationError, core_schema

from ...conversation import facts
from ...conversation.facts import ModelEvent
from ...conversation.values import ProviderFault, ResponseStatus, ToolCall
from ...errors import WireError
from .encode import REQUEST_ID
from .faults import PLAIN, Redactor, fault_of, is_rate_limit, rejection_of
from .fields import Json, integer, number, optional_text, part, parts, plain_text, text
from .items import call_of, item_added
from .remote import CALL_EVENTS, ITEM_EVENTS, LISTING_FAILED, RemoteReader
from .usage import usage_of
from .waiting import RateLimits

MAX_ENDED_AGO_S: Final = 10.0

# Three times as fast as the standard library, and audio is nearly all that is read.
_decode_base64: Final[Callable[[Any], bytes]] = SchemaValidator(
    core_schema.bytes_schema(), CoreConfig(val_json_bytes="base64", hide_input_in_errors=True)
).validate_strings

# Older servers and some compatible ones use the names of the beta.
_BETA_NAMES: Final = {
    "response.text.delta": "response.output_text.delta",
    "response.text.done": "response.output_text.done",
    "response.audio.delta": "response.output_audio.delta",
    "response.audio.done": "response.output_audio.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.audio_transcript.done": "response.output_audio_transcript.done",
    "conversation.item.created": "conversation.item.added",
}

_STATUSES: Final = {
    None: ResponseStatus.COMPLETED,
    "completed": ResponseStatus.COMPLETED,
    "cancelled": ResponseStatus.CANCELLED,
    "canceled": ResponseStatus.CANCELLED,
    "incomplete": ResponseStatus.INCOMPLETE,
    "failed": ResponseStatus.FAILED,
}


class Decoder:
    """Turns server events into facts. What it remembers is what one event needs from an earlier one."""

    def __init__(self, redact: Redactor = PLAIN) -> None:
        self.ignored = 0
        """Events that the conversation has no use for, among them all unknown ones."""
        self.metadata_echoed = False
        """Whether a response ever came back with the id of its request."""
        self._redact = redact
        self._conversation_named = False
        self._foreign: set[str] = set()
        self._calls: dict[str, list[Json]] = {}
        self._half_samples: dict[tuple[str, str, int], bytes] = {}
        self._limits = RateLimits()
        self._remote = RemoteReader(redact)
        self._appended_ms = 0.0
        self._readers = {**_READERS, **self._remembering_readers()}
        self._readers |= {old: self._readers[name] for old, name in _BETA_NAMES.items()}

    def decode(self, event: Json, appended_ms: float = 0.0) -> ModelEvent | None:
        """The fact in an event, None if there is none.

        `appended_ms` is the length of the microphone audio sent so far. Raises WireError for what cannot be read.
        """
        name = text(event, "type")
        if (read := self._readers.get(name)) is None:
            self.ignored += 1
            return None
        if self._foreign and optional_text(event, "response_id") in self._foreign:
            return None
        self._appended_ms = appended_ms
        return read(event)

    def _remembering_readers(self) -> dict[str, Callable[[Json], ModelEvent | None]]:
        """What reads the events that are understood by what came before, or matter to what comes after."""
        return {
            **{name: partial(self._if_remote, self._remote.call, name) for name in CALL_EVENTS},
            **{name: partial(self._if_remote, self._remote.item, name) for name in ITEM_EVENTS},
            LISTING_FAILED: self._remote.listing_failed,
            # Of some events about items more is read than that.
            "response.output_audio.delta": self._audio_delta,
            "response.output_audio.done": self._audio_done,
            "response.created": self._response_created,
            "response.done": self._response_done,
            "response.output_item.done": self._output_item_done,
            "conversation.item.added": self._item_added,
            "conversation.item.input_audio_transcription.failed": self._transcription_failed,
            "input_audio_buffer.speech_stopped": self._speech_stopped,
            "rate_limits.updated": self._limits.note,
            "error": self._error,
        }

    def _if_remote(self, read: Callable[[str, Json], ModelEvent | None], name: str, event: Json) -> ModelEvent | None:
        """What only matters where a server runs MCP servers."""
        if (fact := read(name, event)) is None:
            self.ignored += 1
        return fact

    def _item_added(self, event: Json) -> ModelEvent | None:
        return self._remote.item("conversation.item.added", event) or item_added(event)

    def _output_item_done(self, event: Json) -> ModelEvent | None:
        if (remote := self._remote.item("response.output_item.done", event)) is not None:
            return remote
        item = part(event, "item")
        if call_of(item, finished=True) is not None:
            self._calls.setdefault(text(event, "response_id"), []).append(item)
        return None

    def _error(self, event: Json) -> ModelEvent:
        error = part(event, "error")
        fault = self._fault_of(error)
        return facts.RequestRejected(fault, optional_text(error, "event_id"), rejection_of(fault))

    def _transcription_failed(self, event: Json) -> ModelEvent:
        return facts.UserTranscriptFailed(text(event, "item_id"), self._fault_of(part(event, "error")))

    def _speech_stopped(self, event: Json) -> ModelEvent:
        end_ms = integer(event, "audio_end_ms")
        ago_s = (self._appended_ms - end_ms) / 1000 if end_ms else 0.0
        return facts.SpeechStopped(optional_text(event, "item_id"), end_ms, min(max(ago_s, 0.0), MAX_ENDED_AGO_S))

    def _audio_delta(self, event: Json) -> ModelEvent | None:
        encoded = event.get("delta")
        if not isinstance(encoded, str):
            raise WireError("An audio delta has no audio")
        response_id, item_id, index = (
            text(event, "response_id"),
            text(event, "item_id"),
            integer(event, "content_index"),
        )
        try:
            pcm = _decode_base64(encoded)
        except ValidationError as err:
            raise WireError("An audio delta is not base64") from err
        if self._half_samples:
            pcm = self._half_samples.pop((response_id, item_id, index), b"") + pcm
        if len(pcm) % 2:
            self._half_samples[response_id, item_id, index] = pcm[-1:]
            pcm = pcm[:-1]
        return facts.AudioDelta(response_id, item_id, index, pcm) if pcm else None

    def _audio_done(self, event: Json) -> ModelEvent:
        response_id, item_id, index = (
            text(event, "response_id"),
            text(event, "item_id"),
            integer(event, "content_index"),
        )
        self._half_samples.pop((response_id, item_id, index), None)
        return facts.AudioFinished(response_id, item_id, index)

    def _response_created(self, event: Json) -> ModelEvent | None:
        response = part(event, "response")
        response_id = text(response, "id")
        request_id = optional_text(part(response, "metadata"), REQUEST_ID)
        if request_id is not None:
            self.metadata_echoed = True
        elif self._is_foreign(response):
            self._foreign.add(response_id)
            return None
        return facts.ResponseStarted(response_id, request_id)

    def _is_foreign(self, response: Json) -> bool:
        # Null says that a response is not part of the conversation, except on servers that never write anything else.
        if optional_text(response, "conversation_id") is not None:
            self._conversation_named = True
        return self._conversation_named and response.get("conversation_id", "") is None

    def _response_done(self, event: Json) -> ModelEvent | None:
        response = part(event, "response")
        response_id = text(response, "id")
        remembered = self._calls.pop(response_id, [])
        for place in [place for place in self._half_samples if place[0] == response_id]:
            del self._half_samples[place]
        if response_id in self._foreign:
            self._foreign.discard(response_id)
            return None
        if optional_text(part(response, "metadata"), REQUEST_ID) is None and self._is_foreign(response):
            return None
        status = _STATUSES.get(optional_text(response, "status"), ResponseStatus.INCOMPLETE)
        details = part(response, "status_details")
        return facts.ResponseFinished(
            response_id,
            status,
            _calls_in([*remembered, *parts(response, "output")], finished=status is ResponseStatus.COMPLETED),
            usage_of(part(response, "usage") or part(event, "usage")),
            optional_text(details, "reason"),
            self._failure(status, details),
        )

    def _failure(self, status: ResponseStatus, details: Json) -> ProviderFault | None:
        if status is not ResponseStatus.FAILED:
            return None
        return self._fault_of(part(details, "error"))

    def _fault_of(self, error: Json) -> ProviderFault:
        fault = fault_of(error, self._redact)
        if is_rate_limit(fault) and fault.retry_after_s is None:
            return replace(fault, retry_after_s=self._limits.wait_s)
        return fault


def _calls_in(items: list[Json], *, finished: bool) -> tuple[ToolCall, ...]:
    calls: dict[str, ToolCall] = {}
    for item in items:
        if (call := call_of(item, finished=finished)) is not None:
            calls[call.call_id] = call
    return tuple(calls.values())


def _item_deleted(event: Json) -> ModelEvent | None:
    # Some servers confirm a deletion without saying of what; who asked for it knows.
    return None if event.get("item_id") == "" else facts.ItemDeleted(text(event, "item_id"))


def _transcript_delta(event: Json, *, spoken: bool) -> ModelEvent | None:
    if not (delta := plain_text(event, "delta")):
        return None
    place = text(event, "response_id"), text(event, "item_id"), integer(event, "content_index")
    return facts.TranscriptDelta(*place, delta, spoken, integer(event, "output_index"))


def _transcript_done(event: Json, *, key: str, spoken: bool) -> ModelEvent:
    place = text(event, "response_id"), text(event, "item_id"), integer(event, "content_index")
    return facts.TranscriptFinished(*place, plain_text(event, key), spoken, integer(event, "output_index"))


def _user_transcript_delta(event: Json) -> ModelEvent | None:
    delta = plain_text(event, "delta")
    return facts.UserTranscriptDelta(text(event, "item_id"), delta) if delta else None


def _user_transcript_done(event: Json) -> ModelEvent:
    usage = part(event, "usage")
    seconds = number(usage, "seconds") if "seconds" in usage else None
    return facts.UserTranscriptFinished(
        text(event, "item_id"), plain_text(event, "transcript"), seconds, usage_of(usage)
    )


_READERS: Final[dict[str, Callable[[Json], ModelEvent | None]]] = {
    "response.output_audio_transcript.delta": partial(_transcript_delta, spoken=True),
    "response.output_audio_transcript.done": partial(_transcript_done, key="transcript", spoken=True),
    "response.output_text.delta": partial(_transcript_delta, spoken=False),
    "response.output_text.done": partial(_transcript_done, key="text", spoken=False),
    "input_audio_buffer.speech_started": lambda event: facts.SpeechStarted(
        optional_text(event, "item_id"), integer(event, "audio_start_ms")
    ),
    "input_audio_buffer.committed": lambda event: facts.TurnCommitted(
        text(event, "item_id"), optional_text(event, "previous_item_id")
    ),
    "conversation.item.truncated": lambda event: facts.ItemTruncated(
        text(event, "item_id"), integer(event, "audio_end_ms")
    ),
    "conversation.item.deleted": _item_deleted,
    "conversation.item.input_audio_transcription.delta": _user_transcript_delta,
    "conversation.item.input_audio_transcription.completed": _user_transcript_done,
    "session.updated": lambda _: facts.SessionUpdated(),
}
