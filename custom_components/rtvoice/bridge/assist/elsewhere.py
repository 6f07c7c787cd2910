"""The venue of a session that an Assist pipeline carries."""

from dataclasses import dataclass
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .caller import Caller

_NOWHERE: Final = "Assist"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A satellite of another integration, a phone, or a page: whatever has started the pipeline."""

    title: str
    entity_id: str | None

    @callback
    def async_entity_id(self, hass: HomeAssistant) -> str | None:  # noqa: ARG002 - others look it up
        """The satellite's entity; None where somebody speaks to Assist in the app or in a browser."""
        return self.entity_id


@callback
def async_elsewhere(hass: HomeAssistant, caller: Caller) -> Elsewhere:
    """Where a caller is: named as the device, or else as the satellite."""
    device = dr.async_get(hass).async_get(caller.device_id) if caller.device_id else None
    satellite = hass.states.get(caller.satellite_id) if caller.satellite_id else None
    name = satellite.name if satellite is not None else _NOWHERE
    if device is not None:
        name = device.name_by_user or device.name or name
    return Elsewhere(name, caller.satellite_id)
