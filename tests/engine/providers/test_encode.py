"""Every client event is one that the official types know, to the last key."""

import base64

import orjson
import pytest
from openai.types.realtime import RealtimeClientEvent
from pydantic import TypeAdapter, ValidationError

from custom_components.rtvoice.engine.conversation.effects import (
    AddItem,
    CancelResponse,
    ClearInput,
    CommitInput,
    CreateResponse,
    DeleteItem,
    SendToolOutput,
    TruncateItem,
    UpdateSession,
)
from custom_components.rtvoice.engine.conversation.values import ItemKind, NewItem, ToolCall, ToolChoice, ToolDefinition
from custom_components.rtvoice.engine.options import (
    NoiseReduction,
    OutputModality,
    PushToTalk,
    ReasoningEffort,
    SemanticEagerness,
    SemanticVAD,
    ServerVAD,
    SessionOptions,
    TokenBudget,
    TruncationMode,
)
from custom_components.rtvoice.engine.providers.openai.codec import Encoder, encode_audio, update_of
from custom_components.rtvoice.engine.providers.openai.session_config import GENERAL

from .official import assert_no_extra

CLIENT_EVENT = TypeAdapter(RealtimeClientEvent)
ENCODER = Encoder(GENERAL, SessionOptions())
event_of, encode = ENCODER.event_of, ENCODER.encode
session_of, without = GENERAL.session_of, GENERAL.without
LIGHT = ToolDefinition(
    "turn_on",
    "Turns something on",
    {"type": "object", "properties": {"name": {"type": "string", "enum": ["lamp"]}}, "required": ["name"]},
)


def assert_known(event: dict) -> None:
    """The official types take the event, know all of its keys, and give back the same."""
    model = CLIENT_EVENT.validate_python(event)
    assert_no_extra(model)
    assert model.model_dump(exclude_unset=True) == event


def test_the_check_of_keys_sees_an_unknown_one() -> None:
    with pytest.raises(AssertionError, match="temperature"):
        assert_known({"type": "session.update", "session": {"type": "realtime", "temperature": 0.8}})
    output = {"speed": 1.0, "gain": 2}
    with pytest.raises(AssertionError, match="gain"):
        assert_known({"type": "session.update", "session": {"type": "realtime", "audio": {"output": output}}})


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (
            CreateResponse("r-1"),
            {"type": "response.create", "event_id": "r-1", "response": {"metadata": {"request_id": "r-1"}}},
        ),
        (
            CreateResponse("r-2", instructions="Say hello", tool_choice=ToolChoice.NONE),
            {
                "type": "response.create",
                "event_id": "r-2",
                "response": {
                    "metadata": {"request_id": "r-2"},
                    "instructions": "Say hello",
                    "tool_choice": "none",
                },
            },
        ),
        (CancelResponse(), {"type": "response.cancel"}),
        (CancelResponse("resp_1"), {"type": "response.cancel", "response_id": "resp_1"}),
        (
            TruncateItem("item_1", 740, content_index=1),
            {"type": "conversation.item.truncate", "item_id": "item_1", "content_index": 1, "audio_end_ms": 740},
        ),
        (DeleteItem("item_1"), {"type": "conversation.item.delete", "item_id": "item_1"}),
        (
            SendToolOutput("call_1", '{"ok":true}'),
            {
                "type": "conversation.item.create",
                "item": {"type": "function_call_output", "call_id": "call_1", "output": '{"ok":true}'},
            },
        ),
        (
            AddItem(NewItem(ItemKind.USER_MESSAGE, "What is this?", image="data:image/png;base64,AAAA", item_id="u1")),
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "user",
                    "id": "u1",
                    "content": [
                        {"type": "input_text", "text": "What is this?"},
                        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
                    ],
                },
            },
        ),
        (
            AddItem(NewItem(ItemKind.USER_MESSAGE, "", image="data:image/png;base64,AAAA")),
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}],
                },
            },
        ),
        (
            AddItem(NewItem(ItemKind.USER_MESSAGE, "", audio=b"\x01\x00")),
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_audio", "audio": "AQA="}],
                },
            },
        ),
        (
            AddItem(NewItem(ItemKind.TOOL_CALL, "", call=ToolCall("call_1", "turn_on", '{"name":"lamp"}'))),
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "function_call",
                    "call_id": "call_1",
                    "name": "turn_on",
                    "arguments": '{"name":"lamp"}',
                },
            },
        ),
        (
            AddItem(NewItem(ItemKind.AGENT_MESSAGE, "It is on.")),
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "It is on."}],
                },
            },
        ),
        (
            AddItem(NewItem(ItemKind.SYSTEM_MESSAGE, "It is night.")),
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "system",
                    "content": [{"type": "input_text", "text": "It is night."}],
                },
            },
        ),
        (
            UpdateSession("u-1", speech_speed=1.25),
            {
                "type": "session.update",
                "event_id": "u-1",
                "session": {"type": "realtime", "audio": {"output": {"speed": 1.25}}},
            },
        ),
        (
            UpdateSession("u-2", tools=(LIGHT,), tool_choice=ToolChoice.REQUIRED),
            {
                "type": "session.update",
                "event_id": "u-2",
                "session": {
                    "type": "realtime",
                    "tools": [
                        {
                            "type": "function",
                            "name": "turn_on",
                            "description": "Turns something on",
                            "parameters": LIGHT.parameters,
                        }
                    ],
                    "tool_choice": "required",
                },
            },
        ),
        (
            UpdateSession("u-3", tools=()),
            {"type": "session.update", "event_id": "u-3", "session": {"type": "realtime", "tools": []}},
        ),
        (CommitInput(), {"type": "input_audio_buffer.commit"}),
        (ClearInput(), {"type": "input_audio_buffer.clear"}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict) else "",
)
def test_a_command_is_a_known_client_event(command, event) -> None:
    assert event_of(command) == event
    assert orjson.loads(encode(command)) == event
    assert_known(event)


@pytest.mark.parametrize("kind", [ItemKind.TOOL_CALL, ItemKind.TOOL_OUTPUT, ItemKind.OTHER])
def test_what_is_no_message_and_no_call_cannot_be_added(kind) -> None:
    with pytest.raises(ValueError, match=kind):
        event_of(AddItem(NewItem(kind, "x")))


@pytest.mark.parametrize("pcm", [b"", b"\x00\x01", bytes(range(256)) * 20, bytearray(b"\xff\xfe\xfd\xfc")])
def test_audio_is_a_known_client_event(pcm) -> None:
    event = orjson.loads(encode_audio(pcm))
    assert event == {"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()}
    assert_known(event)


def test_the_settings_as_they_are_by_default() -> None:
    event = update_of(session_of(SessionOptions(instructions="Be brief", tools=(LIGHT,))), "setup-1")
    assert_known(event)
    assert event == {
        "type": "session.update",
        "event_id": "setup-1",
        "session": {
            "type": "realtime",
            "instructions": "Be brief",
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "noise_reduction": {"type": "far_field"},
                    "transcription": {"model": "gpt-transcribe"},
                    "turn_detection": {
                        "type": "semantic_vad",
                        "eagerness": "auto",
                        "create_response": True,
                        "interrupt_response": True,
                    },
                },
                "output": {"format": {"type": "audio/pcm", "rate": 24000}, "speed": 1.0, "voice": "marin"},
            },
            "tools": [
                {
                    "type": "function",
                    "name": "turn_on",
                    "description": "Turns something on",
                    "parameters": LIGHT.parameters,
                }
            ],
            "tool_choice": "auto",
        },
    }
    assert orjson.loads(orjson.dumps(event)) == event


def settings(**options) -> dict:
    event = update_of(session_of(SessionOptions(**options)), "setup-1")
    assert_known(event)
    return event["session"]


def test_everything_off_is_null() -> None:
    session = settings(transcription_model=None, noise_reduction=None, turn_detection=PushToTalk(), voice=None)
    heard = session["audio"]["input"]
    assert (heard["transcription"], heard["noise_reduction"], heard["turn_detection"]) == (None, None, None)
    assert "voice" not in session["audio"]["output"]
    assert "reasoning" not in session
    assert not {"max_output_tokens", "parallel_tool_calls", "truncation"} & set(session)


def test_everything_set() -> None:
    session = settings(
        reasoning_effort=ReasoningEffort.LOW,
        max_output_tokens=512,
        parallel_tool_calls=False,
        truncation=TokenBudget(retention_ratio=0.7, post_instructions_tokens=8000),
        speech_speed=1.5,
        voice="voice_from_elsewhere",
        output_modality=OutputModality.TEXT,
        noise_reduction=NoiseReduction.NEAR_FIELD,
        turn_detection=ServerVAD(threshold=0.7, prefix_padding_ms=200, silence_duration_ms=800),
    )
    assert session["reasoning"] == {"effort": "low"}
    assert session["max_output_tokens"] == 512
    assert session["parallel_tool_calls"] is False
    assert session["truncation"] == {
        "type": "retention_ratio",
        "retention_ratio": 0.7,
        "token_limits": {"post_instructions": 8000},
    }
    assert session["output_modalities"] == ["text"]
    assert session["audio"]["output"]["speed"] == 1.5
    assert session["audio"]["output"]["voice"] == "voice_from_elsewhere"
    assert session["audio"]["input"]["noise_reduction"] == {"type": "near_field"}
    assert session["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.7,
        "prefix_padding_ms": 200,
        "silence_duration_ms": 800,
        "create_response": True,
        "interrupt_response": True,
    }


@pytest.mark.parametrize("turn_detection", [SemanticVAD(), ServerVAD()])
def test_the_provider_is_told_whether_to_answer_turns_by_itself(turn_detection) -> None:
    session = settings(turn_detection=turn_detection, answers_turns=False)
    assert session["audio"]["input"]["turn_detection"]["create_response"] is False
    assert session["audio"]["input"]["turn_detection"]["interrupt_response"] is True


@pytest.mark.parametrize(
    ("truncation", "expected"),
    [
        (TruncationMode.AUTO, "auto"),
        (TruncationMode.DISABLED, "disabled"),
        (TokenBudget(), {"type": "retention_ratio", "retention_ratio": 0.8}),
    ],
)
def test_truncation_is_sent(truncation, expected) -> None:
    assert settings(truncation=truncation)["truncation"] == expected


@pytest.mark.parametrize("options", [{"retention_ratio": 1.1}, {"post_instructions_tokens": 0}, {"tokens": 1}])
def test_a_budget_that_cannot_be_one_is_refused(options) -> None:
    with pytest.raises(ValidationError):
        TokenBudget(**options)


def test_semantic_eagerness_is_sent() -> None:
    session = settings(turn_detection=SemanticVAD(eagerness=SemanticEagerness.HIGH))
    assert session["audio"]["input"]["turn_detection"]["eagerness"] == "high"


@pytest.mark.parametrize(
    ("model", "language", "expected"),
    [
        ("gpt-transcribe", "de", {"model": "gpt-transcribe", "languages": ["de"]}),
        ("whisper-1", "de", {"model": "whisper-1", "language": "de"}),
        ("whisper-1", None, {"model": "whisper-1"}),
    ],
)
def test_the_language_goes_where_the_transcription_model_wants_it(model, language, expected) -> None:
    session = settings(transcription_model=model, transcription_language=language)
    assert session["audio"]["input"]["transcription"] == expected


@pytest.mark.parametrize(
    ("param", "path"),
    [
        ("session.reasoning", ("reasoning",)),
        ("session.reasoning.effort", ("reasoning",)),
        ("session.audio.input.noise_reduction.type", ("audio", "input", "noise_reduction")),
        ("session.audio.input.transcription.languages", ("audio", "input", "transcription", "languages")),
        ("session.audio.output.speed", ("audio", "output", "speed")),
        ("session.truncation.token_limits", ("truncation",)),
        ("session.parallel_tool_calls", ("parallel_tool_calls",)),
    ],
)
def test_a_dispensable_setting_is_dropped_alone(param, path) -> None:
    session = session_of(
        SessionOptions(
            reasoning_effort=ReasoningEffort.LOW,
            transcription_language="en",
            parallel_tool_calls=True,
            truncation=TokenBudget(),
        )
    )
    before = orjson.dumps(session)
    smaller = without(session, param)
    expected = orjson.loads(before)
    inner = expected
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    assert smaller == expected
    assert orjson.dumps(session) == before
    assert without(smaller, param) is None


@pytest.mark.parametrize(
    "param",
    [
        "session.audio.output.voice",
        "session.audio.input.transcription.model",
        "session.reasoning_mode",
        "session.audio.input.turn_detection.eagerness",
        "",
    ],
)
def test_a_setting_that_was_asked_for_is_not_dropped(param) -> None:
    assert without(session_of(SessionOptions(reasoning_effort=ReasoningEffort.LOW)), param) is None


def test_a_language_cannot_be_dropped_from_transcription_that_is_off() -> None:
    assert (
        without(session_of(SessionOptions(transcription_model=None)), "session.audio.input.transcription.language")
        is None
    )


def test_an_item_may_go_in_front_of_everything() -> None:
    event = event_of(AddItem(NewItem(ItemKind.SYSTEM_MESSAGE, "Earlier", item_id="e1", first=True)))
    assert event["previous_item_id"] == "root"
    assert_known(event)
