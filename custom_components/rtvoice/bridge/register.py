"""The sessions of an account: those that run, and how the last ones went."""

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from homeassistant.core import HomeAssistant

from .reachability import Reachability
from .session import Session
from .transcripts import async_keep

MAX_REMEMBERED: Final = 10
"""Sessions that have ended and whose course diagnostics show."""


class Register:
    """Of all its agents and on all its satellites, in the order in which they began."""

    def __init__(self, hass: HomeAssistant, reachability: Reachability) -> None:
        self._hass = hass
        self._reachability = reachability
        self._running: dict[str, Session] = {}
        self._ended: deque[dict[str, Any]] = deque(maxlen=MAX_REMEMBERED)

    def __iter__(self) -> Iterator[Session]:
        """Those that run, connected or on their way."""
        return iter(tuple(self._running.values()))

    @property
    def courses(self) -> list[dict[str, Any]]:
        """How the last sessions of its agents went."""
        return list(self._ended)

    def enter(self, session: Session) -> None:
        """A session begins."""
        self._running[session.session_id] = session

    def leave(self, session: Session) -> None:
        """A session has ended, of whatever agent."""
        self._running.pop(session.session_id, None)

    def conclude(self, session: Session) -> None:
        """A session of one of its own agents has ended: remember how it went, and keep what is to be kept."""
        self.leave(session)
        self._ended.append(_course(session))
        if session.converses:
            agent = session.agent
            keeping = async_keep(self._hass, agent, session.venue.title, session.report, session.began)
            agent.entry.async_create_task(self._hass, keeping, f"transcript of the {session.name}")
        if not self._reachability.reachable:
            self._reachability.tell()


def _course(session: Session) -> dict[str, Any]:
    """How a session went, without a word of what was said."""
    satellites = [party.subentry_id for party in session.parties if party is not session.agent]
    return {
        "agent": session.agent.subentry_id,
        "satellite": next(iter(satellites), None),
        "end_reason": session.report.end_reason.value,
        "duration_s": round(session.report.duration_s, 3),
        "turns_said": len(session.report.turns),
        "tools_called": len(session.report.tools),
        **session.timings.as_dict(),
    }
