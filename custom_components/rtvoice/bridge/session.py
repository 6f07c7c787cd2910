"""What all sessions of agents have in common, wherever they take place."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import replace

from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now

from ..engine import RealtimeAgent
from ..engine.errors import EndReason, SessionClosedError
from ..engine.events import AgentSessionConnectedEvent, SessionEvent
from .ending import async_end
from .errors import end_reason_of, engine_errors, react, told_errors
from .herald import Herald
from .ledger import Ledger
from .observer import Observer
from .occurrences import Occurrence, OccurrenceType
from .parties import Agent, Party
from .promptness import PROMPTNESS
from .provider import Provider
from .report import SessionReport
from .tab import Tab
from .timings import Timings
from .tools import Toolbox
from .venue import Venue


class Session(ABC):
    """A session from the wish for it to its report: it is shown, told, timed and booked here, and nowhere else.

    `begin` sets it off; it ends by itself, by `async_stop`, or with its entry, and then nothing of it is left open.
    `ended` is called when it has its report and before anybody is told of it.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        provider: Provider,
        agent: Agent,
        venue: Venue,
        asked: Context,
        *,
        parties: Iterable[Party],
        ended: Callable[[Session], None],
    ) -> None:
        self.session_id = ulid_now()
        self.began = dt_util.now()
        """The time of day then; the clock may be set while the session lasts."""
        self.agent = agent
        self.venue = venue
        self.parties = tuple(parties)
        """Whose session it is: those that show it."""
        self.context = Context(user_id=asked.user_id, parent_id=asked.id)
        """Of all that the agent does in this session."""
        self.report = SessionReport(self.session_id, EndReason.STOPPED)
        self.observer = Observer(self.session_id, self.parties, self.context)
        self.timings = Timings(hass.loop.time)
        self.connected = False
        self.error: HomeAssistantError | None = None
        """What made the session impossible, or ended it."""
        self._hass = hass
        self._provider = provider
        self._ended = ended
        self._ledger: Ledger = agent.entry.runtime_data.ledger
        self._tab = Tab(hass, agent, self._ledger)
        self._herald = Herald(hass, self.session_id, agent, venue, self.context)
        self._toolbox: Toolbox | None = None
        self._engine: RealtimeAgent | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()
        self._over = asyncio.Event()

    @property
    @abstractmethod
    def name(self) -> str:
        """For logs and tasks."""

    @property
    def converses(self) -> bool:
        """Whether somebody can be heard; if not, something is only announced."""
        return True

    @property
    def live(self) -> bool:
        """Whether the agent can be spoken to here."""
        return self.connected and not self._over.is_set()

    @property
    def engine(self) -> RealtimeAgent:
        """The agent at work. Raises SessionClosedError where it is not yet, or not any more."""
        if self._engine is None or not self.connected or self._over.is_set():
            raise SessionClosedError(self.report.end_reason)
        return self._engine

    def begin(self) -> None:
        """Set out; from now on the session can be stopped."""
        entry = self.agent.entry
        self._task = entry.async_create_background_task(self._hass, self._run(), self.name)

    async def async_wait_connected(self) -> None:
        """Wait until the agent can be spoken to. Raises what made that impossible."""
        await self._begun.wait()
        if not self.connected and self.error is not None:
            raise self.error

    async def async_stop(self, reason: EndReason = EndReason.STOPPED) -> None:
        """End the session and wait until nothing of it is left. Idempotent."""
        if self._task is not None and not self._task.done():
            await async_end(self._task, self._engine, self.name, reason)

    async def async_interrupt(self, heard_s: float | None = None) -> None:
        """Have the agent fall silent, to which the user has been speaking for `heard_s` if that is known."""
        with engine_errors():
            await self.engine.interrupt(heard_s=heard_s)

    async def async_set_speech_speed(self, speed: float) -> None:
        """Have the agent speak slower or faster from its next response on."""
        with engine_errors():
            await self.engine.set_speech_speed(speed)

    async def async_apply_mute(self) -> None:
        """Hear, or do not, as the switches say."""
        if self._engine is not None:
            await self._engine.set_muted(self._muted)

    # --- what kinds of sessions differ in -----------------------------------------------------------------------------

    @property
    def _muted(self) -> bool:
        return any(party.muted for party in self.parties)

    @property
    def _end_reason(self) -> str:
        return self.report.end_reason.value

    @abstractmethod
    async def _compose(self) -> RealtimeAgent:
        """Make the agent that is to run. Raises HomeAssistantError or EngineError where there can be none."""

    async def _opened(self, engine: RealtimeAgent) -> None:  # noqa: B027 - not all have something to do then
        """The agent can be spoken to."""

    def _heard(self, event: SessionEvent) -> SessionEvent:
        """Take in an event whose tools are named as the model knows them. Returns it as it is to be shown."""
        return event

    async def _seen(self, event: SessionEvent) -> None:  # noqa: B027 - not all look
        """Take in an event that was shown."""

    def _closed(self) -> None:  # noqa: B027 - not all have something to let go of
        """Nothing runs any more, and those who wait have not been told yet."""

    # --- its course ---------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            with told_errors(self.name, self._failed), PROMPTNESS.needed():
                await self._converse()
        finally:
            self._end()

    async def _converse(self) -> None:
        self._engine = engine = await self._compose()
        engine.event_bus.subscribe(SessionEvent, self._receive)
        await self.async_apply_mute()
        result = await engine.run()
        self._tab.settle(result.usage)
        if self._toolbox is not None:
            result = result.model_copy(update={"turns": [self._toolbox.hide_in(turn) for turn in result.turns]})
        self.report = SessionReport.of(self.session_id, result, self.observer.tools)

    async def _receive(self, event: SessionEvent) -> None:
        if self._toolbox is not None:
            event = self._toolbox.hide(event)
        self.timings.receive(event)
        self._tab.receive(event)
        if isinstance(event, AgentSessionConnectedEvent) and self._engine is not None and not self.connected:
            await self._open(self._engine)
        event = self.observer.receive(self._heard(event))
        self._herald.receive(event)
        await self._seen(event)

    async def _open(self, engine: RealtimeAgent) -> None:
        """The provider is ready."""
        self.connected = True
        self.observer.show(replace(self.observer.snapshot, in_session=self.converses))
        if self.converses:
            # First of all, so that the logbook finds in it where everything that follows comes from.
            self._herald.started()
        self.observer.tell(Occurrence(OccurrenceType.SESSION_STARTED, {"session_id": self.session_id}))
        self._begun.set()
        await self._opened(engine)

    def _failed(self, err: HomeAssistantError) -> None:
        self.error = err
        cause, reason = err.__cause__, end_reason_of(err)
        self.report = replace(self.report, end_reason=reason)
        if self.observer.last_error != str(cause):
            error = {"error_type": reason.value, "message": str(cause or err)}
            self.observer.tell(Occurrence(OccurrenceType.ERROR, error))

    def _end(self) -> None:
        react(self._hass, self.agent.entry, self.report.end_reason)
        if self.connected:
            reason = self._end_reason
            ended = {"session_id": self.session_id, "reason": reason}
            self.observer.tell(Occurrence(OccurrenceType.SESSION_ENDED, ended))
            if self.converses:
                self._herald.ended(reason)
        self._ended(self)
        self._closed()
        self.observer.end()
        self._over.set()
        self._begun.set()
