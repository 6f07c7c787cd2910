"""Tells Home Assistant what happens in a session: to triggers at once, to the logbook for later."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from homeassistant.const import ATTR_ENTITY_ID, ATTR_NAME
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send

from ..const import ATTR_ACTIVITY, ATTR_IN_WRITING, ATTR_TARGET, ATTR_TOOL, EVENT_ACTIVITY
from ..engine import AgentState
from ..engine.events import (
    AgentStateChangedEvent,
    SessionEvent,
    ToolExecutedEvent,
    UserStartedSpeakingEvent,
    UserTranscriptCompletedEvent,
)
from .happenings import SIGNAL_HAPPENING, Happening, HappeningType
from .occurrences import OccurrenceType
from .parties import Agent
from .venue import Venue

_MAX_TARGET_CHARS: Final = 100


class Herald:
    """Speaks for one session. An announcement, which nobody can answer, neither starts nor ends one."""

    def __init__(self, hass: HomeAssistant, session_id: str, agent: Agent, venue: Venue, context: Context) -> None:
        self._hass = hass
        self._session_id = session_id
        self._agent = agent
        self._venue = venue
        self._context = context
        self._speaking = False

    @callback
    def started(self) -> None:
        """The user can speak."""
        self._log(OccurrenceType.SESSION_STARTED)
        self._send(HappeningType.SESSION_STARTED)

    @callback
    def ended(self, reason: str) -> None:
        """The session has ended."""
        self._log(OccurrenceType.SESSION_ENDED)
        self._send(HappeningType.SESSION_ENDED, reason)

    @callback
    def user_started_speaking(self) -> None:
        """The user begins to speak."""
        self._send(HappeningType.USER_STARTED_SPEAKING)

    @callback
    def receive(self, event: SessionEvent) -> None:
        """Take in an event whose tools are named as in Home Assistant."""
        match event:
            case UserStartedSpeakingEvent():
                self.user_started_speaking()
            case AgentStateChangedEvent(state=state):
                self._state_changed(state)
            case UserTranscriptCompletedEvent(transcript=text) if text:
                self._send(HappeningType.USER_SAID, text)
            case ToolExecutedEvent():
                self.deed(event)

    @callback
    def deed(self, event: ToolExecutedEvent, *, in_writing: bool = False) -> None:
        """A tool was used, because somebody has asked for it by voice or in writing."""
        kind = OccurrenceType.TOOL_CALLED if event.ok else OccurrenceType.TOOL_FAILED
        told = {ATTR_TOOL: event.name, ATTR_TARGET: target_of(event.arguments), ATTR_IN_WRITING: in_writing}
        self._log(kind, told)

    def _state_changed(self, state: str) -> None:
        speaking = state == AgentState.SPEAKING
        if speaking and not self._speaking:
            self._send(HappeningType.ASSISTANT_STARTED_SPEAKING)
        self._speaking = speaking

    def _send(self, kind: HappeningType, text: str | None = None) -> None:
        happening = Happening(kind, self._session_id, self._agent, self._venue, self._context, text)
        async_dispatcher_send(self._hass, SIGNAL_HAPPENING, happening)

    def _log(self, kind: OccurrenceType, more: Mapping[str, Any] | None = None) -> None:
        agent = self._agent.async_entity_id(self._hass)
        data = {
            ATTR_ACTIVITY: kind.value,
            ATTR_NAME: self._venue.title,
            # Where there is no satellite, it is found with the agent.
            ATTR_ENTITY_ID: self._venue.async_entity_id(self._hass) or agent,
            "agent": agent,
            "session_id": self._session_id,
            **(more or {}),
        }
        self._hass.bus.async_fire(EVENT_ACTIVITY, data, context=self._context)


def target_of(arguments: str) -> str | None:
    """What a tool was used on, in words, as far as its arguments say; nothing else of them is for the logbook."""
    try:
        given = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(given, dict):
        return None
    things = _words(given, "name", "entity_id") or _words(given, "device_class", "domain")
    places = _words(given, "area", "floor") or _words(given, "area_id", "floor_id")
    target = f"{things or 'everything'} in {places}" if places else things
    return target[:_MAX_TARGET_CHARS] or None


def _words(given: Mapping[str, Any], *keys: str) -> str:
    """The first of these arguments that is given, as words."""
    for key in keys:
        value = given.get(key)
        names = value if isinstance(value, list) else [value]
        if words := ", ".join(name for name in names if isinstance(name, str) and name):
            return words
    return ""
