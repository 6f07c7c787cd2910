"""Server events as facts."""

import base64
import types
import typing

import pytest
from openai.types.beta.realtime import RealtimeServerEvent as BetaServerEvent
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter

from custom_components.rtvoice.engine.conversation import facts
from custom_components.rtvoice.engine.conversation.values import (
    ItemKind,
    ProviderFault,
    ResponseStatus,
    ResponseUsage,
    TokenCount,
    ToolCall,
)
from custom_components.rtvoice.engine.errors import WireError
from custom_components.rtvoice.engine.providers.openai.codec import Decoder
from custom_components.rtvoice.engine.providers.openai.faults import Redactor

GENERAL_EVENTS = typing.get_args(typing.get_args(RealtimeServerEvent)[0])
BETA_EVENTS = typing.get_args(typing.get_args(BetaServerEvent)[0])
SERVER_EVENTS = (*GENERAL_EVENTS, *BETA_EVENTS)

AUDIO = base64.b64encode(b"\x01\x00\x02\x00").decode()
PLACE = {"response_id": "resp_1", "item_id": "item_1", "output_index": 1, "content_index": 2}
USAGE = {
    "total_tokens": 350,
    "input_tokens": 250,
    "output_tokens": 100,
    "input_token_details": {
        "text_tokens": 119,
        "audio_tokens": 101,
        "image_tokens": 30,
        "cached_tokens": 96,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 32, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 70},
}
TOKENS = ResponseUsage(TokenCount(119, 101, 30), TokenCount(64, 32, 0), TokenCount(30, 70, 0))


def call_item(call_id: str = "call_1", status: str | None = "completed", **more: object) -> dict:
    return {
        "id": f"item_{call_id}",
        "object": "realtime.item",
        "type": "function_call",
        "status": status,
        "name": "turn_on",
        "call_id": call_id,
        "arguments": '{"name":"lamp"}',
        **more,
    }


def tool_call(call_id: str = "call_1", *, complete: bool = True) -> ToolCall:
    return ToolCall(call_id, "turn_on", '{"name":"lamp"}', f"item_{call_id}", complete)


def done(status: str | None = "completed", **response: object) -> dict:
    return {
        "type": "response.done",
        "event_id": "event_1",
        "response": {
            "object": "realtime.response",
            "id": "resp_1",
            "status": status,
            "status_details": None,
            "conversation_id": "conv_1",
            "metadata": None,
            "output": [],
            "usage": None,
            **response,
        },
    }


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        (
            {"type": "response.output_audio.delta", **PLACE, "delta": AUDIO},
            facts.AudioDelta("resp_1", "item_1", 2, b"\x01\x00\x02\x00"),
        ),
        ({"type": "response.output_audio.delta", **PLACE, "delta": ""}, None),
        (
            {"type": "response.audio.delta", **PLACE, "delta": AUDIO},
            facts.AudioDelta("resp_1", "item_1", 2, b"\x01\x00\x02\x00"),
        ),
        ({"type": "response.output_audio.done", **PLACE}, facts.AudioFinished("resp_1", "item_1", 2)),
        (
            {"type": "response.output_audio_transcript.delta", **PLACE, "delta": "Hel", "obfuscation": "x7"},
            facts.TranscriptDelta("resp_1", "item_1", 2, "Hel", spoken=True, output_index=1),
        ),
        ({"type": "response.output_audio_transcript.delta", **PLACE, "delta": None}, None),
        (
            {"type": "response.output_audio_transcript.done", **PLACE, "transcript": "Hello"},
            facts.TranscriptFinished("resp_1", "item_1", 2, "Hello", spoken=True, output_index=1),
        ),
        (
            {"type": "response.output_text.delta", **PLACE, "delta": "Hel"},
            facts.TranscriptDelta("resp_1", "item_1", 2, "Hel", spoken=False, output_index=1),
        ),
        (
            {"type": "response.text.done", **PLACE, "text": "Hello"},
            facts.TranscriptFinished("resp_1", "item_1", 2, "Hello", spoken=False, output_index=1),
        ),
        (
            {"type": "input_audio_buffer.speech_started", "audio_start_ms": 300, "item_id": "item_2"},
            facts.SpeechStarted("item_2", 300),
        ),
        (
            {"type": "input_audio_buffer.speech_started", "audio_start_ms": None, "item_id": None},
            facts.SpeechStarted(None, 0),
        ),
        (
            {"type": "input_audio_buffer.committed", "item_id": "item_2", "previous_item_id": None},
            facts.TurnCommitted("item_2", None),
        ),
        (
            {
                "type": "conversation.item.added",
                "previous_item_id": "item_0",
                "item": {
                    "id": "item_1",
                    "object": "realtime.item",
                    "type": "message",
                    "role": "user",
                    "status": "completed",
                    "content": [
                        {"type": "input_text", "text": "Turn it "},
                        {"type": "input_audio", "transcript": "on"},
                    ],
                },
            },
            facts.ItemAdded("item_1", ItemKind.USER_MESSAGE, "item_0", "Turn it on"),
        ),
        (
            {
                "type": "conversation.item.created",
                "previous_item_id": "",
                "item": {
                    "id": "item_1",
                    "type": "message",
                    "role": "assistant",
                    "content": None,
                    "phase": "commentary",
                },
            },
            facts.ItemAdded("item_1", ItemKind.AGENT_MESSAGE, None, ""),
        ),
        (
            {"type": "conversation.item.added", "item": {"id": "i", "type": "message", "role": "system"}},
            facts.ItemAdded("i", ItemKind.SYSTEM_MESSAGE),
        ),
        (
            {"type": "conversation.item.added", "item": {"id": "i", "type": "message", "role": "tool"}},
            facts.ItemAdded("i", ItemKind.OTHER),
        ),
        (
            {"type": "conversation.item.added", "item": call_item()},
            facts.ItemAdded("item_call_1", ItemKind.TOOL_CALL),
        ),
        (
            {"type": "conversation.item.added", "item": {"id": "i", "type": "function_call_output", "call_id": "c"}},
            facts.ItemAdded("i", ItemKind.TOOL_OUTPUT),
        ),
        (
            {"type": "conversation.item.added", "item": {"id": "i", "type": "mcp_list_tools"}},
            facts.ItemAdded("i", ItemKind.OTHER),
        ),
        (
            {"type": "conversation.item.truncated", "item_id": "item_1", "content_index": 0, "audio_end_ms": 740},
            facts.ItemTruncated("item_1", 740),
        ),
        ({"type": "conversation.item.deleted", "item_id": "item_1"}, facts.ItemDeleted("item_1")),
        ({"type": "conversation.item.deleted", "item_id": ""}, None),
        ({"type": "rate_limits.updated", "rate_limits": None}, None),
        (
            {"type": "conversation.item.input_audio_transcription.delta", "item_id": "item_2", "delta": "Tu"},
            facts.UserTranscriptDelta("item_2", "Tu"),
        ),
        ({"type": "conversation.item.input_audio_transcription.delta", "item_id": "item_2"}, None),
        (
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": "item_2",
                "transcript": "Turn it on",
                "usage": {"type": "duration", "seconds": 2.5},
            },
            facts.UserTranscriptFinished("item_2", "Turn it on", 2.5),
        ),
        (
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": "item_2",
                "transcript": "Turn it on",
                "usage": {
                    "type": "tokens",
                    "input_tokens": 25,
                    "output_tokens": 4,
                    "input_token_details": {"audio_tokens": 20, "text_tokens": 5},
                },
            },
            facts.UserTranscriptFinished(
                "item_2", "Turn it on", None, ResponseUsage(TokenCount(5, 20), output=TokenCount(4))
            ),
        ),
        (
            {
                "type": "conversation.item.input_audio_transcription.failed",
                "item_id": "item_2",
                "error": {"type": "server_error", "code": "audio_unintelligible", "message": "No", "param": None},
            },
            facts.UserTranscriptFailed("item_2", ProviderFault("audio_unintelligible", "No")),
        ),
        ({"type": "session.updated", "session": {}}, facts.SessionUpdated()),
        (
            {
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "code": "invalid_value",
                    "message": "Audio content of 9250ms is already shorter than 57340ms",
                    "param": "audio_end_ms",
                    "event_id": "r-1",
                },
            },
            facts.RequestRejected(
                ProviderFault(
                    "invalid_value", "Audio content of 9250ms is already shorter than 57340ms", "audio_end_ms"
                ),
                "r-1",
                facts.Rejection.ITEM_GONE,
            ),
        ),
        (
            {"type": "error", "error": {"type": "server_error", "code": None, "message": "Oops", "event_id": None}},
            facts.RequestRejected(ProviderFault("server_error", "Oops")),
        ),
        (
            {"type": "error", "error": {"type": "Something broke over there", "code": None, "message": None}},
            facts.RequestRejected(ProviderFault(None, "Something broke over there")),
        ),
        ({"type": "error", "error": None}, facts.RequestRejected(ProviderFault(None, "unknown error"))),
        ({"type": "response.created", "response": {"id": "resp_1"}}, facts.ResponseStarted("resp_1")),
        (
            {
                "type": "response.created",
                "response": {"id": "resp_1", "metadata": {"request_id": "r-1"}, "conversation_id": "conv_1"},
            },
            facts.ResponseStarted("resp_1", "r-1"),
        ),
    ],
)
def test_an_event_is_a_fact(event, fact) -> None:
    assert Decoder().decode(event) == fact


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        (
            done(output=[call_item("call_1"), call_item("call_2")], usage=USAGE),
            facts.ResponseFinished(
                "resp_1", ResponseStatus.COMPLETED, (tool_call("call_1"), tool_call("call_2")), TOKENS
            ),
        ),
        (
            done(status_details={"type": "completed"}, output=[{"type": "message", "id": "i"}, call_item(status=None)]),
            facts.ResponseFinished("resp_1", ResponseStatus.COMPLETED, (tool_call(),)),
        ),
        (
            done("cancelled", status_details={"type": "cancelled", "reason": "turn_detected"}, output=[call_item()]),
            facts.ResponseFinished("resp_1", ResponseStatus.CANCELLED, (tool_call(),), reason="turn_detected"),
        ),
        (
            done("canceled", output=[call_item(status=None)]),
            facts.ResponseFinished("resp_1", ResponseStatus.CANCELLED, (tool_call(complete=False),)),
        ),
        (
            done(
                "incomplete",
                status_details={"type": "incomplete", "reason": "max_output_tokens"},
                output=[call_item(status="incomplete")],
            ),
            facts.ResponseFinished(
                "resp_1", ResponseStatus.INCOMPLETE, (tool_call(complete=False),), reason="max_output_tokens"
            ),
        ),
        (
            done(
                "failed",
                status_details={
                    "type": "failed",
                    "error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": "No credit"},
                },
            ),
            facts.ResponseFinished(
                "resp_1", ResponseStatus.FAILED, fault=ProviderFault("insufficient_quota", "No credit")
            ),
        ),
        (
            done("failed"),
            facts.ResponseFinished("resp_1", ResponseStatus.FAILED, fault=ProviderFault(None, "unknown error")),
        ),
        (done(None), facts.ResponseFinished("resp_1", ResponseStatus.COMPLETED)),
        (done("on_fire"), facts.ResponseFinished("resp_1", ResponseStatus.INCOMPLETE)),
        (
            done(output=[call_item(call_id=None), {"type": "function_call"}, "?"]),
            facts.ResponseFinished("resp_1", ResponseStatus.COMPLETED),
        ),
        (
            {**done(usage={}), "usage": {"input_tokens": 7, "output_tokens": 3, "input_token_details": None}},
            facts.ResponseFinished(
                "resp_1",
                ResponseStatus.COMPLETED,
                usage=ResponseUsage(TokenCount(7), TokenCount(), TokenCount(3)),
            ),
        ),
    ],
)
def test_the_end_of_a_response(event, fact) -> None:
    assert Decoder().decode(event) == fact


def test_calls_are_remembered_for_servers_that_leave_the_output_out() -> None:
    decoder = Decoder()
    message = {"id": "i", "type": "message", "role": "assistant"}
    for item in (message, call_item("call_1"), call_item("call_2")):
        assert decoder.decode({"type": "response.output_item.done", "response_id": "resp_1", "item": item}) is None
    finished = decoder.decode(done(output=None))
    assert finished.calls == (tool_call("call_1"), tool_call("call_2"))
    assert decoder.decode(done(output=None)).calls == ()


def test_a_call_that_is_reported_twice_is_one_call_as_the_output_has_it() -> None:
    decoder = Decoder()
    item = call_item(status="in_progress")
    decoder.decode({"type": "response.output_item.done", "response_id": "resp_1", "item": item})
    assert decoder.decode(done(output=[call_item()])).calls == (tool_call(),)


def test_several_messages_of_a_response_stay_apart() -> None:
    """A few words before a tool call are an item of their own; the next one's audio may overtake its end."""
    decoder = Decoder()
    first, second = b"\x01\x02\x03", b"\x11\x12\x13"

    def audio(item: str, pcm: bytes, response: str = "resp_1", index: int = 0) -> facts.ModelEvent | None:
        place = {"response_id": response, "item_id": item, "output_index": index, "content_index": 0}
        encoded = base64.b64encode(pcm).decode()
        return decoder.decode({"type": "response.output_audio.delta", **place, "delta": encoded})

    def ended(item: str, response: str = "resp_1") -> facts.ModelEvent | None:
        return decoder.decode({"type": "response.output_audio.done", "response_id": response, "item_id": item})

    message = {"type": "message", "role": "assistant"}
    assert decoder.decode(
        {"type": "conversation.item.added", "item": {"id": "a", **message, "phase": "commentary"}}
    ) == facts.ItemAdded("a", ItemKind.AGENT_MESSAGE)
    assert audio("a", first) == facts.AudioDelta("resp_1", "a", 0, b"\x01\x02")
    assert decoder.decode(
        {
            "type": "conversation.item.added",
            "previous_item_id": "a",
            "item": {"id": "b", **message, "phase": "final_answer"},
        }
    ) == facts.ItemAdded("b", ItemKind.AGENT_MESSAGE, "a")
    assert audio("b", second, index=1) == facts.AudioDelta("resp_1", "b", 0, b"\x11\x12")
    # Each half of a sample waits for the other half of its own item, whatever else ends meanwhile.
    assert audio("a", b"\x04") == facts.AudioDelta("resp_1", "a", 0, b"\x03\x04")
    assert ended("a") == facts.AudioFinished("resp_1", "a", 0)
    assert decoder.decode(done(id="resp_0")) is not None
    assert audio("b", b"\x14", index=1) == facts.AudioDelta("resp_1", "b", 0, b"\x13\x14")
    assert audio("b", b"\x15", response="resp_2") is None
    assert audio("b", b"\x16\x17") == facts.AudioDelta("resp_1", "b", 0, b"\x16\x17")
    words = {"response_id": "resp_1", "item_id": "b", "output_index": 1, "content_index": 0, "transcript": "It is on."}
    assert decoder.decode({"type": "response.output_audio_transcript.done", **words}) == facts.TranscriptFinished(
        "resp_1", "b", 0, "It is on.", output_index=1
    )
    finished = decoder.decode(done(output=[{"id": "a", **message}, {"id": "b", **message}, call_item()]))
    assert finished.calls == (tool_call(),)


@pytest.mark.parametrize(
    ("appended_ms", "end_ms", "ago_s"),
    [(2500.0, 2000, 0.5), (1900.0, 2000, 0.0), (60_000.0, 2000, 10.0), (2500.0, None, 0.0)],
)
def test_how_long_ago_the_user_stopped(appended_ms, end_ms, ago_s) -> None:
    event = {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": end_ms, "item_id": "item_2"}
    assert Decoder().decode(event, appended_ms) == facts.SpeechStopped("item_2", end_ms or 0, ago_s)


def test_samples_that_are_cut_in_two_are_joined() -> None:
    decoder = Decoder()

    def delta(pcm: bytes, item: str = "item_1") -> facts.AudioDelta | None:
        encoded = base64.b64encode(pcm).decode()
        event = {"type": "response.output_audio.delta", "response_id": "resp_1", "item_id": item, "delta": encoded}
        return decoder.decode(event)

    assert delta(b"\x01") is None
    assert delta(b"\x09\x08\x07", "item_2").pcm == b"\x09\x08"
    assert delta(b"\x02\x03\x04").pcm == b"\x01\x02\x03\x04"
    assert delta(b"\x05") is None
    decoder.decode({"type": "response.output_audio.done", "response_id": "resp_1", "item_id": "item_1"})
    assert delta(b"\x06\x07").pcm == b"\x06\x07"
    decoder.decode(done())
    assert delta(b"\x01\x02", "item_2").pcm == b"\x01\x02"


def test_responses_outside_the_conversation_are_no_facts() -> None:
    decoder = Decoder()
    assert decoder.decode(done(id="resp_0")) is not None
    created = {"type": "response.created", "response": {"id": "resp_1", "conversation_id": None, "metadata": None}}
    assert decoder.decode(created) is None
    delta = {"type": "response.output_text.delta", **PLACE, "delta": "x"}
    assert decoder.decode(delta) is None
    assert decoder.decode(done(conversation_id=None)) is None
    assert decoder.decode(done(conversation_id=None, id="resp_2")) is None
    assert decoder.decode(delta) is not None


def test_null_means_nothing_on_a_server_that_writes_it_everywhere() -> None:
    decoder = Decoder()
    assert decoder.decode({"type": "conversation.created", "conversation": {"id": "conv_1"}}) is None
    created = {"type": "response.created", "response": {"id": "resp_1", "conversation_id": None, "metadata": None}}
    assert decoder.decode(created) == facts.ResponseStarted("resp_1")
    assert decoder.decode(done(conversation_id=None)) is not None


def test_a_response_that_was_asked_for_is_a_fact_wherever_it_belongs() -> None:
    decoder = Decoder()
    decoder.decode(done())
    assert not decoder.metadata_echoed
    response = {"id": "resp_2", "conversation_id": None, "metadata": {"request_id": "r-1"}}
    assert decoder.decode({"type": "response.created", "response": response}) == facts.ResponseStarted("resp_2", "r-1")
    assert decoder.decode({"type": "response.done", "response": response}) is not None
    assert decoder.metadata_echoed


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("samples", [1, 2, 3])
def test_audio_is_read_however_it_is_written_in_base64(encode, padded, samples) -> None:
    pcm = b"\xfb\xff" * samples
    encoded = encode(pcm).decode()
    event = {"type": "response.output_audio.delta", **PLACE, "delta": encoded if padded else encoded.rstrip("=")}
    assert Decoder().decode(event).pcm == pcm


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": None},
        {"type": ["x"]},
        {"type": "response.output_audio.delta", **PLACE},
        {"type": "response.output_audio.delta", **PLACE, "delta": "not base64!"},
        {"type": "response.output_audio.delta", **PLACE, "delta": "ÄÖ=="},
        {"type": "response.output_audio.delta", **PLACE, "delta": f"{AUDIO}\n"},
        {"type": "response.output_audio.delta", **PLACE, "delta": "AQA=AQA="},
        {"type": "response.output_audio.delta", **PLACE, "delta": "\ud800"},
        {"type": "response.output_audio.delta", "response_id": "resp_1", "item_id": None, "delta": AUDIO},
        {"type": "response.output_audio.done"},
        {"type": "response.output_audio_transcript.delta", "delta": "x", "response_id": 7, "item_id": "i"},
        {"type": "response.created", "response": None},
        {"type": "response.done", "response": {"id": 7}},
        {"type": "response.output_item.done", "response_id": None, "item": call_item()},
        {"type": "conversation.item.added", "item": []},
        {"type": "conversation.item.deleted", "item_id": None},
        {"type": "conversation.item.input_audio_transcription.failed", "error": {}},
        {"type": "input_audio_buffer.committed", "item_id": {}},
    ],
)
def test_what_cannot_be_read_is_an_error(event) -> None:
    with pytest.raises(WireError):
        Decoder().decode(event)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "ping", "timestamp": 1},
        {"type": "conversation.item.done", "item": {}},
        {"type": "localai.something", "response_id": ["odd"]},
    ],
)
def test_what_is_not_needed_is_counted(event) -> None:
    decoder = Decoder()
    assert decoder.decode(event) is None
    assert decoder.ignored == 1


@pytest.mark.parametrize("value", [True, "5", -3, float("nan"), float("inf"), [], None])
def test_odd_numbers_are_zero(value) -> None:
    event = {"type": "conversation.item.truncated", "item_id": "i", "audio_end_ms": value}
    assert Decoder().decode(event) == facts.ItemTruncated("i", 0)


def test_keys_in_messages_are_not_repeated() -> None:
    error = {"code": "invalid_api_key", "message": "Incorrect API key provided: sk-proj-ab*****yz. And secret-key-7."}
    rejected = Decoder(Redactor("secret-key-7")).decode({"type": "error", "error": error})
    assert rejected.fault.message == "Incorrect API key provided: sk-… And …."
    assert "secret" not in repr(Redactor("secret-key-7"))


def sample(annotation: object, *, full: bool) -> object:
    """A value of a type of the official package: with all fields, or with the required ones only."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return sample(arguments[0], full=full)
    if origin is typing.Literal:
        return arguments[0]
    if origin in (typing.Union, types.UnionType):
        return sample(arguments[0], full=full)
    if origin in (list, typing.List):  # noqa: UP006 the package's annotations are such
        return [sample(arguments[0], full=full)]
    if origin is dict:
        return {"key": sample(arguments[1], full=full)}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return {name: sample(each.annotation, full=full) for name, each in fields if full or each.is_required()}
    return {str: "AAAA", int: 1, float: 1.5, bool: True, object: {}}[annotation]


@pytest.mark.parametrize("full", [True, False], ids=["all fields", "required fields"])
@pytest.mark.parametrize("model", SERVER_EVENTS, ids=lambda model: model.__name__)
def test_every_official_event_can_be_read(model, full) -> None:
    event = sample(model, full=full)
    TypeAdapter(model).validate_python(event, strict=True)
    # Optional ids are always sent; the types only leave room for other uses of the same objects.
    for part in ("item", "response"):
        if part in event:
            event[part].setdefault("id", "id_1")
    Decoder().decode(event)


def test_all_official_events_were_read() -> None:
    assert (len(GENERAL_EVENTS), len(BETA_EVENTS)) == (46, 34)


@pytest.mark.parametrize("model", SERVER_EVENTS, ids=lambda model: model.__name__)
def test_null_in_every_unset_field_is_tolerated(model) -> None:
    event = dict.fromkeys(model.model_fields) | sample(model, full=False)
    for part in ("item", "response"):
        if part in event:
            event[part].setdefault("id", "id_1")
    Decoder().decode(event)


@pytest.mark.parametrize(
    ("code", "message", "rejection"),
    [
        ("conversation_already_has_active_response", "Busy", facts.Rejection.ALREADY_RESPONDING),
        ("response_cancel_not_active", "Nothing", facts.Rejection.NOTHING_TO_CANCEL),
        ("input_audio_buffer_commit_empty", "Empty", facts.Rejection.EMPTY_INPUT),
        ("item_truncate_invalid_item_id", "Gone", facts.Rejection.ITEM_GONE),
        ("unsupported_content_type", "No audio", facts.Rejection.ITEM_GONE),
        ("invalid_value", "Audio content of 9250ms is already shorter than 57340ms", facts.Rejection.ITEM_GONE),
        ("invalid_value", "Invalid voice", facts.Rejection.OTHER),
        (None, "Anything", facts.Rejection.OTHER),
    ],
)
def test_refused_requests_are_told_apart(code, message, rejection) -> None:
    error = {"type": "invalid_request_error", "code": code, "message": message, "param": None, "event_id": None}
    fact = Decoder().decode({"type": "error", "event_id": "e1", "error": error}, 0)
    assert isinstance(fact, facts.RequestRejected)
    assert fact.rejection is rejection
