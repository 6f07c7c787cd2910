"""What a policy understands of what was said; no Home Assistant needed."""

from dataclasses import replace

import pytest

from custom_components.rtvoice.bridge.policy.pin import (
    FORGOTTEN_S,
    LOCKED_S,
    LONGEST_LOCKED_S,
    MAX_TRIES,
    PinMask,
    PinTries,
)
from custom_components.rtvoice.bridge.policy.words import Answer, answer_in, digit_runs, names_all
from custom_components.rtvoice.engine.events import (
    AssistantInterruptedEvent,
    AssistantTranscriptChunkReceivedEvent,
    AssistantTranscriptCompletedEvent,
    AssistantTranscriptDeltaEvent,
    SessionEvent,
    ToolExecutedEvent,
    ToolExecutionStartedEvent,
    UserStartedSpeakingEvent,
    UserTranscriptChunkReceivedEvent,
    UserTranscriptCompletedEvent,
)

PIN = "4711"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Yes.", Answer.YES),
        ("Um, yes please!", Answer.YES),
        ("Yeah, sure", Answer.YES),
        ("Okay, go ahead.", Answer.YES),
        ("Please do it.", Answer.YES),
        ("Go ahead", Answer.YES),
        ("Ja, bitte.", Answer.YES),
        ("Oui", Answer.YES),
        ("はい", Answer.YES),
        ("No.", Answer.NO),
        ("Yes, no, wait.", Answer.NO),
        ("Yes, but don't.", Answer.NO),
        ("Yes, but don\u2019t.", Answer.NO),
        ("Nein danke", Answer.NO),
        ("Yes?", Answer.UNCLEAR),
        ("What is the weather like", Answer.UNCLEAR),
        ("Okay now tell me what the weather is like in Paris", Answer.UNCLEAR),
        ("The yes men", Answer.UNCLEAR),
        ("", Answer.UNCLEAR),
        ("...", Answer.UNCLEAR),
    ],
)
def test_answers(text: str, answer: Answer) -> None:
    assert answer_in(text) is answer


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("1234", ["1234"]),
        ("1-2 3, 4.", ["1234"]),
        ("one two three four", ["1234"]),
        ("It is four, then seven, and double one", ["4711"]),
        ("triple zero oh seven", ["00007"]),
        ("oh no", []),
        ("o 5", ["05"]),
        ("door 2 then code 99", ["2", "99"]),
        ("vier sieben eins eins", ["4711"]),
        ("cero uno dos", ["012"]),
        ("\u0664\u0667", ["47"]),
        ("nothing", []),
    ],
)
def test_digits(text: str, digits: list[str]) -> None:
    assert [run.digits for run in digit_runs(text)] == digits


@pytest.mark.parametrize(
    ("text", "things", "named"),
    [
        ("Shall I unlock the front door?", ("Front door",), True),
        ("Shall I unlock the door?", ("Front door",), False),
        ("Shall I unlock the front door?", ("Front door lock",), True),
        ("Shall I open the garage door?", ("Front door", "Garage door"), False),
        ("The front door and the garage door?", ("Front door", "Garage door"), True),
        ("Soll ich die Haustür öffnen?", ("Haustür",), True),
        ("Turn on the TV?", ("TV",), True),
        ("Yes?", ("Front door",), False),
    ],
)
def test_names(text: str, things: tuple[str, ...], named: bool) -> None:
    assert names_all(text, things) is named


def test_a_pin_can_be_tried_three_times() -> None:
    tries = PinTries()
    assert tries.check(PIN, "the lamp 7", 0.0) is None
    for at_s in range(MAX_TRIES):
        assert not tries.locked(at_s)
        assert tries.check(PIN, "one two three four", at_s) is False
    assert tries.locked(10.0)
    assert tries.check(PIN, PIN, 10.0) is False
    assert not tries.locked(2 + LOCKED_S)
    assert tries.check(PIN, PIN, 2 + LOCKED_S) is True


def test_many_numbers_in_one_turn_are_many_tries() -> None:
    tries = PinTries()
    assert tries.check(PIN, "1111 or 2222 or 3333 or 4711", 0.0) is False
    assert tries.locked(0.0)


def test_old_failures_are_forgotten() -> None:
    tries = PinTries()
    for at_s in (0.0, 1.0, 1.0 + FORGOTTEN_S, 2.0 + FORGOTTEN_S):
        tries.check(PIN, "0000", at_s)
    assert not tries.locked(2.0 + FORGOTTEN_S)


def test_each_three_failures_lock_it_for_longer() -> None:
    tries, now_s = PinTries(), 0.0
    for locked_s in (300.0, 600.0, 1200.0, 2400.0, 4800.0, 9600.0, 19_200.0, LONGEST_LOCKED_S, LONGEST_LOCKED_S):
        for _ in range(MAX_TRIES):
            assert tries.check(PIN, "0000", now_s) is False
        assert tries.locked(now_s + locked_s - 1.0)
        now_s += locked_s
        assert not tries.locked(now_s)
    assert tries.check(PIN, PIN, now_s) is True
    for _ in range(MAX_TRIES):
        tries.check(PIN, "0000", now_s)
    assert not tries.locked(now_s + LOCKED_S)


TOOL = ToolExecutedEvent("call", "t", ok=True, arguments='{"code": "4711"}', output="4 7 1 1")


@pytest.mark.parametrize(
    ("event", "awaited", "changes"),
    [
        (UserTranscriptCompletedEvent("It is 4711!"), False, {"transcript": "It is ••••!"}),
        (UserTranscriptCompletedEvent("It is 4712!"), False, {}),
        (UserTranscriptCompletedEvent("It is 4712!"), True, {"transcript": "It is ••••!"}),
        (UserTranscriptCompletedEvent("Lamp 7"), True, {}),
        (AssistantTranscriptCompletedEvent("four seven one one", "i"), False, {"transcript": "••••"}),
        (AssistantInterruptedEvent("i", 1, "4711"), False, {"transcript": "••••"}),
        (TOOL, False, {"arguments": '{"code": "••••"}', "output": "••••"}),
        (ToolExecutionStartedEvent("call", "t", '{"code": "4711"}'), False, {"arguments": '{"code": "••••"}'}),
        (UserTranscriptChunkReceivedEvent("47"), False, {}),
        (UserTranscriptChunkReceivedEvent("47"), True, {"chunk": ""}),
        (AssistantTranscriptChunkReceivedEvent("47"), True, {"chunk": ""}),
        (AssistantTranscriptDeltaEvent("47", "i"), True, {"delta": ""}),
        (UserStartedSpeakingEvent(), True, {}),
    ],
)
def test_what_is_hidden(event: SessionEvent, awaited: bool, changes: dict[str, str]) -> None:
    assert PinMask(PIN, lambda: awaited).event(event) == replace(event, **changes)


def test_without_a_pin_nothing_is_hidden() -> None:
    mask = PinMask(None, lambda: True)
    assert mask.event(UserTranscriptCompletedEvent("4711")) == UserTranscriptCompletedEvent("4711")
    assert mask.text("4711") == "4711"
