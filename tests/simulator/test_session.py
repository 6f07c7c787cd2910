"""The state machine of a session, without a loop."""

import base64
import itertools

import pytest

from simulator.actions import Hear, Respond, Send
from simulator.plan import Call, Heard, Plan, Say, tone
from simulator.session import ServerSession, SessionOptions

MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}


class Driver:
    """Feeds a session and keeps what it wants done."""

    def __init__(self, **options):
        counter = itertools.count(1)
        self.session = ServerSession(SessionOptions(**options), lambda prefix: f"{prefix}_{next(counter)}")
        self.responses = []
        self.hearings = []

    def send(self, kind, **fields):
        """The events that answer a client event; its responses begin."""
        return self.do(self.session.receive({"type": kind, "event_id": "mine", **fields}))

    def do(self, actions):
        events = []
        for action in actions:
            match action:
                case Send(event):
                    events.append(event)
                case Hear(item):
                    self.hearings.append(item)
                case Respond(response):
                    self.responses.append(response)
                    events += self.do(self.session.begin(response))
        return events

    def error(self, kind, **fields):
        (event,) = self.send(kind, **fields)
        assert event["type"] == "error"
        return event["error"]["code"], event["error"]["param"]

    def update(self, **change):
        return self.send("session.update", session={"type": "realtime", **change})

    def append(self, pcm):
        return self.send("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())

    def add(self, **item):
        return self.send("conversation.item.create", item=item or MESSAGE)

    def answer(self, *steps, response=None, upto=None):
        """Let the last response say all this, or only so many pieces of it."""
        response = response or self.responses[-1]
        self.session.write(response, Plan(steps))
        events = []
        for _ in itertools.count() if upto is None else range(upto):
            written = self.session.advance(response)
            events += written.events
            if written.finished:
                break
        return events

    def ask(self, *steps, upto=None, **response):
        return self.send("response.create", response=response) + self.answer(*steps, upto=upto)


@pytest.fixture
def driver():
    made = Driver()
    made.update()
    return made


def types(events):
    return [event["type"] for event in events]


# --- settings ---------------------------------------------------------------------------------------------------------


def test_a_session_opens_with_its_defaults():
    driver = Driver(model="gpt-realtime-1.5", session_id="sess_x", expires_at=9)
    (created,) = driver.do(driver.session.open())
    assert created["type"] == "session.created"
    assert created["session"]["expires_at"] == 9
    assert created["session"]["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 200
    assert "reasoning" not in created["session"]


def test_an_update_shows_the_whole_session_and_keeps_what_it_does_not_name(driver):
    driver.update(audio={"input": {"noise_reduction": {"type": "near_field", "strength": 0.5}}})
    (updated,) = driver.update(
        model="other", instructions="Be kind.", audio={"input": {"noise_reduction": {"type": "far_field"}}}
    )
    session = updated["session"]
    assert session["instructions"] == "Be kind."
    assert session["model"] == "gpt-realtime-2.1-mini"
    assert session["audio"]["input"]["noise_reduction"] == {"type": "far_field", "strength": 0.5}
    assert session["audio"]["output"]["voice"] == "alloy"


def test_turn_detection_keeps_its_fields_within_a_kind_only(driver):
    driver.update(audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.9}}})
    (updated,) = driver.update(audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 700}}})
    detection = updated["session"]["audio"]["input"]["turn_detection"]
    assert (detection["threshold"], detection["silence_duration_ms"]) == (0.9, 700)
    (updated,) = driver.update(audio={"input": {"turn_detection": {"type": "semantic_vad"}}})
    detection = updated["session"]["audio"]["input"]["turn_detection"]
    assert detection == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }
    driver.update(audio={"input": {"turn_detection": None}})
    (updated,) = driver.update(audio={"input": {"turn_detection": {"type": "server_vad"}}})
    assert updated["session"]["audio"]["input"]["turn_detection"]["threshold"] == 0.5


def audio(**way):
    return {"audio": way}


def function(**more):
    return {"tools": [{"type": "function", "name": "f", **more}]}


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"temperature": 0.5}, "unknown_parameter", "session.temperature"),
        ({"voice": "marin"}, "unknown_parameter", "session.voice"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
        ({"output_modalities": "audio"}, "invalid_type", "session.output_modalities"),
        ({"instructions": None}, "invalid_type", "session.instructions"),
        ({"max_output_tokens": 5_000}, "invalid_value", "session.max_output_tokens"),
        ({"max_output_tokens": 1.5}, "invalid_type", "session.max_output_tokens"),
        ({"max_output_tokens": "many"}, "invalid_value", "session.max_output_tokens"),
        (audio(output={"voice": "nova"}), "invalid_value", "session.audio.output.voice"),
        (audio(output={"voice": {}}), "missing_required_parameter", "session.audio.output.voice.id"),
        (audio(output={"speed": 1.6}), "invalid_value", "session.audio.output.speed"),
        (audio(output={"speed": True}), "invalid_type", "session.audio.output.speed"),
        (
            audio(input={"format": {"type": "audio/pcm", "rate": 16_000}}),
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        (audio(input={"format": "pcm16"}), "invalid_type", "session.audio.input.format"),
        (audio(input=[]), "invalid_type", "session.audio.input"),
        (
            audio(input={"turn_detection": {"threshold": 0.5}}),
            "missing_required_parameter",
            "session.audio.input.turn_detection.type",
        ),
        (
            audio(input={"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}),
            "unknown_parameter",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            audio(input={"turn_detection": {"type": "server_vad", "create_response": "yes"}}),
            "invalid_type",
            "session.audio.input.turn_detection.create_response",
        ),
        (
            audio(input={"transcription": {"model": "whisper-1", "languages": ["en"]}}),
            "invalid_value",
            "session.audio.input.transcription.languages",
        ),
        (
            audio(input={"transcription": {"model": "gpt-4o-transcribe-diarize", "prompt": "x"}}),
            "invalid_value",
            "session.audio.input.transcription.prompt",
        ),
        (
            audio(input={"transcription": {"model": "gpt-realtime-whisper"}}),
            "invalid_value",
            "session.audio.input.transcription.model",
        ),
        (function(strict=True), "unknown_parameter", "session.tools[0].strict"),
        (function(name="a b"), "invalid_value", "session.tools[0].name"),
        (function(parameters=[]), "invalid_type", "session.tools[0].parameters"),
        (function(parameters={"type": "array"}), "invalid_function_parameters", "session.tools[0].parameters"),
        ({"tools": [{}] * 129}, "array_above_max_length", "session.tools"),
        ({"tool_choice": {"type": "function"}}, "missing_required_parameter", "session.tool_choice.name"),
        (
            {"truncation": {"type": "retention_ratio"}},
            "missing_required_parameter",
            "session.truncation.retention_ratio",
        ),
    ],
)
def test_a_bad_field_rejects_the_whole_update(driver, change, code, param):
    (error,) = driver.update(**{"instructions": "new", **change})
    assert (error["error"]["code"], error["error"]["param"]) == (code, param)
    assert error["error"]["event_id"] == "mine"
    (updated,) = driver.update()
    assert updated["session"]["instructions"] != "new"


def test_an_update_needs_its_type(driver):
    assert driver.error("session.update", session={}) == ("missing_required_parameter", "session.type")
    assert driver.error("session.update") == ("missing_required_parameter", "session")


def test_reasoning_is_for_reasoning_models_and_its_error_names_no_event():
    driver = Driver(model="gpt-realtime-1.5")
    (error,) = driver.update(reasoning={"effort": "low"})
    assert (error["error"]["param"], error["error"]["event_id"]) == ("session.reasoning", None)
    assert types(Driver(model="gpt-realtime-2.1").update(reasoning={"effort": "low"})) == ["session.updated"]


def test_the_voice_is_locked_once_it_was_heard(driver):
    driver.update(**audio(output={"voice": "marin"}))
    driver.ask(Say("Hello.", seconds=0.2))
    (error,) = driver.update(**audio(output={"voice": "cedar"}))
    assert (error["error"]["code"], error["error"]["param"]) == ("cannot_update_voice", None)
    assert types(driver.update(**audio(output={"voice": "marin", "speed": 1.2}))) == ["session.updated"]
    sound = {"output": {"voice": "cedar"}}
    assert driver.error("response.create", response={"audio": sound}) == ("cannot_update_voice", None)


def test_speed_changes_between_responses_only(driver):
    driver.ask(Say("Hello.", seconds=5), upto=1)
    (error,) = driver.update(**audio(output={"speed": 1.2}))
    assert error["error"]["param"] == "session.audio.output.speed"


def test_formats_change_before_audio_only(driver, monkeypatch):
    monkeypatch.setattr("simulator.settings.PCM", {})
    driver.session.settings._value["audio"]["input"]["format"] = {"type": "audio/pcmu"}
    driver.append(bytes(480))
    (error,) = driver.update(**audio(input={"format": {"type": "audio/pcm", "rate": 24_000}}))
    assert error["error"]["param"] == "session.audio.input.format"


# --- events -----------------------------------------------------------------------------------------------------------


def test_unknown_types_are_named(driver):
    (event,) = driver.send("session.delete")
    assert event["error"]["code"] == "invalid_value"
    assert event["error"]["param"] == "type"
    assert "response.create" in event["error"]["message"]
    assert driver.do(driver.session.receive({}))[0]["error"]["param"] == "type"
    assert driver.error("response.cancel", more=1) == ("unknown_parameter", "more")
    assert driver.error("response.cancel", event_id="x" * 513) == ("string_above_max_length", "event_id")


# --- items ------------------------------------------------------------------------------------------------------------


def test_items_take_their_places(driver):
    for item_id, previous in (("a", None), ("b", None), ("c", "a"), ("d", "root")):
        place = {"previous_item_id": previous} if previous else {}
        added, done = driver.send("conversation.item.create", item={**MESSAGE, "id": item_id}, **place)
        assert (added["type"], done["type"]) == ("conversation.item.added", "conversation.item.done")
        assert added["item"]["status"] == "completed"
    assert [item.id for item in driver.session.conversation.items] == ["d", "a", "c", "b"]
    assert driver.send("conversation.item.delete", item_id="a")[0]["item_id"] == "a"
    (retrieved,) = driver.send("conversation.item.retrieve", item_id="c")
    assert retrieved["item"]["content"] == [{"type": "input_text", "text": "hi"}]


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({**MESSAGE, "id": "x" * 33}, "string_above_max_length"),
        ({**MESSAGE, "id": "taken"}, "item_create_duplicate_item_id"),
        ({**MESSAGE, "role": "tool"}, "invalid_value"),
        ({"type": "message", "role": "assistant", "content": MESSAGE["content"]}, "invalid_value"),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "http://x"}]},
            "invalid_value",
        ),
        ({"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "?"}]}, "invalid_value"),
        ({"type": "message", "role": "user"}, "missing_required_parameter"),
        ({"type": "function_call_output", "call_id": "c9", "output": ""}, "invalid_tool_call_id"),
        ({"type": "function_call_output", "call_id": "c1", "output": {}}, "invalid_type"),
        ([], "invalid_type"),
    ],
)
def test_bad_items_are_rejected(driver, item, code):
    driver.add(**MESSAGE, id="taken")
    assert driver.error("conversation.item.create", item=item)[0] == code
    assert len(driver.session.conversation.items) == 1


def test_unknown_item_ids_are_rejected(driver):
    missing = {"item_id": "nope"}
    assert driver.error("conversation.item.retrieve", **missing) == ("item_retrieve_invalid_item_id", "item_id")
    assert driver.error("conversation.item.delete", **missing) == ("item_delete_invalid_item_id", "item_id")
    place = {**missing, "content_index": 0, "audio_end_ms": 0}
    assert driver.error("conversation.item.truncate", **place) == ("item_truncate_invalid_item_id", "item_id")
    after = driver.error("conversation.item.create", item=MESSAGE, previous_item_id="nope")
    assert after == ("item_create_invalid_previous_item_id", "previous_item_id")


def test_pictures_and_spoken_items_are_taken(driver):
    content = [
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
        {"type": "input_audio", "audio": base64.b64encode(bytes(9_600)).decode(), "transcript": "hm"},
    ]
    driver.add(type="message", role="user", content=content)
    (item,) = driver.session.conversation.items
    assert (item.audio_ms, item.words) == (200, "hm")
    assert driver.hearings == [item]
    (event,) = driver.send("conversation.item.retrieve", item_id=item.id)
    assert len(base64.b64decode(event["item"]["content"][1]["audio"])) == 9_600
    done = driver.ask(Say("Nice.", seconds=1))[-2]
    details = done["response"]["usage"]["input_token_details"]
    assert (details["image_tokens"], details["audio_tokens"]) == (85, 2)


def test_truncation_cuts_audio_and_transcript(driver):
    driver.ask(Say("Hello there.", seconds=1))
    (item,) = driver.session.conversation.items
    place = {"item_id": item.id, "content_index": 0}
    assert driver.error("conversation.item.truncate", **place, audio_end_ms=1_001) == ("invalid_value", "audio_end_ms")
    assert driver.session.violations == ["truncation to 1001 ms of an item of 1000 ms"]
    assert (
        driver.error("conversation.item.truncate", item_id=item.id, content_index=1, audio_end_ms=1)[0]
        == "invalid_value"
    )
    assert driver.send("conversation.item.truncate", **place, audio_end_ms=400)[0]["audio_end_ms"] == 400
    assert item.audio_ms == 400
    assert item.words == ""


def test_only_spoken_agent_items_are_truncated(driver):
    driver.ask(Say("Written."), output_modalities=["text"])
    driver.add()
    for item in driver.session.conversation.items:
        place = {"item_id": item.id, "content_index": 0, "audio_end_ms": 0}
        assert driver.error("conversation.item.truncate", **place)[0] == "unsupported_content_type"


# --- input ------------------------------------------------------------------------------------------------------------


def test_a_turn_is_committed_by_hand(driver):
    driver.update(**audio(input={"turn_detection": None, "transcription": {"model": "gpt-transcribe"}}))
    assert driver.append(tone(0.05)) == []
    assert driver.error("input_audio_buffer.commit")[0] == "input_audio_buffer_commit_empty"
    driver.append(tone(0.05))
    events = driver.send("input_audio_buffer.commit")
    assert types(events) == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    (item,) = driver.hearings
    assert item.audio_ms == 100
    driver.session.heard(item, Heard("hello"))
    assert driver.session.context().items[0].words == "hello"
    done = driver.do(driver.session.transcribed(item, Heard("hello")))[-1]
    assert (done["transcript"], done["usage"]) == ("hello", {"type": "duration", "seconds": 0.1})
    assert types(driver.do(driver.session.transcribed(item, Heard("")))) == [done["type"]]
    assert driver.session.violations == []


def test_what_was_cleared_is_never_committed(driver):
    driver.append(tone(0.2))
    assert types(driver.send("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert driver.error("input_audio_buffer.commit")[0] == "input_audio_buffer_commit_empty"
    assert driver.session.violations == ["commit while turn detection is on"]


def test_bad_audio_is_rejected(driver):
    assert driver.error("input_audio_buffer.append", audio="***")[0] == "invalid_value"
    assert driver.error("input_audio_buffer.append", audio="AAAA")[0] == "invalid_value"
    assert driver.error("input_audio_buffer.append", audio=1)[0] == "invalid_type"


def test_audio_before_the_first_update_is_a_violation():
    driver = Driver()
    driver.append(bytes(480))
    driver.append(bytes(480))
    assert driver.session.violations == ["audio before session.updated"]


def test_without_create_response_only_events_come(driver):
    driver.update(**audio(input={"turn_detection": {"type": "server_vad", "create_response": False}}))
    events = driver.append(bytes(24_000) + tone(0.5) + bytes(48_000))
    assert types(events)[-1] == "conversation.item.done"
    assert driver.responses == []


def test_without_interrupt_response_the_turn_gets_no_answer_while_one_runs(driver):
    detection = {"type": "server_vad", "interrupt_response": False}
    driver.update(**audio(input={"turn_detection": detection}))
    driver.ask(Say("Long.", seconds=5), upto=1)
    events = driver.append(bytes(24_000) + tone(0.5) + bytes(48_000))
    assert "response.done" not in types(events)
    assert len(driver.responses) == 1


# --- responses --------------------------------------------------------------------------------------------------------


def test_one_response_at_a_time(driver):
    driver.ask(Say("Long.", seconds=5), upto=1)
    assert driver.error("response.create")[0] == "conversation_already_has_active_response"
    assert driver.session.violations == ["response.create while one is pending"]


def test_a_request_that_crosses_the_servers_own_response_is_no_violation(driver):
    driver.append(bytes(24_000) + tone(0.5) + bytes(48_000))
    assert driver.error("response.create")[0] == "conversation_already_has_active_response"
    assert driver.session.violations == []


def test_calls_want_answers_before_the_next_response(driver):
    driver.ask(Call("f", call_id="c1"))
    driver.send("response.create")
    assert driver.session.violations == ["response.create before the output of tool call c1"]
    driver.add(type="function_call_output", call_id="c1", output="{}")
    assert driver.session.conversation.unanswered_calls() == []


def test_cancelling(driver):
    assert driver.error("response.cancel")[0] == "response_cancel_not_active"
    driver.ask(Say("Long.", seconds=5), upto=1)
    assert driver.error("response.cancel", response_id="other")[0] == "response_cancel_not_active"
    events = driver.send("response.cancel", response_id=driver.responses[0].id)
    assert types(events)[:2] == ["response.output_audio.delta"] * 2
    assert events[-2]["response"]["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert not driver.session.is_active(driver.responses[0])
    assert driver.answer(Say("Too late.")) == []


def test_a_response_cancelled_before_it_spoke_is_empty(driver):
    driver.send("response.create")
    done = driver.send("response.cancel")[0]
    assert (done["type"], done["response"]["output"]) == ("response.done", [])


def test_text_comes_in_its_order(driver):
    events = driver.ask(Say("One two three four five."), output_modalities=["text"], metadata={"k": "v"})
    assert list(dict.fromkeys(types(events))) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert text == "One two three four five."
    assert events[-2]["response"]["metadata"] == {"k": "v"}


def test_an_answer_aside_leaves_the_conversation_alone(driver):
    driver.add(**MESSAGE, id="first")
    driver.ask(Say("Long.", seconds=5), upto=1)
    main = driver.responses[0]
    given = [{"type": "item_reference", "id": "first"}, MESSAGE]
    events = driver.ask(Say("Title", seconds=0.2), Call("f"), conversation="none", input=given)
    assert not [kind for kind in types(events) if kind.startswith("conversation.")]
    assert events[0]["response"]["conversation_id"] is None
    assert [item.words for item in driver.session.context(driver.responses[1]).items] == ["hi", "hi"]
    assert driver.session.is_active(main)
    assert driver.session.violations == []


def test_a_response_is_told_apart_from_the_session(driver):
    tools = [{"type": "function", "name": "g"}]
    driver.ask(Say("Hi."), instructions="Say hi.", tools=tools, tool_choice="none")
    context = driver.session.context(driver.responses[0])
    assert context.response_instructions == "Say hi."
    assert context.tools == tuple(tools)
    assert (context.tool_choice, context.by_request, context.modality) == ("none", True, "audio")


@pytest.mark.parametrize(
    ("response", "param"),
    [
        ({"modalities": ["text"]}, "response.modalities"),
        ({"metadata": {str(key): "" for key in range(17)}}, "response.metadata"),
        ({"metadata": {"k": 1}}, "response.metadata.k"),
        ({"metadata": {"k" * 65: ""}}, "response.metadata"),
        ({"metadata": []}, "response.metadata"),
        ({"conversation": "other"}, "response.conversation"),
        ({"input": [{"type": "item_reference", "id": "nope"}]}, "item_id"),
        ({"input": [{"type": "nothing"}]}, "response.input.type"),
    ],
)
def test_bad_requests_are_rejected(driver, response, param):
    assert driver.error("response.create", response=response)[1] == param
    assert driver.responses == []


def test_a_response_without_instructions_may_say_so(driver):
    driver.update(instructions="Be brief.")
    created = driver.send("response.create", response={"instructions": None})[0]
    assert created["type"] == "response.created"
    assert driver.error("response.create", response={"instructions": 1}) == ("invalid_type", "response.instructions")


def test_the_token_limit_ends_a_response(driver):
    driver.update(max_output_tokens=20)
    driver.send("response.create")
    driver.session.write(driver.responses[0], Plan((Say("A long sentence.", seconds=10),)))
    while (written := driver.session.advance(driver.responses[0])).fault is None:
        assert not written.finished
    assert written.fault.reason == "max_output_tokens"


def test_tokens_are_counted_by_kind_and_cached_between_responses(driver):
    driver.update(instructions="x" * 1_000, **function())
    driver.add()
    first = driver.ask(Say("Hello.", seconds=1))[-2]["response"]["usage"]
    assert first["output_token_details"] == {"text_tokens": 2, "audio_tokens": 20}
    assert first["input_token_details"]["cached_tokens"] == 0
    second = driver.ask(Say("Hello.", seconds=1))[-2]["response"]["usage"]
    assert second["input_token_details"]["cached_tokens_details"]["text_tokens"] >= 256
    assert second["input_token_details"]["audio_tokens"] == 20
    assert second["total_tokens"] == second["input_tokens"] + second["output_tokens"]


def test_deleting_an_item_while_it_is_spoken_does_no_harm(driver):
    driver.ask(Say("Long.", seconds=0.6), upto=1)
    driver.send("conversation.item.delete", item_id=driver.session.conversation.items[0].id)
    assert "response.done" in types(driver.answer())


def test_a_forgotten_response_makes_room(driver):
    (action,) = driver.session.receive({"type": "response.create"})
    driver.session.abandon(action.response)
    assert types(driver.send("response.create")) == ["response.created"]
