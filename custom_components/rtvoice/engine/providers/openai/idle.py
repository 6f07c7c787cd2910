"""A limit to waiting that costs next to nothing where it is not reached."""

import asyncio
from collections.abc import Awaitable


class IdleLimit:
    """Interrupts a wait that takes `after_s`, one wait at a time.

    `asyncio.timeout` makes a timer and cancels it for each wait, which is a good part of the work of reading a short
    event. Here one timer serves them all: when it fires, it is looked at how long the present wait has taken.
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._waiting: asyncio.Task[object] | None = None
        self._since_s = 0.0
        self._expired = False
        self._timer: asyncio.TimerHandle | None = None

    async def within[T](self, wait: Awaitable[T]) -> T:
        """Await this. Raises TimeoutError when it takes too long; it is cancelled then."""
        if (task := asyncio.current_task()) is None:
            raise RuntimeError("Only a task can wait")
        loop = asyncio.get_running_loop()
        self._since_s = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._after_s, self._look)
        cancelled_before = task.cancelling()
        self._waiting = task
        try:
            return await wait
        except asyncio.CancelledError as err:
            if self._expired and task.uncancel() <= cancelled_before:
                raise TimeoutError from err
            raise
        finally:
            self._waiting = None
            self._expired = False

    def close(self) -> None:
        """Leave no timer behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._waiting is None:
            return
        loop = asyncio.get_running_loop()
        left_s = self._since_s + self._after_s - loop.time()
        if left_s > 0:
            self._timer = loop.call_later(left_s, self._look)
        else:
            self._expired = True
            self._waiting.cancel()
