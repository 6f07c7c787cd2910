"""Changes of settings during a session."""

from collections import deque
from dataclasses import replace
from typing import assert_never

from .effects import Effect, UpdateSession
from .user_commands import SpeedChanged, ToolChoiceChanged, ToolsChanged

PREFIX = "update-"
_NOTHING = UpdateSession("")


class Updates:
    """Collects changes until they may be sent: the speed only while no response runs.

    The provider may have begun one meanwhile, and refuses the change then: it is sent again when that is over.
    """

    def __init__(self) -> None:
        self._count = 0
        self._next = _NOTHING
        self._unanswered: deque[UpdateSession] = deque()
        """What was sent, in order, which is the order of the answers."""

    def collect(self, change: SpeedChanged | ToolsChanged | ToolChoiceChanged) -> None:
        """Take note of a change; the latest of each kind wins."""
        match change:
            case SpeedChanged():
                self._next = replace(self._next, speech_speed=change.speed)
            case ToolsChanged():
                self._next = replace(self._next, tools=change.tools)
            case ToolChoiceChanged():
                self._next = replace(self._next, tool_choice=change.choice)
            case _:
                assert_never(change)

    def flush(self, *, responding: bool) -> list[Effect]:
        """Send what may be sent now."""
        ready = replace(self._next, speech_speed=None) if responding else self._next
        if ready == _NOTHING:
            return []
        self._next = replace(_NOTHING, speech_speed=self._next.speech_speed) if responding else _NOTHING
        self._count += 1
        sent = replace(ready, request_id=f"{PREFIX}{self._count}")
        self._unanswered.append(sent)
        return [sent]

    def accepted(self) -> None:
        """The provider took over what was sent first."""
        if self._unanswered:
            self._unanswered.popleft()

    def rejected(self, request_id: str | None, *, responding: bool) -> bool:
        """A request was refused; True if it was a change of speed that came too late for the response that runs."""
        sent = next((update for update in self._unanswered if update.request_id == request_id), None)
        if sent is None:
            return False
        self._unanswered.remove(sent)
        if not responding or sent.speech_speed is None:
            return False
        self._next = UpdateSession(
            "",
            speech_speed=_latest(self._next.speech_speed, sent.speech_speed),
            tools=_latest(self._next.tools, sent.tools),
            tool_choice=_latest(self._next.tool_choice, sent.tool_choice),
        )
        return True

    def forgotten(self) -> None:
        """The link is gone: nobody answers what was sent on it."""
        self._unanswered.clear()


def _latest[T](later: T | None, earlier: T | None) -> T | None:
    return earlier if later is None else later
