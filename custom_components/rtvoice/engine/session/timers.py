"""The event loop's side of the conversation's deadlines."""

import asyncio
from collections.abc import Callable

from ..conversation.facts import Fact, Timer, TimerFired

_LATE_S = 1.0
"""A loop that looks at its timers so late was not running: the machine or the process slept."""
GRACE_S = 5.0


class Timers:
    """Posts `TimerFired` when a deadline passes.

    Where the process was asleep when it passed, what came meanwhile is still to be read: it passes up to 5 s later.
    """

    def __init__(self, post: Callable[[Fact], None]) -> None:
        self._post = post
        self._handles: dict[Timer, asyncio.TimerHandle] = {}

    def arm(self, timer: Timer, after_s: float) -> None:
        """Set or move a deadline."""
        self.disarm(timer)
        self._handles[timer] = asyncio.get_running_loop().call_later(after_s, self._fire, timer, min(after_s, GRACE_S))

    def disarm(self, timer: Timer) -> None:
        """Forget a deadline, if it is set."""
        if (handle := self._handles.pop(timer, None)) is not None:
            handle.cancel()

    def close(self) -> None:
        """Forget every deadline."""
        for timer in tuple(self._handles):
            self.disarm(timer)

    def _fire(self, timer: Timer, grace_s: float) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._handles[timer].when() > _LATE_S:
            self._handles[timer] = loop.call_later(grace_s, self._fire, timer, grace_s)
            return
        del self._handles[timer]
        self._post(TimerFired(timer))
