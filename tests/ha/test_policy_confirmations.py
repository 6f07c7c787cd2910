"""Whom and what a token is good for, turn by turn; no Home Assistant needed."""

import pytest

from custom_components.rtvoice.bridge.policy.confirmations import VALID_S, Call, Confirmations, Verdict
from custom_components.rtvoice.bridge.policy.dialogue import Words
from custom_components.rtvoice.bridge.policy.pin import PinTries

FRONT = Call("front", "unlock front", ("Front door",))
BACK = Call("back", "unlock back", ("Back door",))
QUESTION = "Shall I unlock the front door?"


class Talk:
    """Who said what, and what became of it."""

    def __init__(self, pin: str | None = None, tries: PinTries | None = None) -> None:
        self.confirmations = Confirmations(pin, tries or PinTries())
        self.needs_pin = pin is not None
        self.said: list[Words] = []
        self.now_s = 0.0

    def user(self, text: str | None) -> None:
        self._add(text, by_user=True)

    def agent(self, text: str) -> None:
        self._add(text, by_user=False)

    def ask(self, call: Call = FRONT) -> str:
        return self.confirmations.issue(call, needs_pin=self.needs_pin, said=self.said, now_s=self.now_s)

    def redeem(self, token: str, call: Call = FRONT) -> Verdict:
        return self.confirmations.redeem(token, call.identity, self.said, self.now_s)

    def _add(self, text: str | None, *, by_user: bool) -> None:
        self.said.append(Words(str(len(self.said)), by_user, text))
        self.confirmations.consider(self.said, self.now_s)


def test_a_yes_after_a_question_that_names_it() -> None:
    talk = Talk()
    talk.user("Unlock the front door.")
    token = talk.ask()
    assert talk.redeem(token) is Verdict.NOT_ANSWERED
    talk.agent(QUESTION)
    assert talk.redeem(token) is Verdict.NOT_ANSWERED
    talk.user("Yes.")
    assert talk.redeem(token) is Verdict.GRANTED
    assert talk.redeem(token) is Verdict.UNKNOWN


def test_what_was_said_before_the_token_does_not_count() -> None:
    talk = Talk()
    talk.agent(QUESTION)
    talk.user(None)
    token = talk.ask()
    talk.said[-1] = Words("1", True, "Yes.")
    assert talk.redeem(token) is Verdict.NOT_ANSWERED
    # Somebody began to speak before the token, and was heard after it: nobody had asked them.
    talk.user("Yes, do it.")
    assert talk.redeem(token) is Verdict.NOT_ANSWERED
    talk.agent(QUESTION)
    assert talk.redeem(token) is Verdict.NOT_ANSWERED


def test_a_no_before_the_question_counts() -> None:
    talk = Talk()
    token = talk.ask()
    talk.user("No, stop!")
    talk.agent(QUESTION)
    talk.user("Yes.")
    assert talk.redeem(token) is Verdict.REFUSED


def test_silence_and_noise_leave_it_open() -> None:
    talk = Talk()
    token = talk.ask()
    talk.agent(QUESTION)
    talk.user("")
    talk.user("  ")
    assert talk.redeem(token) is Verdict.NOT_ANSWERED
    talk.user("Yes.")
    assert talk.redeem(token) is Verdict.GRANTED


def test_words_that_are_not_written_down_yet_are_waited_for() -> None:
    talk = Talk()
    token = talk.ask()
    talk.agent(QUESTION)
    assert not talk.confirmations.hears_more(token, talk.said)
    talk.user(None)
    assert talk.confirmations.hears_more(token, talk.said)
    assert not talk.confirmations.hears_more("another", talk.said)
    assert talk.redeem(token) is Verdict.NOT_ANSWERED


def test_the_first_answer_decides() -> None:
    talk = Talk()
    token = talk.ask()
    talk.agent(QUESTION)
    talk.user("Is it going to rain?")
    talk.agent("No. Shall I unlock the front door?")
    talk.user("Yes.")
    assert talk.redeem(token) is Verdict.REFUSED
    assert talk.redeem(token) is Verdict.UNKNOWN


def test_a_yes_to_something_else() -> None:
    talk = Talk()
    token = talk.ask()
    talk.agent("Shall I turn on the radio?")
    talk.user("Yes.")
    assert talk.redeem(token) is Verdict.NOT_NAMED


def test_a_yes_answers_what_was_asked_last() -> None:
    talk = Talk()
    token = talk.ask()
    talk.agent("The front door is locked.")
    talk.user("")
    talk.agent("Shall I turn on the radio?")
    talk.user("Yes.")
    assert talk.redeem(token) is Verdict.NOT_NAMED
    token = talk.ask()
    talk.agent("It is about the front door.")
    talk.agent("Shall I?")
    talk.user("Yes.")
    assert talk.redeem(token) is Verdict.GRANTED


def test_one_answer_for_two_calls() -> None:
    talk = Talk()
    front, back = talk.ask(), talk.ask(BACK)
    assert set(talk.confirmations.waiting(0.0).values()) == {"unlock front", "unlock back"}
    talk.agent("Shall I unlock the front door and the back door?")
    talk.user("Yes.")
    assert talk.redeem(front) is Verdict.GRANTED
    assert talk.redeem(back, BACK) is Verdict.GRANTED


def test_a_token_is_bound_to_its_call() -> None:
    talk = Talk()
    token = talk.ask()
    talk.agent(QUESTION)
    talk.user("Yes.")
    assert talk.redeem(token, BACK) is Verdict.OTHER_CALL
    assert talk.redeem(token) is Verdict.UNKNOWN


@pytest.mark.parametrize("answered", [True, False])
def test_a_token_expires(answered: bool) -> None:
    talk = Talk()
    token = talk.ask()
    talk.agent(QUESTION)
    if answered:
        talk.user("Yes.")
    talk.now_s = VALID_S + 0.1
    talk.user("Yes.")
    assert talk.confirmations.waiting(talk.now_s) == {}
    assert talk.redeem(token) is Verdict.EXPIRED


def test_only_so_many_tokens_are_kept() -> None:
    talk = Talk()
    first = talk.ask()
    for _ in range(16):
        talk.ask()
    assert talk.redeem(first) is Verdict.UNKNOWN


def test_a_pin() -> None:
    talk = Talk("4711")
    token = talk.ask()
    assert talk.confirmations.awaits_pin(0.0)
    talk.user("4711")
    assert talk.redeem(token) is Verdict.NOT_ANSWERED
    talk.agent("The PIN for the front door?")
    talk.user("Yes.")
    talk.user("Let me think.")
    assert talk.redeem(token) is Verdict.NOT_ANSWERED
    talk.user("1 2 3 4")
    assert talk.redeem(token) is Verdict.WRONG_PIN
    talk.user("four seven one one")
    assert talk.redeem(token) is Verdict.GRANTED
    assert not talk.confirmations.awaits_pin(VALID_S + 1)


def test_a_pin_for_something_that_was_not_named() -> None:
    talk = Talk("4711")
    token = talk.ask()
    talk.agent("What is your favourite number?")
    talk.user("4711")
    assert talk.redeem(token) is Verdict.NOT_NAMED


def test_a_pin_is_refused() -> None:
    talk = Talk("4711")
    token = talk.ask()
    talk.agent("The PIN for the front door?")
    talk.user("No.")
    assert talk.redeem(token) is Verdict.REFUSED


def test_three_wrong_pins_lock_the_session_and_all_others_for_a_while() -> None:
    tries = PinTries()
    talk, other = Talk("4711", tries), Talk("4711", tries)
    tokens = [talk.ask(), talk.ask(BACK)]
    talk.agent("The PIN for the front door and the back door?")
    for guess in ("1111", "2222"):
        talk.user(guess)
    assert talk.redeem(tokens[0]) is Verdict.WRONG_PIN
    talk.user("3333")
    assert talk.redeem(tokens[0]) is Verdict.LOCKED
    talk.user("4711")
    assert talk.redeem(tokens[1], BACK) is Verdict.LOCKED
    assert other.confirmations.locked(1.0)
    talk.now_s = other.now_s = 1000.0
    assert talk.confirmations.locked(talk.now_s)
    fresh = Talk("4711", tries)
    fresh.now_s = 1000.0
    token = fresh.ask()
    fresh.agent("The PIN for the front door?")
    fresh.user("4711")
    assert fresh.redeem(token) is Verdict.GRANTED
