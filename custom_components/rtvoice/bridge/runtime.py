"""All of a config entry that lives: its agents, its satellites, and their sessions."""

import asyncio
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

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
from .occurrences import Occurrence, OccurrenceType
from .parties import Agent, Party, Satellite
from .places.kinds import is_known
from .pool import ServerPool
from .provider import AccountProvider
from .reachability import Reachability
from .request import SessionRequest
from .session import LiveSession
from .transcripts import async_keep
from .wakes import async_answers
from .watched import WatchedProvider

type RtvoiceConfigEntry = ConfigEntry[Runtime]

MAX_REMEMBERED: Final = 10
"""Sessions that have ended and whose course diagnostics show."""


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
        self.satellites = {
            subentry.subentry_id: Satellite(hass, entry, subentry.subentry_id, sound)
            for subentry in entry.get_subentries_of_type(SUBENTRY_SATELLITE)
            if is_known(subentry)
        }
        self.exchanges = Exchanges(hass, self.provider)
        """What its agents hear and say by way of Assist pipelines."""
        self._sessions: dict[str, LiveSession] = {}
        self._closed = False
        self._ended: deque[dict[str, Any]] = deque(maxlen=MAX_REMEMBERED)

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
        return next((session for session in self._sessions.values() if session.satellite is satellite), None)

    @property
    def sessions(self) -> list[LiveSession]:
        """All sessions of its agents and on its satellites."""
        return list(self._sessions.values())

    def sessions_of(self, party: Party) -> list[LiveSession]:
        """The sessions of an agent, or the one on a satellite; the latest last."""
        return [session for session in self._sessions.values() if party in (session.agent, session.satellite)]

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
        registers = (self._sessions, home._sessions)

        def ended(session: LiveSession) -> None:
            home._ended.append(_course(session))
            _forget(session, registers)
            satellite.place.ended()
            if request.listens:
                keeping = async_keep(self._hass, agent, satellite, session.report)
                agent.entry.async_create_task(self._hass, keeping, f"transcript of the {session.name}")
            if not home.reachability.reachable:
                home.reachability.tell()

        session = LiveSession(self._hass, home.provider, agent, satellite, request, ended=ended)
        for register in registers:
            register[session.session_id] = session
        session.begin()
        return session

    async def async_set_muted(self, party: Party, *, muted: bool) -> None:
        """Let no session of an agent or on a satellite hear anything, now and later, or let them hear again."""
        party.muted = muted
        party.activity.changed()
        for session in self.sessions_of(party):
            await session.async_apply_mute()
        if isinstance(party, Agent):
            await self.exchanges.async_apply_mute(party)

    async def async_stop(self, sessions: Iterable[LiveSession]) -> None:
        """End sessions, and wait until they have ended."""
        await asyncio.gather(*(session.async_stop() for session in sessions))

    async def async_close(self) -> None:
        """End all sessions and let go of the provider and of servers."""
        self._closed = True
        self.reachability.close()
        await asyncio.gather(self.async_stop(list(self._sessions.values())), self.exchanges.async_close())
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
            "last_sessions": list(self._ended),
            "exchanges": len(self.exchanges),
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


def _forget(session: LiveSession, registers: Iterable[dict[str, LiveSession]]) -> None:
    for register in registers:
        register.pop(session.session_id, None)


def _course(session: LiveSession) -> dict[str, Any]:
    """How a session went, without a word of what was said."""
    return {
        "agent": session.agent.subentry_id,
        "satellite": session.satellite.subentry_id,
        "end_reason": session.report.end_reason.value,
        "duration_s": round(session.report.duration_s, 3),
        "turns_said": len(session.report.turns),
        "tools_called": len(session.report.tools),
        **session.timings.as_dict(),
    }
