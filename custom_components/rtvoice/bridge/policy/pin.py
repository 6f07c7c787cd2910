"""The PIN: what of it was heard, how often it may be tried, and how it is kept out of sight."""

import hmac
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ...engine.events import (
    AssistantInterruptedEvent,
    AssistantTranscriptChunkReceivedEvent,
    AssistantTranscriptCompletedEvent,
    AssistantTranscriptDeltaEvent,
    SessionEvent,
    ToolExecutedEvent,
    ToolExecutionStartedEvent,
    UserTranscriptChunkReceivedEvent,
    UserTranscriptCompletedEvent,
)
from .words import digit_runs

MAX_TRIES: Final = 3
LOCKED_S: Final = 300.0
LONGEST_LOCKED_S: Final = 6 * 3600.0
FORGOTTEN_S: Final = 24 * 3600.0
_SHORTEST_TRY: Final = 3
"""Fewer digits are no try at a PIN, but the number of a door or a lamp."""
_HIDDEN: Final = "••••"


class PinTries:
    """How often the PIN of an agent was said wrongly, wherever that was.

    After MAX_TRIES wrong numbers nobody may try for LOCKED_S, and for twice as long after each MAX_TRIES further ones,
    LONGEST_LOCKED_S at most. They count until the right one is said, or nobody has said a wrong one for FORGOTTEN_S.
    """

    def __init__(self) -> None:
        self._failed = 0
        self._last_s = 0.0
        self._locked_until_s: float | None = None

    def locked(self, now_s: float) -> bool:
        """Whether nobody may try now."""
        return self._locked_until_s is not None and now_s < self._locked_until_s

    def check(self, pin: str, text: str, now_s: float) -> bool | None:
        """Whether the PIN is said in a text; None if no PIN is. Each number in it is a try."""
        tried = [run.digits for run in digit_runs(text) if len(run.digits) >= _SHORTEST_TRY]
        for digits in tried:
            if self.locked(now_s):
                return False
            if hmac.compare_digest(digits.encode(), pin.encode()):
                self._failed = 0
                return True
            self._fail(now_s)
        return False if tried else None

    def _fail(self, now_s: float) -> None:
        if now_s - self._last_s >= FORGOTTEN_S:
            self._failed = 0
        self._failed, self._last_s = self._failed + 1, now_s
        times, rest = divmod(self._failed, MAX_TRIES)
        if not rest:
            self._locked_until_s = now_s + min(LOCKED_S * 2 ** (times - 1), LONGEST_LOCKED_S)


class PinMask:
    """Hides the PIN in what is shown and told of a session; while one is asked for, every number that could be it."""

    def __init__(self, pin: str | None, awaited: Callable[[], bool]) -> None:
        self._pin = pin
        self._awaited = awaited

    def text(self, text: str) -> str:
        """The text without what must not be seen."""
        if self._pin is None:
            return text
        awaited = self._awaited()
        for run in reversed(digit_runs(text)):
            if self._pin in run.digits or (awaited and len(run.digits) >= _SHORTEST_TRY):
                text = text[: run.start] + _HIDDEN + text[run.end :]
        return text

    def so_far(self, text: str) -> str:
        """Words that are not complete, without what must not be seen: a number at their end may become the PIN."""
        if self._pin is None:
            return text
        last = digit_runs(f"{text} 0")[-1]
        return self.text(text[: last.start])

    def event(self, event: SessionEvent) -> SessionEvent:
        """The event without what must not be seen; pieces of words are emptied while one is asked for."""
        if self._pin is None:
            return event
        match event:
            case UserTranscriptCompletedEvent() | AssistantTranscriptCompletedEvent() | AssistantInterruptedEvent():
                return replace(event, transcript=self.text(event.transcript))
            case ToolExecutionStartedEvent():
                return replace(event, arguments=self.text(event.arguments))
            case ToolExecutedEvent():
                return replace(event, arguments=self.text(event.arguments), output=self.text(event.output))
            case UserTranscriptChunkReceivedEvent() | AssistantTranscriptChunkReceivedEvent() if self._awaited():
                return replace(event, chunk="")
            case AssistantTranscriptDeltaEvent() if self._awaited():
                return replace(event, delta="")
            case _:
                return event
