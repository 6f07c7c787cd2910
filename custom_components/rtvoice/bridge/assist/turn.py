"""One turn: what was said in a run of a pipeline, and what the agent says and does about it."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from homeassistant.core import HomeAssistant

from ...engine.events import AgentErrorEvent, AssistantStartedRespondingEvent, SessionEvent
from ..deltas import Delta, Deltas
from .caller import Caller, Wish
from .speaker import Voice
from .utterance import Utterance

PADDING: Final = "\n" * 61
"""Begins every answer that the agent speaks itself.

Home Assistant lets satellites begin to play when an answer is longer than 60 characters, and keeps recordings of all
that are shorter; blank lines are neither shown nor spoken.
"""
MAX_DELTAS: Final = 5000
"""More than an answer has; what is told beyond that while nobody listens is lost."""


class Turn:
    """Belongs to whoever claims it first: the agent, or Home Assistant, which may have understood it by itself.

    Deltas of words are held back until the first sample of the voice is there: a satellite gives up on a voice that
    does not follow soon.
    """

    def __init__(self, hass: HomeAssistant, caller: Caller, wish: Wish) -> None:
        self.caller = caller
        self.wish = wish
        self.last_error: str | None = None
        """What was last complained of in it."""
        self.utterance = Utterance(hass)
        self.text: str | None = None
        """What was said, once it is known."""
        self.over = False
        """Whether all of the answer was heard, or nobody wants it any more."""
        self._claimed: asyncio.Future[bool] = hass.loop.create_future()
        self._failure: Exception | None = None
        self.finished = False
        """Whether no more will be said."""
        self._listen_anew()

    def _listen_anew(self) -> None:
        self.voice = Voice(self._sounded)
        self._telling = Deltas()
        self._deltas: asyncio.Queue[Delta] = asyncio.Queue(MAX_DELTAS)
        self._held: list[Delta] = []
        self._padded = False
        self._answering = False

    @property
    def open(self) -> bool:
        """Whether it is not known yet who answers it."""
        return not self._claimed.done()

    def claim(self) -> None:
        """The agent answers it."""
        self._claimed.set_result(True)

    def leave(self) -> None:
        """The agent does not answer it, unless it has been claimed."""
        if self.open:
            self._claimed.set_result(False)

    async def wait_claimed(self) -> bool:
        """Wait until it is known whether the agent answers it."""
        return await asyncio.shield(self._claimed)

    def restart(self) -> None:
        """Forget what was said so far, of which nobody has taken anything: another answer follows."""
        self.voice.cut()
        self._listen_anew()

    def receive(self, event: SessionEvent) -> None:
        """Take in an event of the session; what the agent said in an earlier turn is none of this one."""
        self.utterance.receive(event)
        if isinstance(event, AgentErrorEvent):
            self.last_error = event.error.message
        if isinstance(event, AssistantStartedRespondingEvent) and self.utterance.ended:
            self._answering = True
        if not self._answering:
            return
        for delta in self._telling.of(event):
            if self._held or (delta.get("content") and "role" not in delta and not self._padded):
                self._held.append(delta)
            else:
                self._tell(delta)

    def finish(self, failure: Exception | None = None) -> None:
        """No more will be said, because of this if it is a failure."""
        if self.finished:
            return
        self._failure = failure
        self._tell(*self._held)
        self._held.clear()
        self.finished = True
        self._deltas.shutdown()
        self.voice.end()

    async def deltas(self) -> AsyncGenerator[Delta]:
        """What the agent says and does, as the chat log wants it. Raises what made it impossible."""
        try:
            while True:
                yield await self._deltas.get()
        except asyncio.QueueShutDown:
            if self._failure is not None:
                raise self._failure from None

    def _sounded(self) -> None:
        """The first sample is there: the satellite can begin."""
        self._padded = True
        self._tell(*self._telling.open(), {"content": PADDING}, *self._held)
        self._held.clear()

    def _tell(self, *deltas: Delta) -> None:
        for delta in deltas:
            if not (self.finished or self._deltas.full()):
                self._deltas.put_nowait(delta)
