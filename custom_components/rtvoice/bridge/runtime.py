"""All of a config entry that lives: its agents, its satellites, and their sessions."""

import asyncio
from collections.abc import Iterable
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ..const import SUBENTRY_AGENT, SUBENTRY_SATELLITE
from ..engine.devices import AudioDevices
from .devices import sound_problem
from .errors import refused
from .options import SatelliteOptions
from .parties import Agent, Party, Satellite
from .provider import Provider
from .request import SessionRequest
from .session import LiveSession

type RtvoiceConfigEntry = ConfigEntry[Runtime]


class Runtime:
    """Who there is, and who talks where."""

    def __init__(
        self, hass: HomeAssistant, entry: RtvoiceConfigEntry, provider: Provider, devices: AudioDevices
    ) -> None:
        self._hass = hass
        self.entry = entry
        self.provider = provider
        self.agents = {
            subentry.subentry_id: Agent(entry, subentry.subentry_id)
            for subentry in entry.get_subentries_of_type(SUBENTRY_AGENT)
        }
        self.satellites = {
            subentry.subentry_id: Satellite(
                entry, subentry.subentry_id, sound_problem(SatelliteOptions.read(subentry.data), devices)
            )
            for subentry in entry.get_subentries_of_type(SUBENTRY_SATELLITE)
        }
        self._sessions: dict[str, LiveSession] = {}

    def agent_of(self, satellite: Satellite) -> Agent | None:
        """The agent that a satellite uses: the one it was given, or else the first; None if there is none."""
        chosen = self.agents.get(satellite.options.agent_id or "")
        return chosen or next(iter(self.agents.values()), None)

    def satellite_of(self, agent: Agent) -> Satellite | None:
        """The satellite that is an agent's own: of those that use it, the first that can hear and speak."""
        own = [satellite for satellite in self.satellites.values() if self.agent_of(satellite) is agent]
        return next((satellite for satellite in own if satellite.available), next(iter(own), None))

    def session_on(self, satellite: Satellite) -> LiveSession | None:
        """What runs on a satellite; there is never more than one session."""
        return next((session for session in self._sessions.values() if session.satellite is satellite), None)

    def sessions_of(self, party: Party) -> list[LiveSession]:
        """The sessions of an agent, or the one on a satellite; the latest last."""
        return [session for session in self._sessions.values() if party in (session.agent, session.satellite)]

    async def async_start(
        self, satellite: Satellite, request: SessionRequest, agent: Agent | None = None
    ) -> LiveSession:
        """Start a session and wait until the agent can be spoken to.

        Raises ServiceValidationError when there is no agent, the satellite cannot hear and speak, or a session runs on
        it already, and HomeAssistantError when the session turned out to be impossible.
        """
        session = self.begin(satellite, request, agent)
        await session.async_wait_connected()
        return session

    def begin(self, satellite: Satellite, request: SessionRequest, agent: Agent | None = None) -> LiveSession:
        """Start a session without waiting for it."""
        agent = agent or self.agent_of(satellite)
        if agent is None:
            raise refused("no_agent", satellite=satellite.title)
        if satellite.problem is not None:
            raise refused(satellite.problem, satellite=satellite.title)
        if self.session_on(satellite) is not None:
            raise refused("already_in_session", satellite=satellite.title)
        home: Runtime = agent.entry.runtime_data
        # The agent may be of another account, which then has a part in the session too.
        registers = (self._sessions, home._sessions)
        session = LiveSession(
            self._hass, home.provider, agent, satellite, request, ended=lambda session: _forget(session, registers)
        )
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

    async def async_stop(self, sessions: Iterable[LiveSession]) -> None:
        """End sessions, and wait until they have ended."""
        await asyncio.gather(*(session.async_stop() for session in sessions))

    async def async_close(self) -> None:
        """End all sessions and let go of the provider."""
        await self.async_stop(list(self._sessions.values()))
        await self.provider.close()

    def diagnostics(self) -> dict[str, Any]:
        """Who there is and what they do, without a word of what was said."""
        return {
            "agents": [self._seen(agent) for agent in self.agents.values()],
            "satellites": [
                self._seen(satellite) | {"problem": satellite.problem} for satellite in self.satellites.values()
            ],
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
