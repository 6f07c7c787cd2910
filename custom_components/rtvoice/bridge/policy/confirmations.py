"""Calls that wait for the user's leave: only the user can give it, in a later turn, to a question that named them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from .dialogue import Words
from .pin import PinTries
from .words import Answer, answer_in, names_all

VALID_S: Final = 60.0
_MAX_PENDING: Final = 16


class Verdict(Enum):
    """What has become of a token."""

    GRANTED = auto()
    UNKNOWN = auto()
    """There is no such token, or it was used, refused or is too old to be remembered."""
    EXPIRED = auto()
    OTHER_CALL = auto()
    """It belongs to a call of another tool or with other arguments."""
    NOT_ANSWERED = auto()
    """The user has not said anything about it."""
    NOT_NAMED = auto()
    """The user has answered, but the agent had not named what the call touches."""
    REFUSED = auto()
    WRONG_PIN = auto()
    LOCKED = auto()
    """The PIN was wrong too often."""


_OPEN: Final = frozenset({Verdict.NOT_ANSWERED, Verdict.WRONG_PIN})


@dataclass(slots=True)
class _Pending:
    call: str
    told: str
    names: tuple[str, ...]
    needs_pin: bool
    known: frozenset[str]
    """Keys of what had been said when the token was issued."""
    issued_s: float
    verdict: Verdict = Verdict.NOT_ANSWERED


@dataclass(frozen=True, slots=True)
class Call:
    """A call that needs leave."""

    identity: str
    """Two calls are the same if this is."""
    told: str
    """It as the model writes it."""
    things: tuple[str, ...]
    """Names of what it touches."""


class Confirmations:
    """The tokens of one conversation.

    A token is granted by the first turn of the user that follows words of the agent which were spoken after the token
    was issued and name what is touched. A yes grants it, a no or anything else takes it back; for a PIN, only numbers
    and a no count. It is valid for VALID_S and once, for the very call that it was issued for.
    """

    def __init__(self, pin: str | None, tries: PinTries) -> None:
        self._pin = pin
        self._tries = tries
        self._pending: dict[str, _Pending] = {}
        self._pin_heard: dict[str, bool | None] = {}
        self._locked = False

    def is_for(self, pin: str | None) -> bool:
        """Whether this is the PIN that is taken."""
        return pin == self._pin

    def locked(self, now_s: float) -> bool:
        """Whether no PIN is taken: in this conversation any more, or from anybody for now."""
        self._locked = self._locked or self._tries.locked(now_s)
        return self._locked

    def awaits_pin(self, now_s: float) -> bool:
        """Whether the user may be about to say a PIN."""
        return any(pending.needs_pin and now_s - pending.issued_s <= VALID_S for pending in self._pending.values())

    def issue(self, call: Call, *, needs_pin: bool, said: Sequence[Words], now_s: float) -> str:
        """A new token for a call."""
        token = secrets.token_hex(4)
        known = frozenset(words.key for words in said)
        self._pending[token] = _Pending(call.identity, call.told, call.things, needs_pin, known, now_s)
        while len(self._pending) > _MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        return token

    def waiting(self, now_s: float) -> dict[str, str]:
        """The calls that may still be made, as the model wrote them, by their tokens."""
        return {token: pending.told for token, pending in self._pending.items() if now_s - pending.issued_s <= VALID_S}

    def consider(self, said: Sequence[Words], now_s: float) -> None:
        """Judge what the user has said since, as far as it is known."""
        for pending in self._pending.values():
            if pending.verdict in _OPEN and now_s - pending.issued_s <= VALID_S:
                pending.verdict = self._judge(pending, said, now_s)

    def hears_more(self, token: str, said: Sequence[Words]) -> bool:
        """Whether the user has said something that is not written down yet and may decide about a token."""
        pending = self._pending.get(token)
        return (
            pending is not None
            and pending.verdict in _OPEN
            and any(words.by_user and words.text is None for words in _since(pending, said))
        )

    def redeem(self, token: str, identity: str, said: Sequence[Words], now_s: float) -> Verdict:
        """Use a token. Only a token that still waits for an answer can be used again after that."""
        self.consider(said, now_s)
        if (pending := self._pending.get(token)) is None:
            return Verdict.UNKNOWN
        verdict = pending.verdict
        if now_s - pending.issued_s > VALID_S:
            verdict = Verdict.EXPIRED
        elif pending.call != identity:
            verdict = Verdict.OTHER_CALL
        elif pending.needs_pin and verdict is not Verdict.GRANTED and self.locked(now_s):
            verdict = Verdict.LOCKED
        if verdict not in _OPEN:
            del self._pending[token]
        return verdict

    def _judge(self, pending: _Pending, said: Sequence[Words], now_s: float) -> Verdict:
        asked = ""
        since_user = False
        verdict = pending.verdict
        for words in _since(pending, said):
            if words.text is None:
                return verdict
            if not words.by_user:
                # A yes answers what was said last; a PIN is said for nothing else.
                asked = words.text if since_user and not pending.needs_pin else f"{asked} {words.text}"
            elif words.text.strip():
                verdict = self._answered(pending, words, asked, now_s)
                if verdict not in _OPEN:
                    return verdict
            since_user = words.by_user
        return verdict

    def _answered(self, pending: _Pending, words: Words, asked: str, now_s: float) -> Verdict:
        text = words.text or ""
        answer = answer_in(text)
        was_asked = bool(asked.strip())
        if pending.needs_pin:
            right = self._is_pin(words, now_s) if was_asked else None
            if right is None:
                return Verdict.REFUSED if answer is Answer.NO else pending.verdict
            if not right:
                return Verdict.WRONG_PIN
        elif answer is not Answer.YES:
            return Verdict.REFUSED if was_asked or answer is Answer.NO else pending.verdict
        elif not was_asked:
            return pending.verdict
        return Verdict.GRANTED if names_all(asked, pending.names) else Verdict.NOT_NAMED

    def _is_pin(self, words: Words, now_s: float) -> bool | None:
        """Whether a turn says the PIN. It is one try, however many calls wait for it."""
        if words.key not in self._pin_heard:
            right = None if self._pin is None else self._tries.check(self._pin, words.text or "", now_s)
            locked = self.locked(now_s)
            self._pin_heard[words.key] = False if right and locked else right
        return self._pin_heard[words.key]


def _since(pending: _Pending, said: Sequence[Words]) -> list[Words]:
    return [words for words in said if words.key not in pending.known]
