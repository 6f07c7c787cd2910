"""The event loop's side of the conversation's deadlines."""

import asyncio
from collections.abc import Callable

from ..conversation.facts import Fact, Timer, TimerFired


class Timers:
    """Posts `TimerFired` when a deadline passes."""

    def __init__(self, post: Callable[[Fact], None]) -> None:
        self._post = post
        self._handles: dict[Timer, asyncio.TimerHandle] = {}

    def arm(self, timer: Timer, after_s: float) -> None:
        """Set or move a deadline."""
        self.disarm(timer)
        loop = asyncio.get_running_loop()
        self._handles[timer] = loop.call_later(after_s, self._fire, timer)

    def disarm(self, timer: Timer) -> None:
        """Forget a deadline, if it is set."""
        if (handle := self._handles.pop(timer, None)) is not None:
            handle.cancel()

    def close(self) -> None:
        """Forget every deadline."""
        for timer in tuple(self._handles):
            self.disarm(timer)

    def _fire(self, timer: Timer) -> None:
        del self._handles[timer]
        self._post(TimerFired(timer))
