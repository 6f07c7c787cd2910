"""What is written in the dialects of the beta and of xAI."""

import orjson
import pytest
from openai.types.beta.realtime import RealtimeClientEvent
from pydantic import TypeAdapter

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
from custom_components.rtvoice.engine.conversation.values import (
    ItemKind,
    NewItem,
    ToolCall,
    ToolChoice,
    ToolDefinition,
)
from custom_components.rtvoice.engine.options import (
    AssistantVoice,
    NoiseReduction,
    OutputModality,
    PushToTalk,
    ReasoningEffort,
    SemanticVAD,
    ServerVAD,
    SessionOptions,
    TokenBudget,
)
from custom_components.rtvoice.engine.providers.openai.beta import beta_style
from custom_components.rtvoice.engine.providers.openai.codec import Encoder, encode_audio, update_of
from custom_components.rtvoice.engine.providers.openai.session_config import GENERAL
from custom_components.rtvoice.engine.providers.openai.xai import xai_style

from .official import assert_no_extra

BETA_EVENT = TypeAdapter(RealtimeClientEvent)
BETA = beta_style()
XAI_STYLE = xai_style()
PARAMETERS = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
LIGHT = ToolDefinition("turn_on", "Turns something on", PARAMETERS)
FLAT_TOOL = {"type": "function", "name": "turn_on", "description": "Turns something on", "parameters": PARAMETERS}
PCM = {"type": "audio/pcm", "rate": 24000}

EVERYTHING = SessionOptions(
    instructions="Be brief",
    voice="eve",
    speech_speed=1.25,
    transcription_language="de",
    tools=(LIGHT,),
    reasoning_effort=ReasoningEffort.HIGH,
    max_output_tokens=512,
    parallel_tool_calls=True,
    truncation=TokenBudget(),
    turn_detection=ServerVAD(threshold=0.7, prefix_padding_ms=200, silence_duration_ms=800),
    noise_reduction=NoiseReduction.NEAR_FIELD,
)

COMMANDS = [
    CreateResponse("r-1"),
    CreateResponse("r-2", instructions="Say hello", tool_choice=ToolChoice.NONE),
    CancelResponse(),
    CancelResponse("resp_1"),
    TruncateItem("item_1", 740, content_index=1),
    DeleteItem("item_1"),
    SendToolOutput("call_1", '{"ok":true}'),
    AddItem(NewItem(ItemKind.USER_MESSAGE, "What is this?", item_id="u1")),
    AddItem(NewItem(ItemKind.USER_MESSAGE, "", audio=b"\x01\x00")),
    AddItem(NewItem(ItemKind.AGENT_MESSAGE, "It is on.")),
    AddItem(NewItem(ItemKind.SYSTEM_MESSAGE, "It is night.")),
    AddItem(NewItem(ItemKind.TOOL_CALL, "", call=ToolCall("call_1", "turn_on", "{}"))),
    UpdateSession("u-1", speech_speed=1.25),
    UpdateSession("u-2", tools=(LIGHT,), tool_choice=ToolChoice.REQUIRED),
    UpdateSession("u-3", tools=()),
    CommitInput(),
    ClearInput(),
]


def assert_known_to_beta(event: dict) -> None:
    """The official types of the beta take the event, know all of its keys, and give back the same."""
    model = BETA_EVENT.validate_python(event)
    assert_no_extra(model)
    assert model.model_dump(exclude_unset=True) == event


# --- the beta ---------------------------------------------------------------------------------------------------------


def test_the_check_of_keys_sees_one_of_the_general_api() -> None:
    with pytest.raises(AssertionError, match="output_modalities"):
        assert_known_to_beta({"type": "session.update", "session": {"output_modalities": ["text"]}})


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_command_is_a_known_event_of_the_beta(command) -> None:
    encoder = Encoder(BETA, SessionOptions())
    event = encoder.event_of(command)
    assert orjson.loads(encoder.encode(command)) == event
    assert_known_to_beta(event)


def test_audio_is_a_known_event_of_the_beta() -> None:
    assert_known_to_beta(orjson.loads(encode_audio(b"\x01\x00")))


@pytest.mark.parametrize(
    "options",
    [
        SessionOptions(),
        EVERYTHING,
        SessionOptions(
            transcription_model=None,
            noise_reduction=None,
            turn_detection=PushToTalk(),
            voice=None,
            output_modality=OutputModality.TEXT,
        ),
    ],
    ids=["as they are", "everything", "nothing"],
)
def test_settings_are_known_to_the_beta(options) -> None:
    assert_known_to_beta(update_of(BETA.session_of(options), "setup-1"))


def test_settings_of_the_beta_are_flat() -> None:
    assert BETA.session_of(EVERYTHING) == {
        "modalities": ["text", "audio"],
        "instructions": "Be brief",
        "voice": "eve",
        "speed": 1.25,
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": {"model": "gpt-transcribe", "language": "de"},
        "input_audio_noise_reduction": {"type": "near_field"},
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.7,
            "prefix_padding_ms": 200,
            "silence_duration_ms": 800,
            "create_response": True,
            "interrupt_response": True,
        },
        "tools": [FLAT_TOOL],
        "tool_choice": "auto",
        "max_response_output_tokens": 512,
    }


def test_what_is_off_in_the_beta() -> None:
    session = BETA.session_of(
        SessionOptions(
            transcription_model=None,
            noise_reduction=None,
            turn_detection=PushToTalk(),
            voice=None,
            output_modality=OutputModality.TEXT,
        )
    )
    assert session["modalities"] == ["text"]
    assert (session["input_audio_transcription"], session["turn_detection"]) == (None, None)
    missing = {"voice", "speed", "input_audio_noise_reduction", "max_response_output_tokens"}
    assert not missing & set(session)


def test_tools_of_the_beta_may_be_nested() -> None:
    nested = {"type": "function", "function": {key: FLAT_TOOL[key] for key in ("name", "description", "parameters")}}
    style = beta_style(nested_tools=True)
    assert style.session_of(EVERYTHING)["tools"] == [nested]
    assert style.changes_of(UpdateSession("u-1", tools=(LIGHT,))) == {"tools": [nested]}
    assert style.changes_of(UpdateSession("u-1", tools=())) == {"tools": []}
    assert BETA.changes_of(UpdateSession("u-1", tools=(LIGHT,))) == {"tools": [FLAT_TOOL]}


def test_the_words_of_the_agent_have_another_type_in_the_beta() -> None:
    event = Encoder(BETA, SessionOptions()).event_of(AddItem(NewItem(ItemKind.AGENT_MESSAGE, "It is on.")))
    assert event["item"]["content"] == [{"type": "text", "text": "It is on."}]


@pytest.mark.parametrize(
    ("param", "gone"),
    [
        ("session.input_audio_noise_reduction", ("input_audio_noise_reduction",)),
        ("session.input_audio_noise_reduction.type", ("input_audio_noise_reduction",)),
        ("session.input_audio_transcription.model", ("input_audio_transcription", "model")),
        ("session.input_audio_transcription.language", ("input_audio_transcription", "language")),
        ("session.speed", ("speed",)),
        ("session.input_audio_format", ("input_audio_format",)),
        ("session.turn_detection.eagerness", ("turn_detection", "eagerness")),
        ("session.turn_detection.type", ("turn_detection",)),
    ],
)
def test_what_a_server_of_the_beta_may_not_know_is_dropped_alone(param, gone) -> None:
    options = EVERYTHING.model_copy(update={"turn_detection": SemanticVAD()})
    session = BETA.session_of(options)
    smaller = orjson.loads(orjson.dumps(session))
    inner = smaller
    for key in gone[:-1]:
        inner = inner[key]
    del inner[gone[-1]]
    assert BETA.without(session, param) == smaller


@pytest.mark.parametrize("param", ["session.voice", "session.turn_detection", "session.tools", "session.speedy", ""])
def test_what_was_asked_of_a_server_of_the_beta_is_not_dropped(param) -> None:
    assert BETA.without(BETA.session_of(EVERYTHING), param) is None


def test_push_to_talk_is_never_dropped() -> None:
    session = BETA.session_of(SessionOptions(turn_detection=PushToTalk()))
    assert BETA.without(session, "session.turn_detection.type") is None


# --- xAI --------------------------------------------------------------------------------------------------------------


def test_settings_of_xai_are_half_flat() -> None:
    assert XAI_STYLE.session_of(EVERYTHING) == {
        "instructions": "Be brief",
        "voice": "eve",
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.7,
            "prefix_padding_ms": 200,
            "silence_duration_ms": 800,
        },
        "tools": [FLAT_TOOL],
        "reasoning": {"effort": "high"},
        "audio": {
            "input": {"format": PCM, "transcription": {"language_hint": "de"}},
            "output": {"format": PCM, "speed": 1.25},
        },
    }


def test_settings_of_xai_as_they_are_by_default() -> None:
    """Turns are detected as xAI likes to, and it speaks with a voice of its own."""
    assert XAI_STYLE.session_of(SessionOptions()) == {
        "instructions": "",
        "turn_detection": {"type": "server_vad"},
        "tools": [],
        "audio": {"input": {"format": PCM, "transcription": {}}, "output": {"format": PCM, "speed": 1.0}},
    }


def test_audio_goes_to_xai_at_the_rate_it_has() -> None:
    audio = xai_style(input_rate_hz=16_000).session_of(SessionOptions())["audio"]
    assert audio["input"]["format"] == {"type": "audio/pcm", "rate": 16000}
    assert audio["output"]["format"] == PCM


def test_what_is_off_at_xai() -> None:
    session = XAI_STYLE.session_of(
        SessionOptions(transcription_model=None, turn_detection=PushToTalk(), voice=None, reasoning_effort=None)
    )
    assert session["turn_detection"] is None
    assert "transcription" not in session["audio"]["input"]
    assert not {"voice", "reasoning"} & set(session)


@pytest.mark.parametrize(("speed", "spoken"), [(0.25, 0.7), (0.7, 0.7), (1.1, 1.1), (1.5, 1.5)])
def test_xai_speaks_no_slower_than_it_can(speed, spoken) -> None:
    assert XAI_STYLE.session_of(SessionOptions(speech_speed=speed))["audio"]["output"]["speed"] == spoken
    changed = XAI_STYLE.changes_of(UpdateSession("u-1", speech_speed=speed))
    assert changed == {"audio": {"output": {"speed": spoken}}}


@pytest.mark.parametrize(("threshold", "sent"), [(0.0, 0.1), (0.1, 0.1), (0.5, 0.5), (1.0, 0.9)])
def test_thresholds_stay_within_the_limits_of_xai(threshold, sent) -> None:
    session = XAI_STYLE.session_of(SessionOptions(turn_detection=ServerVAD(threshold=threshold)))
    assert session["turn_detection"]["threshold"] == sent


@pytest.mark.parametrize(
    ("effort", "sent"), [("minimal", "none"), ("low", "none"), ("medium", "high"), ("xhigh", "high")]
)
def test_xai_thinks_hard_or_not_at_all(effort, sent) -> None:
    session = XAI_STYLE.session_of(SessionOptions(reasoning_effort=ReasoningEffort(effort)))
    assert session["reasoning"] == {"effort": sent}


@pytest.mark.parametrize("voice", [*AssistantVoice, "marin"])
def test_the_voices_of_openai_are_not_asked_for_at_xai(voice) -> None:
    assert "voice" not in XAI_STYLE.session_of(SessionOptions(voice=voice))


@pytest.mark.parametrize(
    ("modality", "modalities"), [(OutputModality.AUDIO, ["text", "audio"]), (OutputModality.TEXT, ["text"])]
)
def test_each_request_for_a_response_says_what_xai_shall_answer_with(modality, modalities) -> None:
    encoder = Encoder(XAI_STYLE, SessionOptions(output_modality=modality))
    assert encoder.event_of(CreateResponse("r-1", instructions="Say hello")) == {
        "type": "response.create",
        "event_id": "r-1",
        "response": {"modalities": modalities, "metadata": {"request_id": "r-1"}, "instructions": "Say hello"},
    }


@pytest.mark.parametrize("command", [each for each in COMMANDS if not isinstance(each, CreateResponse | UpdateSession)])
def test_all_other_commands_are_those_of_the_general_api(command) -> None:
    general = Encoder(GENERAL, SessionOptions()).event_of(command)
    assert Encoder(XAI_STYLE, SessionOptions()).event_of(command) == general


def test_changes_at_xai() -> None:
    assert XAI_STYLE.changes_of(UpdateSession("u-1", tools=(LIGHT,), tool_choice=ToolChoice.NONE)) == {
        "tools": [FLAT_TOOL],
        "tool_choice": "none",
    }


@pytest.mark.parametrize(
    ("param", "kept"),
    [("session.reasoning.effort", "audio"), ("session.audio.input.transcription.language_hint", "reasoning")],
)
def test_what_a_model_of_xai_may_not_know_is_dropped(param, kept) -> None:
    session = XAI_STYLE.session_of(EVERYTHING)
    smaller = XAI_STYLE.without(session, param)
    assert smaller is not None
    assert smaller != session
    assert kept in smaller
