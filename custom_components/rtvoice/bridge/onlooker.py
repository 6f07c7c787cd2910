"""Telling one client what goes on at a satellite."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from .chronicle import EndedUpdate, ErrorUpdate, ToolUpdate, TurnUpdate, Update, async_chronicle
from .parties import Agent, Satellite
from .snapshot import Snapshot

MERGED_WITHIN_S: Final = 0.05
"""How long words wait for more of the same turn."""

type Telling = Mapping[str, Any]


class Onlooker:
    """Follows a satellite through sessions and reloads, from its `start` to its `stop`.

    What only replaces what was told before, states and words of turns, waits for its moment and is told once; all else
    is told at once and in order. So what waits is bounded by the turns that are being spoken.
    """

    def __init__(
        self, hass: HomeAssistant, satellite: Satellite, send: Callable[[Telling], None], may_look: Callable[[], bool]
    ) -> None:
        self._hass = hass
        self._entry: ConfigEntry[Any] = satellite.entry
        self._subentry_id = satellite.subentry_id
        self._send = send
        self._may_look = may_look
        self._waiting: dict[str, Telling] = {}
        self._told_state: Telling = {}
        self._flushing: asyncio.TimerHandle | None = None
        self._ends: list[Callable[[], None]] = []

    @callback
    def start(self) -> None:
        """Tell all there is, and from now on what changes."""
        chronicle = async_chronicle(self._hass, self._subentry_id)
        self._ends = [
            chronicle.listen(self._receive),
            async_dispatcher_connect(self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._async_entry_changed),
        ]
        self._told_state = self._state()
        turns = [_without_type(turn) for turn in chronicle.turns]
        tools = [_without_type(tool) for tool in chronicle.tools]
        self._tell({**self._told_state, "type": "snapshot", "turns": turns, "tools": tools})

    @callback
    def stop(self) -> None:
        """Tell nothing more. Idempotent."""
        for end in self._ends:
            end()
        self._ends = []
        self._waiting.clear()
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None

    @callback
    def _receive(self, update: Update | None) -> None:
        match update:
            case None:
                self._state_changed()
            case TurnUpdate(final=False):
                self._wait("turn " + update.item_id, telling_of(update), MERGED_WITHIN_S)
            case TurnUpdate():
                self._waiting.pop("turn " + update.item_id, None)
                self._flush()
                self._tell(telling_of(update))
            case _:
                self._flush()
                self._tell(telling_of(update))

    @callback
    def _async_entry_changed(self, _change: ConfigEntryChange, entry: ConfigEntry[Any]) -> None:
        if entry is self._entry:
            self._state_changed()

    def _state_changed(self) -> None:
        if (state := self._state()) == self._told_state:
            self._waiting.pop("state", None)
        else:
            self._wait("state", state, 0.0)

    def _wait(self, key: str, telling: Telling, within_s: float) -> None:
        self._waiting[key] = telling
        loop = self._hass.loop
        due_s = loop.time() + within_s
        if self._flushing is not None:
            if self._flushing.when() <= due_s:
                return
            self._flushing.cancel()
        self._flushing = loop.call_at(due_s, self._flush)

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        waiting, self._waiting = self._waiting, {}
        for telling in waiting.values():
            self._tell(telling)

    def _tell(self, telling: Telling) -> None:
        if telling["type"] == "state":
            self._told_state = telling
        if self._may_look():
            self._send(telling)

    def _state(self) -> Telling:
        entry = self._entry
        loaded = entry.state is ConfigEntryState.LOADED
        satellite = entry.runtime_data.satellites.get(self._subentry_id) if loaded else None
        return state_of(self._hass, satellite)


@callback
def state_of(hass: HomeAssistant, satellite: Satellite | None) -> Telling:
    """What a satellite does at the moment; None: its account is not loaded."""
    snapshot = Snapshot() if satellite is None else satellite.activity.snapshot
    session = agent = None
    if satellite is not None:
        runtime = satellite.entry.runtime_data
        session, agent = runtime.session_on(satellite), runtime.agent_of(satellite)
    listens = session is not None and session.request.listens
    return {
        "type": "state",
        "status": snapshot.status.value,
        "in_session": snapshot.in_session,
        "session_id": session.session_id if session is not None and listens else None,
        "user_speaking": snapshot.user_speaking,
        "assistant_speaking": snapshot.assistant_speaking,
        "muted": satellite is not None and satellite.muted,
        "online": satellite is not None and satellite.place.online,
        "agent": agent_told(hass, session.agent if session is not None else agent),
    }


@callback
def agent_told(hass: HomeAssistant, agent: Agent | None) -> Telling | None:
    """An agent as clients know it."""
    return None if agent is None else {"name": agent.title, "entity_id": agent.async_entity_id(hass)}


def telling_of(update: Update) -> Telling:
    """An update as clients get it."""
    match update:
        case TurnUpdate():
            kind = "turn"
        case ToolUpdate():
            kind = "tool"
        case ErrorUpdate():
            kind = "error"
        case EndedUpdate():
            kind = "ended"
    return {"type": kind, **asdict(update)}


def _without_type(update: Update) -> Telling:
    return asdict(update)
