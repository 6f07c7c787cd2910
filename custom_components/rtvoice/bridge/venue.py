"""Where a session takes place."""

from typing import Protocol

from homeassistant.core import HomeAssistant, callback


class Venue(Protocol):
    """A place as people and automations know it: a satellite of ours or of others, or no satellite at all."""

    @property
    def title(self) -> str:
        """Its name."""

    @callback
    def async_entity_id(self, hass: HomeAssistant) -> str | None:
        """The satellite's entity; None where there is none."""
