"""What came of a session."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import orjson

from ..engine import AgentResult, ConversationTurn
from ..engine.errors import EndReason
from .snapshot import ToolUse


@dataclass(frozen=True, slots=True)
class SessionReport:
    """What was said and done in a session that has ended."""

    session_id: str
    end_reason: EndReason
    duration_s: float = 0.0
    turns: tuple[ConversationTurn, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    usage: Any = None
    """JSON; None if nothing was used."""
    recording: Path | None = None

    @classmethod
    def of(cls, session_id: str, result: AgentResult, tools: Iterable[ToolUse]) -> Self:
        """From what the engine returned."""
        return cls(
            session_id=session_id,
            end_reason=EndReason(result.end_reason),
            duration_s=result.duration_seconds,
            turns=tuple(result.turns),
            tools=tuple(tools),
            recording=result.recording_path,
            usage=result.model_dump(mode="json", include={"usage"})["usage"],
        )

    def following(self, earlier: SessionReport) -> SessionReport:
        """This and what came before it, of a conversation that went on elsewhere, as one."""
        return replace(
            self,
            session_id=earlier.session_id,
            duration_s=earlier.duration_s + self.duration_s,
            turns=earlier.turns + self.turns,
            tools=earlier.tools + self.tools,
            usage=_added(earlier.usage, self.usage),
            recording=self.recording or earlier.recording,
        )

    def as_response(self) -> dict[str, Any]:
        """The response of the action `rtvoice.start`."""
        return {
            "session_id": self.session_id,
            "end_reason": self.end_reason.value,
            "duration": round(self.duration_s, 3),
            "turns": [
                {"role": str(turn.role), "text": turn.transcript, "interrupted": turn.interrupted}
                for turn in self.turns
            ],
            "tools": [{"name": use.name, "arguments": _parsed(use.arguments), "ok": use.ok} for use in self.tools],
            "usage": self.usage,
            "recording": str(self.recording) if self.recording else None,
        }


def _parsed(arguments: str) -> Any:
    """The arguments as an object, or as they are where the model wrote no JSON."""
    try:
        return orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments


def _added(earlier: Any, later: Any) -> Any:
    """The sum of two JSON values: of numbers by adding them, of lists one after the other, of flags if both hold."""
    match earlier, later:
        case dict(), dict():
            return {key: _added(earlier.get(key), later.get(key)) for key in {**earlier, **later}}
        case bool(), bool():
            return earlier and later
        case (int() | float(), int() | float()) | (list(), list()):
            return earlier + later
        case _:
            return earlier if later is None else later
