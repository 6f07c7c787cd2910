"""Word of changes in the house that change what an agent can do."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from homeassistant.components.homeassistant.exposed_entities import async_listen_entity_updates
from homeassistant.const import EVENT_SERVICE_REGISTERED, EVENT_SERVICE_REMOVED
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.debounce import Debouncer

_LOGGER = logging.getLogger(__name__)

COOLDOWN_S: Final = 1.0
"""How long changes are collected."""

_EVENTS: Final = (
    er.EVENT_ENTITY_REGISTRY_UPDATED,
    ar.EVENT_AREA_REGISTRY_UPDATED,
    dr.EVENT_DEVICE_REGISTRY_UPDATED,
    EVENT_SERVICE_REGISTERED,
    EVENT_SERVICE_REMOVED,
)


@callback
def async_follow_changes(
    hass: HomeAssistant, assistant: str, changed: Callable[[], Coroutine[Any, Any, None]]
) -> CALLBACK_TYPE:
    """Call `changed` soon after entities, areas, actions or what is exposed to an assistant have changed.

    Returns how to end that.
    """
    debouncer = Debouncer(hass, _LOGGER, cooldown=COOLDOWN_S, immediate=False, function=changed, background=True)

    @callback
    def async_event(event: Event[Any]) -> None:  # noqa: ARG001 - the signature of a listener
        debouncer.async_schedule_call()

    unsubscribes = [hass.bus.async_listen(event_type, async_event) for event_type in _EVENTS]
    unsubscribes.append(async_listen_entity_updates(hass, assistant, debouncer.async_schedule_call))

    @callback
    def async_end() -> None:
        for unsubscribe in unsubscribes:
            unsubscribe()
        debouncer.async_shutdown()

    return async_end
