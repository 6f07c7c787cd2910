"""All of a config entry that lives: its agents, its satellites, and their sessions."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util

from ..const import SUBENTRY_AGENT, SUBENTRY_SATELLITE
from ..engine.devices import AudioDevices
from ..engine.errors import EndReason
from .assist.exchanges import Exchanges
from .backing import async_stand_in
from .budget import async_check_budget, seen_budgets
from .errors import engine_errors, refused
from .ledger import Ledger
from .live import LiveSession
from .occurrences import Occurrence, OccurrenceType
from .options import UNREADABLE
from .parties import Agent, Party, Satellite
from .places.kinds import is_known
from .pool import ServerPool
from .provider import AccountProvider
from .reachability import Reachability
from .register import Register
from .request import SessionRequest
from .session import Session
from .wakes import async_answers
from .watched import WatchedProvider

_LOGGER = logging.getLogger(__name__)

type RtvoiceConfigEntry = ConfigEntry[Runtime]


class Runtime:
    """Who there is, and who talks where."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: RtvoiceConfigEntry,
        provider: AccountProvider,
        sound: AudioDevices,
        ledger: Ledger,
    ) -> None:
        self._hass = hass
        self.entry = entry
        self.reachability = Reachability(hass, entry, provider.list_models)
        self.provider = WatchedProvider(hass, entry, provider, self.reachability)
        self.ledger = ledger
        """What its agents have used."""
        self.servers = ServerPool()
        """The MCP servers that its agents use."""
        self.agents = {
            subentry.subentry_id: Agent(entry, subentry.subentry_id)
            for subentry in entry.get_subentries_of_type(SUBENTRY_AGENT)
        }
        self.satellites = dict(_satellites(hass, entry, sound))
        self.register = Register(hass, self.reachability)
        self.exchanges = Exchanges(hass, self.provider, self.register)
        """What its agents hear and say by way of Assist pipelines."""
        self._closed = False

    def open(self) -> None:
        """Let the satellites be woken; their entities are there."""
        for satellite in self.satellites.values():
            satellite.place.open(partial(self._wake, satellite), partial(self._async_silence, satellite))
            self.entry.async_on_unload(satellite.place.async_watch_speaker())

    def agent_of(self, satellite: Satellite) -> Agent | None:
        """The agent that a satellite uses: the one it was given, or else the first; None if there is none."""
        chosen = self.agents.get(satellite.options.agent_id or "")
        return chosen or next(iter(self.agents.values()), None)

    def satellite_of(self, agent: Agent) -> Satellite | None:
        """The satellite that is an agent's own: of those that use it, the first that can hear and speak now."""
        own = [satellite for satellite in self.satellites.values() if self.agent_of(satellite) is agent]
        return next((satellite for satellite in own if satellite.present), next(iter(own), None))

    def reaches(self, party: Party) -> bool:
        """Whether there is a provider for the sessions of an agent or on a satellite, be it the one that stands in.

        While a session makes its link anew, that is what is to be seen of it.
        """
        agent = self.agent_of(party) if isinstance(party, Satellite) else party
        if self.reachability.reachable or not isinstance(agent, Agent):
            return True
        if any(session.live for session in self.sessions_of(party)):
            return True
        stand_in = async_stand_in(self._hass, agent)
        return stand_in is not None and stand_in.runtime_data.reachability.reachable

    def session_on(self, satellite: Satellite) -> LiveSession | None:
        """What runs on a satellite; there is never more than one session."""
        return next(iter(self.live_sessions_of(satellite)), None)

    @property
    def sessions(self) -> list[Session]:
        """All sessions of its agents and on its satellites."""
        return list(self.register)

    def sessions_of(self, party: Party) -> list[Session]:
        """The sessions of an agent, wherever they are, or the one on a satellite; the latest last."""
        return [session for session in self.register if party in session.parties]

    def live_sessions_of(self, party: Party) -> list[LiveSession]:
        """The sessions on satellites of ours, of an agent or on a satellite; the latest last."""
        return [session for session in self.sessions_of(party) if isinstance(session, LiveSession)]

    async def async_start(
        self, satellite: Satellite, request: SessionRequest, agent: Agent | None = None
    ) -> LiveSession:
        """Start a session and wait until the agent can be spoken to.

        Raises ServiceValidationError when there is no agent, its budget is spent, the satellite cannot hear and speak,
        or a session runs on it already, and HomeAssistantError when the session turned out to be impossible.
        """
        session = self.begin(satellite, request, agent)
        await session.async_wait_connected()
        return session

    def begin(self, satellite: Satellite, request: SessionRequest, agent: Agent | None = None) -> LiveSession:
        """Start a session without waiting for it."""
        agent = agent or self.agent_of(satellite)
        if agent is None:
            raise refused("no_agent", satellite=satellite.title)
        if (reason := satellite.place.obstacle) is not None:
            raise refused(reason, satellite=satellite.title)
        if self.session_on(satellite) is not None:
            raise refused("already_in_session", satellite=satellite.title)
        home: Runtime = agent.entry.runtime_data
        home.check_budget(agent, satellite, agent)
        # The agent may be of another account, which then has a part in the session too.
        registers = (self.register, home.register)

        def ended(session: Session) -> None:
            self.register.leave(session)
            satellite.place.ended()
            home.register.conclude(session)

        session = LiveSession(self._hass, home.provider, agent, satellite, request, ended=ended)
        for register in registers:
            register.enter(session)
        session.begin()
        return session

    async def async_set_muted(self, party: Party, *, muted: bool) -> None:
        """Let no session of an agent or on a satellite hear anything, now and later, or let them hear again."""
        party.muted = muted
        party.activity.changed()
        for session in self.sessions_of(party):
            await session.async_apply_mute()

    async def async_stop(self, sessions: Iterable[Session]) -> None:
        """End sessions, and wait until they have ended."""
        await asyncio.gather(*(session.async_stop() for session in sessions))

    async def async_close(self) -> None:
        """End all sessions and let go of the provider and of servers."""
        self._closed = True
        self.reachability.close()
        await self.async_stop(self.sessions)
        await asyncio.gather(*(satellite.place.async_close() for satellite in self.satellites.values()))
        await self.servers.async_close()
        await self.provider.close()
        await self.ledger.async_close()

    def check_budget(self, agent: Agent, *places: Party) -> None:
        """Raise ServiceValidationError if an agent has spent its budget, and show it at these places."""
        try:
            with engine_errors():
                async_check_budget(agent, self.ledger)
        except ServiceValidationError as err:
            error = {"error_type": EndReason.BUDGET_EXCEEDED.value, "message": str(err)}
            for party in places:
                party.activity.tell(Occurrence(OccurrenceType.ERROR, error))
            raise

    def diagnostics(self) -> dict[str, Any]:
        """Who there is and what they do, without a word of what was said."""
        return {
            "provider_reachable": self.reachability.reachable,
            "agents": [self._seen(agent) | self._used(agent) for agent in self.agents.values()],
            "satellites": [
                self._seen(satellite) | {"problem": satellite.place.problem} for satellite in self.satellites.values()
            ],
            "last_sessions": self.register.courses,
        }

    def _wake(self, satellite: Satellite, wake_word: str | None) -> bool:
        """Somebody wants to talk at a satellite; whether they are answered here. Raises HomeAssistantError."""
        if self._closed or not async_answers(self._hass, wake_word, satellite.subentry_id):
            return False
        self.begin(satellite, SessionRequest(context=Context(), cues=satellite.place.cues))
        return True

    async def _async_silence(self, satellite: Satellite, wake_word: str | None, heard_s: float | None) -> None:
        """Somebody at a satellite wants its agent to fall silent, and no other to answer. Raises HomeAssistantError."""
        async_answers(self._hass, wake_word, satellite.subentry_id)
        if (session := self.session_on(satellite)) is not None:
            await session.async_interrupt(heard_s)

    def _used(self, agent: Agent) -> dict[str, Any]:
        usage = self.ledger.of(agent.subentry_id)
        today = dt_util.now().date()
        return {
            "tokens": usage.tokens,
            "cost_usd": float(usage.cost_usd),
            "cost_today_usd": float(usage.cost_on(today)),
            "cost_this_month_usd": float(usage.cost_in_month(today)),
            "budgets": seen_budgets(agent, self.ledger),
        }

    def _seen(self, party: Party) -> dict[str, Any]:
        snapshot = party.activity.snapshot
        return {
            "subentry_id": party.subentry_id,
            "status": snapshot.status.value,
            "in_session": snapshot.in_session,
            "muted": party.muted,
            "response_latency_ms": snapshot.response_latency_ms,
            "sessions": len(self.sessions_of(party)),
        }


def _satellites(hass: HomeAssistant, entry: RtvoiceConfigEntry, sound: AudioDevices) -> Iterator[tuple[str, Satellite]]:
    """The satellites of kinds that this version knows, but for those of which it cannot read where they are."""
    for subentry in entry.get_subentries_of_type(SUBENTRY_SATELLITE):
        if not is_known(subentry):
            continue
        try:
            satellite = Satellite(hass, entry, subentry.subentry_id, sound)
        except UNREADABLE as err:
            # Without the error, whose text may hold what is stored.
            _LOGGER.warning("%s is stored as it cannot be read, and left out (%s)", subentry.title, type(err).__name__)
        else:
            yield subentry.subentry_id, satellite
