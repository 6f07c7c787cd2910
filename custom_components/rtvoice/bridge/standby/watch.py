"""Whether a wake word engine is there."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_state_change_event

from .. import issues
from ..places.site import Site
from .engine import async_engine

GRACE_S: Final = 120.0
"""An engine may be away for so long, while Home Assistant or an add-on starts, before the user is told."""


class EngineWatch:
    """Follows a wake word engine until it is closed: `changed` is called when it comes or goes.

    A repair issue says that it has been away for long, and is taken back when it is there again, or at the end.
    """

    def __init__(self, hass: HomeAssistant, entity_id: str, site: Site, changed: Callable[[], None]) -> None:
        self._hass = hass
        self._entity_id = entity_id
        self._site = site
        self._changed = changed
        self._waiting: CALLBACK_TYPE | None = None
        self._unwatch = async_track_state_change_event(hass, [entity_id], self._async_look)
        self._wait_or_not()

    def close(self) -> None:
        """Follow it no longer."""
        self._unwatch()
        self._relent()

    @callback
    def _async_look(self, _: Event[EventStateChangedData]) -> None:
        self._wait_or_not()
        self._changed()

    def _wait_or_not(self) -> None:
        if async_engine(self._hass, self._entity_id) is not None:
            self._relent()
        elif self._waiting is None:
            self._waiting = async_call_later(self._hass, GRACE_S, self._async_complain)

    def _relent(self) -> None:
        if self._waiting is not None:
            self._waiting()
            self._waiting = None
        issues.delete_wake_issue(self._hass, self._site.subentry_id)

    @callback
    def _async_complain(self, _: datetime) -> None:
        issues.create_wake_issue(self._hass, self._site.subentry_id, self._site.title, self._entity_id)
