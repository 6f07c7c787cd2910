"""When the demo may say that all went well."""

import pytest

from demo.talk import Outcome, words_in_common

SAID = "turn on the kitchen lights"
HEARD = {"role": "user", "text": SAID, "interrupted": False}
ANSWER = {"role": "assistant", "text": "I turned on the kitchen lights.", "interrupted": False}
TOOL = {"name": "intent__HassTurnOn", "arguments": {"area": "Kitchen"}, "ok": True}


def outcome(**changes: object) -> Outcome:
    return Outcome(**({"said": [SAID], "turns": [HEARD, ANSWER], "tools": [TOOL], "answer_s": 1.4} | changes))


def test_all_went_well() -> None:
    assert outcome().problems() == []


def test_an_answer_without_a_tool_is_fine() -> None:
    assert outcome(turns=[HEARD | {"text": "something else"}, ANSWER], tools=[]).problems() == []


def test_sentences_that_were_not_understood_may_stand_beside_one_that_was() -> None:
    assert outcome(said=[SAID, "purple monkeys"], turns=[HEARD, ANSWER, HEARD | {"text": ""}]).problems() == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"turns": [ANSWER]}, "heard 0 of 1"),
        ({"said": [SAID, "is it on"]}, "heard 1 of 2"),
        ({"turns": [HEARD]}, "did not answer"),
        ({"turns": [HEARD, ANSWER | {"text": ""}]}, "did not answer"),
        ({"answer_s": 0.1}, "0.1 s of speech"),
        ({"tools": [TOOL, TOOL | {"ok": False}]}, "intent__HassTurnOn failed"),
        ({"turns": [HEARD | {"text": "open every door"}, ANSWER]}, "other words than were said"),
    ],
)
def test_what_went_wrong_is_named(changes: dict[str, object], problem: str) -> None:
    (found,) = outcome(**changes).problems()
    assert problem in found


def test_a_call_that_was_made_with_the_user_s_leave_has_not_failed() -> None:
    asked = TOOL | {"ok": False}
    agreed = TOOL | {"arguments": TOOL["arguments"] | {"confirmation_token": "abc"}}
    assert outcome(tools=[asked, agreed]).problems() == []


def test_words_in_common_know_no_punctuation() -> None:
    assert words_in_common("turn on the light", "Turn on the light, please!") == 1
    assert words_in_common("turn on", "turn off") == 0.5
    assert words_in_common("stop", "") == 0
