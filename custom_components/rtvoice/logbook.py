"""What the logbook says of sessions, and of what was done in them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.components.logbook.const import (
    LOGBOOK_ENTRY_ENTITY_ID,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.components.logbook.models import LazyEventPartialState
from homeassistant.const import ATTR_ENTITY_ID, ATTR_NAME
from homeassistant.core import Event, HomeAssistant, callback

from .bridge.occurrences import OccurrenceType
from .const import ATTR_ACTIVITY, ATTR_IN_WRITING, ATTR_TARGET, ATTR_TOOL, DOMAIN, EVENT_ACTIVITY

type Described = Callable[[LazyEventPartialState], dict[str, Any]]

_DEEDS: Final[Mapping[str, str]] = {
    "HassTurnOn": "turned on",
    "HassTurnOff": "turned off",
    "HassToggle": "toggled",
    "HassLightSet": "adjusted",
    "HassSetPosition": "moved",
    "HassClimateSetTemperature": "set the temperature of",
    "HassSetVolume": "set the volume of",
    "HassMediaPause": "paused",
    "HassMediaUnpause": "resumed",
    "HassMediaNext": "skipped ahead on",
    "HassMediaPrevious": "went back on",
    "HassMediaSearchAndPlay": "played something on",
    "HassVacuumStart": "started",
    "HassVacuumReturnToBase": "sent home",
    "HassListAddItem": "added to",
    "HassListCompleteItem": "ticked off in",
}
"""What Assist's tools do, as one says it."""


@callback
def async_describe_events(hass: HomeAssistant, async_describe_event: Callable[[str, str, Described], None]) -> None:
    """Describe our events to the logbook."""
    async_describe_event(DOMAIN, EVENT_ACTIVITY, async_describe_activity)


@callback
def async_describe_activity(event: LazyEventPartialState | Event) -> dict[str, Any]:
    """One entry."""
    data = event.data
    return {
        LOGBOOK_ENTRY_NAME: data.get(ATTR_NAME),
        LOGBOOK_ENTRY_MESSAGE: _message(data),
        LOGBOOK_ENTRY_ENTITY_ID: data.get(ATTR_ENTITY_ID),
    }


def _message(data: Mapping[str, Any]) -> str:
    match data.get(ATTR_ACTIVITY):
        case OccurrenceType.SESSION_STARTED:
            return "started a session"
        case OccurrenceType.SESSION_ENDED:
            return "ended a session"
        case OccurrenceType.TOOL_FAILED:
            return f"could not {_use(data)} ({_asked(data)})"
        case _:
            return f"{_deed(data)} ({_asked(data)})"


def _asked(data: Mapping[str, Any]) -> str:
    return "asked in writing" if data.get(ATTR_IN_WRITING) else "asked by voice"


def _deed(data: Mapping[str, Any]) -> str:
    verb, target = _DEEDS.get(_tool(data)), data.get(ATTR_TARGET)
    if verb and target:
        return f"{verb} {target}"
    return _use(data).replace("use", "used", 1)


def _use(data: Mapping[str, Any]) -> str:
    target = data.get(ATTR_TARGET)
    return f"use {_tool(data)} on {target}" if target else f"use {_tool(data)}"


def _tool(data: Mapping[str, Any]) -> str:
    """The tool without the integration that it comes from."""
    return str(data.get(ATTR_TOOL)).rpartition("__")[2]
