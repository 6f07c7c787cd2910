"""One live session of one agent on one satellite."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.ulid import ulid_now

from ..const import DOMAIN
from ..engine import AgentState, ConversationTurn, RealtimeAgent
from ..engine.devices import NullInput
from ..engine.errors import EndReason, SessionClosedError
from ..engine.events import (
    AgentSessionConnectedEvent,
    SessionEvent,
    StopAgentCommand,
    UserTranscriptCompletedEvent,
)
from .backing import async_backing
from .chronicle import Chapter
from .compose import async_brief, llm_context_of, spoken_agent
from .ending import async_end
from .equipment import async_prepare
from .errors import end_reason_of, engine_errors, react, told_errors
from .herald import Herald
from .ledger import Ledger
from .observer import Observer
from .occurrences import Occurrence, OccurrenceType
from .parties import Agent, Satellite
from .prompt import Occasion
from .provider import Provider
from .report import SessionReport
from .request import SessionRequest
from .tab import Tab
from .timings import Timings
from .tools import Toolbox

_ORDERLY: Final = frozenset({EndReason.STOPPED, EndReason.INACTIVITY, EndReason.MAX_LENGTH, EndReason.BUDGET_EXCEEDED})
MOVED: Final = "moved"
"""Why a session ended that goes on elsewhere."""


class LiveSession:
    """A session from the wish for it to its report.

    `begin` sets it off; it ends by itself, by `async_stop`, or with its entry, and then nothing of it is left open.
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
        ended: Callable[[LiveSession], None],
    ) -> None:
        self.session_id = ulid_now()
        self.agent = agent
        self.satellite = satellite
        self.request = request
        self.report = SessionReport(self.session_id, EndReason.STOPPED)
        self.context = Context(user_id=request.context.user_id, parent_id=request.context.id)
        """Of all that the agent does in this session."""
        self.observer = Observer(self.session_id, (satellite, agent), self.context)
        self._herald = Herald(hass, self.session_id, agent, satellite, self.context)
        self._hass = hass
        self._provider = provider
        self._ended = ended
        self.timings = Timings(hass.loop.time)
        self._ledger: Ledger = agent.entry.runtime_data.ledger
        self._tab = Tab(hass, agent, self._ledger)
        self._toolbox: Toolbox | None = None
        self._engine: RealtimeAgent | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()
        self._over = asyncio.Event()
        self._first_user_turn: asyncio.Future[str | None] = hass.loop.create_future()
        self._receivers: list[Callable[[SessionEvent], None]] = []
        self._deafened = False
        self._successor: LiveSession | None = None
        self.connected = False
        self.error: HomeAssistantError | None = None
        """What made the session impossible, or ended it."""

    @property
    def name(self) -> str:
        """For logs and tasks."""
        return f"{DOMAIN} session of {self.agent.title} on {self.satellite.title}"

    def begin(self) -> None:
        """Set out; from now on the session is seen and can be stopped."""
        self.satellite.chronicle.begin(self._chapter(), self.request.history)
        self.observer.show(replace(self.observer.snapshot, status=AgentState.CONNECTING))
        entry = self.agent.entry
        self._task = entry.async_create_background_task(self._hass, self._run(), self.name)

    async def async_wait_connected(self) -> None:
        """Wait until the agent can be spoken to. Raises what made that impossible."""
        await self._begun.wait()
        if not self.connected and self.error is not None:
            raise self.error

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

    async def async_stop(self) -> None:
        """End the session and wait until nothing of it is left. Idempotent."""
        await self._end_here()
        if self._successor is not None:
            await self._successor.async_stop()

    async def _end_here(self) -> None:
        if self._task is not None and not self._task.done():
            await async_end(self._task, self._engine, self.name)

    @property
    def live(self) -> bool:
        """Whether the agent can be spoken to here."""
        return self.connected and self._successor is None and not self._over.is_set()

    @property
    def turns(self) -> tuple[ConversationTurn, ...]:
        """What was said so far, here and before."""
        turns = self._engine.turns if self._engine is not None else self.request.history
        return tuple(map(self._toolbox.hide_in, turns)) if self._toolbox is not None else turns

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
        await self._end_here()

    @callback
    def listen_as(self, former: LiveSession) -> None:
        """Tell those who listened to `former`, who hear no more from there."""
        self._receivers.extend(former._receivers)
        former._receivers.clear()
        self._first_user_turn = former._first_user_turn

    async def async_say(self, text: str) -> None:
        """Have the agent speak these words."""
        with engine_errors():
            await self._live().say(text)

    async def async_send_message(self, text: str, image: str | None = None) -> None:
        """Tell the agent something as if the user had; `image` is a data URL."""
        with engine_errors():
            await self._live().send_message(text, image=image)

    async def async_interrupt(self, heard_s: float | None = None) -> None:
        """Have the agent fall silent, to which the user has been speaking for `heard_s` if that is known."""
        with engine_errors():
            await self._live().interrupt(heard_s=heard_s)

    async def async_set_speech_speed(self, speed: float) -> None:
        """Have the agent speak slower or faster from its next response on."""
        with engine_errors():
            await self._live().set_speech_speed(speed)

    async def async_apply_mute(self) -> None:
        """Hear, or do not, as the agent's and the satellite's switches say."""
        if self._engine is not None:
            await self._engine.set_muted(self._muted)

    @property
    def _muted(self) -> bool:
        return self._deafened or self.agent.muted or self.satellite.muted

    def _live(self) -> RealtimeAgent:
        if self._engine is None or not self.connected or self._over.is_set():
            raise SessionClosedError(self.report.end_reason)
        return self._engine

    async def _run(self) -> None:
        try:
            with told_errors(self.name, self._failed):
                await self._converse()
        finally:
            self._end()

    async def _converse(self) -> None:
        self._engine = engine = await self._compose()
        await self.async_apply_mute()
        result = await engine.run()
        self._tab.settle(result.usage)
        if self._toolbox is not None:
            result = result.model_copy(update={"turns": [self._toolbox.hide_in(turn) for turn in result.turns]})
        self.report = SessionReport.of(self.session_id, result, self.observer.tools)

    async def _compose(self) -> RealtimeAgent:
        hass, request = self._hass, self.request
        llm_context = llm_context_of(hass, self.agent, self.satellite.async_device_id(hass), self.context)
        occasion = Occasion(llm_context, live=request.listens, extra=request.instructions)
        briefing = await async_brief(hass, self.agent, occasion, request.tools)
        self._toolbox = briefing.toolbox
        place = self.satellite.place
        ears = await place.async_input() if request.listens else NullInput()
        mouth = await place.async_mouth()
        self.observer.call_tools_by(briefing.toolbox.names)
        backing = async_backing(hass, self.agent, self._ledger, self.satellite, request)
        engine = spoken_agent(
            self.agent, self._provider, briefing, request, (ears, mouth), echo=place.echo_in_use, backing=backing
        )
        await async_prepare(engine, briefing.equipment)
        engine.event_bus.subscribe(SessionEvent, self._receive)
        return engine

    async def _receive(self, event: SessionEvent) -> None:
        if self._toolbox is not None:
            event = self._toolbox.hide(event)
        self.timings.receive(event)
        self._tab.receive(event)
        if isinstance(event, AgentSessionConnectedEvent) and self._engine is not None and not self.connected:
            await self._open(self._engine)
        if isinstance(event, UserTranscriptCompletedEvent) and not self._first_user_turn.done():
            self._first_user_turn.set_result(event.transcript)
        self.satellite.place.receive(event)
        event = self.observer.receive(event)
        self._herald.receive(event)
        self.satellite.chronicle.receive(event)
        for receiver in tuple(self._receivers):
            receiver(event)

    async def _open(self, engine: RealtimeAgent) -> None:
        """The provider is ready: do what the session was wanted for."""
        request = self.request
        self.connected = True
        self.observer.show(replace(self.observer.snapshot, in_session=request.listens))
        if request.listens:
            # First of all, so that the logbook finds in it where everything that follows comes from.
            self._herald.started()
        self.observer.tell(Occurrence(OccurrenceType.SESSION_STARTED, {"session_id": self.session_id}))
        self._begun.set()
        if request.message:
            await engine.say(request.message)
        if request.prompt:
            await engine.ask(request.prompt)
        if not request.listens:
            await engine.event_bus.dispatch(StopAgentCommand(when_silent=True))

    @property
    def _end_reason(self) -> str:
        return self.report.end_reason.value if self._successor is None else MOVED

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

    def _failed(self, err: HomeAssistantError) -> None:
        self.error = err
        cause, reason = err.__cause__, end_reason_of(err)
        self.report = replace(self.report, end_reason=reason)
        if self.observer.last_error != str(cause):
            self.observer.tell(
                Occurrence(OccurrenceType.ERROR, {"error_type": reason.value, "message": str(cause or err)})
            )

    def _end(self) -> None:
        react(self._hass, self.agent.entry, self.report.end_reason)
        if self.connected:
            reason = self._end_reason
            ended = {"session_id": self.session_id, "reason": reason}
            self.observer.tell(Occurrence(OccurrenceType.SESSION_ENDED, ended))
            if self.request.listens:
                self._herald.ended(reason)
        self._ended(self)
        self.satellite.chronicle.end(self._end_reason, self._end_error)
        self.observer.end()
        if self._successor is None and not self._first_user_turn.done():
            self._first_user_turn.set_result(None)
        self._over.set()
        self._begun.set()
