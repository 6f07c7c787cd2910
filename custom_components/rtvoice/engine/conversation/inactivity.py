"""Ends the session when nobody has spoken for a while, counting down the last seconds."""

from ..errors import EndReason
from ..events import UserInactivityCountdownEvent, UserInactivityTimeoutEvent
from .deadlines import Deadlines
from .effects import Close, Effect, Publish
from .facts import Timer

COUNTDOWN_FROM = 5


class Inactivity:
    """Runs only while the floor is free; any activity starts it anew."""

    def __init__(self, timeout_s: float | None, deadlines: Deadlines) -> None:
        self._timeout_s = timeout_s
        self._deadlines = deadlines
        self._ends_at_s: float | None = None

    def follow(self, *, quiet: bool, now_s: float) -> list[Effect]:
        """Start when it became quiet, stop when it no longer is."""
        if self._timeout_s is None or quiet == (self._ends_at_s is not None):
            return []
        if not quiet:
            self._ends_at_s = None
            return self._deadlines.disarm(Timer.INACTIVITY)
        self._ends_at_s = now_s + self._timeout_s
        return self._deadlines.arm(Timer.INACTIVITY, max(0.0, self._timeout_s - COUNTDOWN_FROM), now_s)

    def tick(self, now_s: float) -> list[Effect]:
        """Count a second down, or end the session after the last. Only called while it runs."""
        ends_at_s = self._ends_at_s or 0.0
        remaining = round(ends_at_s - now_s)
        if remaining <= 0:
            return [Publish(UserInactivityTimeoutEvent(self._timeout_s or 0.0)), Close(EndReason.INACTIVITY)]
        next_tick_s = ends_at_s - (remaining - 1)
        return [
            Publish(UserInactivityCountdownEvent(remaining)),
            *self._deadlines.arm(Timer.INACTIVITY, max(0.0, next_tick_s - now_s), now_s),
        ]
