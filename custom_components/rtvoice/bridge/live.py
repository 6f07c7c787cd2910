"""One live session of one agent on one satellite."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final, override

from homeassistant.core import HomeAssistant, callback

from ..const import DOMAIN
from ..engine import AgentState, ConversationTurn, RealtimeAgent
from ..engine.devices import NullInput
from ..engine.errors import EndReason
from ..engine.events import SessionEvent, StopAgentCommand, UserTranscriptCompletedEvent
from .backing import async_backing
from .chronicle import Chapter
from .compose import async_brief, llm_context_of, spoken_agent
from .equipment import async_prepare
from .errors import engine_errors
from .parties import Agent, Satellite
from .prompt import Occasion
from .provider import Provider
from .report import SessionReport
from .request import SessionRequest
from .session import Session

_ORDERLY: Final = frozenset({EndReason.STOPPED, EndReason.INACTIVITY, EndReason.MAX_LENGTH, EndReason.BUDGET_EXCEEDED})
MOVED: Final = "moved"
"""Why a session ended that goes on elsewhere."""


class LiveSession(Session):
    """A session that has a satellite of ours to itself, for which anybody may speak to the agent at any time.

    When the conversation is carried on elsewhere, who waits for the end or asks for it means that of the successor.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        provider: Provider,
        agent: Agent,
        satellite: Satellite,
        request: SessionRequest,
        *,
        ended: Callable[[Session], None],
    ) -> None:
        super().__init__(hass, provider, agent, satellite, request.context, parties=(satellite, agent), ended=ended)
        self.satellite = satellite
        self.request = request
        self._first_user_turn: asyncio.Future[str | None] = hass.loop.create_future()
        self._receivers: list[Callable[[SessionEvent], None]] = []
        self._deafened = False
        self._successor: LiveSession | None = None

    @property
    @override
    def name(self) -> str:
        return f"{DOMAIN} session of {self.agent.title} on {self.satellite.title}"

    @property
    @override
    def converses(self) -> bool:
        return self.request.listens

    @property
    @override
    def live(self) -> bool:
        return super().live and self._successor is None

    @property
    def turns(self) -> tuple[ConversationTurn, ...]:
        """What was said so far, here and before."""
        turns = self._engine.turns if self._engine is not None else self.request.history
        return tuple(map(self._toolbox.hide_in, turns)) if self._toolbox is not None else turns

    @override
    def begin(self) -> None:
        self.satellite.chronicle.begin(self._chapter(), self.request.history)
        self.observer.show(replace(self.observer.snapshot, status=AgentState.CONNECTING))
        super().begin()

    async def async_wait_ended(self) -> SessionReport:
        """Wait for the end. Raises what made the session impossible, if it never began."""
        await self._over.wait()
        if self._successor is None:
            await self.async_wait_connected()
        return await self.async_wait_over()

    async def async_wait_over(self) -> SessionReport:
        """Wait for the end, even of what never began."""
        await self._over.wait()
        if self._successor is not None:
            return (await self._successor.async_wait_over()).following(self.report)
        return self.report

    async def async_first_user_turn(self) -> str | None:
        """Wait for what the user says first; None if the session ends without a word."""
        return await asyncio.shield(self._first_user_turn)

    @override
    async def async_stop(self, reason: EndReason = EndReason.STOPPED) -> None:
        await super().async_stop(reason)
        if self._successor is not None:
            await self._successor.async_stop(reason)

    @callback
    def listen(self, receiver: Callable[[SessionEvent], None]) -> None:
        """Tell `receiver` all that happens until the end, wherever the conversation goes."""
        self._receivers.append(receiver)

    async def async_deafen(self, *, deaf: bool) -> None:
        """Hear nothing for a while, whatever the switches say."""
        self._deafened = deaf
        await self.async_apply_mute()

    async def async_continue_in(self, successor: LiveSession) -> None:
        """End here, because `successor` goes on with the conversation."""
        self._successor = successor
        successor.listen_as(self)
        await super().async_stop()

    @callback
    def listen_as(self, former: LiveSession) -> None:
        """Tell those who listened to `former`, who hear no more from there."""
        self._receivers.extend(former._receivers)
        former._receivers.clear()
        self._first_user_turn = former._first_user_turn

    async def async_say(self, text: str) -> None:
        """Have the agent speak these words."""
        with engine_errors():
            await self.engine.say(text)

    async def async_send_message(self, text: str, image: str | None = None) -> None:
        """Tell the agent something as if the user had; `image` is a data URL."""
        with engine_errors():
            await self.engine.send_message(text, image=image)

    @property
    @override
    def _muted(self) -> bool:
        return self._deafened or super()._muted

    @property
    @override
    def _end_reason(self) -> str:
        return super()._end_reason if self._successor is None else MOVED

    @override
    async def _compose(self) -> RealtimeAgent:
        hass, agent, request = self._hass, self.agent, self.request
        llm_context = llm_context_of(hass, agent, self.satellite.async_device_id(hass), self.context)
        occasion = Occasion(llm_context, live=request.listens, extra=request.instructions)
        briefing = await async_brief(hass, agent, occasion, request.tools)
        self._toolbox = briefing.toolbox
        place = self.satellite.place
        ears = await place.async_input() if request.listens else NullInput()
        mouth = await place.async_mouth()
        self.observer.call_tools_by(briefing.toolbox.names)
        # What is only announced is no conversation, and is recorded when asked for only.
        recorded = agent.options.recording and request.listens if request.record is None else request.record
        backing = async_backing(hass, agent, self._ledger, recorded_at=self.satellite if recorded else None)
        engine = spoken_agent(
            agent, self._provider, briefing, request, (ears, mouth), echo=place.echo_in_use, backing=backing
        )
        await async_prepare(engine, briefing.equipment)
        return engine

    @override
    async def _opened(self, engine: RealtimeAgent) -> None:
        """Do what the session was wanted for."""
        request = self.request
        if request.message:
            await engine.say(request.message)
        if request.prompt:
            await engine.ask(request.prompt)
        if not request.listens:
            await engine.event_bus.dispatch(StopAgentCommand(when_silent=True))

    @override
    def _heard(self, event: SessionEvent) -> SessionEvent:
        if isinstance(event, UserTranscriptCompletedEvent) and not self._first_user_turn.done():
            self._first_user_turn.set_result(event.transcript)
        self.satellite.place.receive(event)
        return event

    @override
    async def _seen(self, event: SessionEvent) -> None:
        self.satellite.chronicle.receive(event)
        for receiver in tuple(self._receivers):
            receiver(event)

    @override
    def _closed(self) -> None:
        self.satellite.chronicle.end(self._end_reason, self._end_error)
        if self._successor is None and not self._first_user_turn.done():
            self._first_user_turn.set_result(None)

    @property
    def _end_error(self) -> str | None:
        """What ended the session, in words; None if it ended as it should."""
        if self.error is not None:
            return str(self.error)
        return None if self.report.end_reason in _ORDERLY else self.observer.last_error

    def _chapter(self) -> Chapter:
        """The session as the satellite's chronicle knows it."""
        return Chapter(
            session_id=self.session_id if self.request.listens else None,
            order=lambda: [turn.item_id for turn in self._engine.turns] if self._engine is not None else [],
            hide=lambda text: text if self._toolbox is None else self._toolbox.hide_so_far(text),
            title=lambda name: name if self._toolbox is None else self._toolbox.title(name),
            failure=lambda: self.satellite.place.failure,
        )
