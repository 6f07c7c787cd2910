"""Changes of settings during a session."""

from dataclasses import replace
from typing import assert_never

from .effects import Effect, UpdateSession
from .user_commands import SpeedChanged, ToolChoiceChanged, ToolsChanged

PREFIX = "update-"


class Updates:
    """Collects changes until they may be sent: the speed only while no response runs."""

    def __init__(self) -> None:
        self._count = 0
        self._next = UpdateSession("")

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
        if ready == UpdateSession(""):
            return []
        self._next = (
            replace(UpdateSession(""), speech_speed=self._next.speech_speed) if responding else UpdateSession("")
        )
        self._count += 1
        return [replace(ready, request_id=f"{PREFIX}{self._count}")]
