"""Tells whoever subscribed what happens; nobody can hold the session up."""

import asyncio
import contextlib
import inspect
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from .events import (
    AgentCommand,
    AssistantTranscriptChunkReceivedEvent,
    AssistantTranscriptDeltaEvent,
    SessionEvent,
    UserTranscriptChunkReceivedEvent,
)

_LOGGER = logging.getLogger(__name__)

type Handler[T] = Callable[[T], Awaitable[object]]

_DELTAS = (AssistantTranscriptDeltaEvent, AssistantTranscriptChunkReceivedEvent, UserTranscriptChunkReceivedEvent)


class EventBus:
    """Hands events and commands to those who subscribed to their class or to one of its base classes.

    Handlers of one event run side by side; what one raises is logged and concerns nobody else.
    """

    def __init__(self) -> None:
        self._handlers: dict[type, list[Handler[object]]] = {}
        self._concerned: dict[type, tuple[Handler[object], ...]] = {}
        """Whom events of a class concern, as far as it was asked: it is, of every piece of a transcript."""

    def subscribe[T: SessionEvent | AgentCommand](self, event_type: type[T], handler: Handler[T]) -> None:
        """Call `handler`, a coroutine function, with every event of this type from now on.

        Raises TypeError if the handler is not one.
        """
        if not inspect.iscoroutinefunction(handler) and not inspect.iscoroutinefunction(type(handler).__call__):
            raise TypeError(f"An event handler must be a coroutine function, got {handler!r}")
        self._concerned.clear()
        self._handlers.setdefault(event_type, []).append(handler)  # type: ignore[arg-type]  # keyed by its type

    def unsubscribe[T: SessionEvent | AgentCommand](self, event_type: type[T], handler: Handler[T]) -> None:
        """Stop calling `handler`; one that was not subscribed is no error."""
        self._concerned.clear()
        with contextlib.suppress(ValueError):
            self._handlers.get(event_type, []).remove(handler)  # type: ignore[arg-type]  # keyed by its type

    def concerns_somebody(self, event: SessionEvent | AgentCommand) -> bool:
        """Whether anybody has subscribed to such events."""
        return bool(self._handlers_of(event))

    async def dispatch[T: SessionEvent | AgentCommand](self, event: T) -> T:
        """Call everybody concerned and return when all have finished."""
        handlers = self._handlers_of(event)
        if len(handlers) == 1:
            await _call(handlers[0], event)
        elif handlers:
            async with asyncio.TaskGroup() as tasks:
                for handler in handlers:
                    tasks.create_task(_call(handler, event), name=f"rtvoice {type(event).__name__}")
        return event

    def _handlers_of(self, event: SessionEvent | AgentCommand) -> tuple[Handler[object], ...]:
        kind = type(event)
        if (concerned := self._concerned.get(kind)) is None:
            concerned = tuple(handler for cls in kind.__mro__ for handler in self._handlers.get(cls, ()))
            self._concerned[kind] = concerned
        return concerned


class Feed:
    """A queue between the session and one observer, so that a slow observer holds nobody up.

    Holds `capacity` events. Full: pieces of transcripts are dropped and counted, everything else is kept. An event that
    does not concern the observer is not queued: waking it costs a turn of the event loop.
    """

    def __init__(
        self,
        observer: Handler[SessionEvent],
        capacity: int = 1000,
        *,
        concerns: Callable[[SessionEvent], bool] = lambda _: True,
    ) -> None:
        self._observer = observer
        self._concerns = concerns
        self._capacity = capacity
        self._events: deque[SessionEvent] = deque()
        self._filled = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._held_back: asyncio.TimerHandle | None = None
        self.dropped_deltas = 0

    def put(self, event: SessionEvent) -> None:
        """Queue an event; never waits."""
        if not self._concerns(event):
            return
        if len(self._events) >= self._capacity and isinstance(event, _DELTAS):
            self.dropped_deltas += 1
            return
        self._events.append(event)
        self._idle.clear()
        self._filled.set()

    def hold_back(self, longest_s: float) -> None:
        """Deliver nothing for a moment: what an observer makes of it would be in the way of something urgent."""
        if self._held_back is None:
            self._held_back = asyncio.get_running_loop().call_later(longest_s, self.go_on)

    def go_on(self) -> None:
        """Deliver what was held back."""
        if self._held_back is not None:
            self._held_back.cancel()
            self._held_back = None
            self._filled.set()

    async def drained(self) -> None:
        """Wait until the observer has seen everything."""
        await self._idle.wait()

    @asynccontextmanager
    async def running(self, drain_s: float = 2.0) -> AsyncIterator[None]:
        """Deliver while the block runs; at its end, what is left is delivered within `drain_s` or dropped."""
        pump = asyncio.create_task(self._pump(), name="rtvoice observer")
        try:
            yield
        finally:
            try:
                async with asyncio.timeout(drain_s):
                    await self.drained()
            except TimeoutError:
                _LOGGER.warning("An observer did not keep up; it missed %d events at the end", len(self._events))
            finally:
                self.go_on()
                pump.cancel()
                await asyncio.gather(pump, return_exceptions=True)

    async def _pump(self) -> None:
        while True:
            while self._held_back is not None or not self._events:
                if not self._events:
                    self._idle.set()
                self._filled.clear()
                await self._filled.wait()
            await _call(self._observer, self._events.popleft())


async def _call[T](handler: Handler[T], event: T) -> None:
    """Call an observer at the border to foreign code: whatever it raises is logged and ends here."""
    try:
        await handler(event)
    except Exception:
        _LOGGER.exception("An observer of %s failed", type(event).__name__)
