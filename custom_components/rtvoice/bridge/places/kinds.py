"""The kinds of places that there are; a new kind is a row here, a module beside this one, and a step of the flow."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from ...const import CONF_KIND, KIND_LOCAL, KIND_WYOMING
from ...engine.devices import AudioDevices, list_devices
from .local import LocalPlace
from .place import Place
from .site import Site
from .wyoming import WyomingPlace

KINDS: Final[Mapping[str, type[Place]]] = {
    KIND_LOCAL: LocalPlace,
    KIND_WYOMING: WyomingPlace,
}


def kind_of(data: Mapping[str, Any]) -> str:
    """The kind of a satellite with these options; those of the first days do not say it."""
    return str(data.get(CONF_KIND) or KIND_LOCAL)


def is_known(satellite: ConfigSubentry) -> bool:
    """Whether this version knows a satellite's kind."""
    return kind_of(satellite.data) in KINDS


def make_place(hass: HomeAssistant, site: Site, sound: AudioDevices, changed: Callable[[], None]) -> Place:
    """The place of a satellite whose kind is known."""
    return KINDS[kind_of(site.subentry.data)](hass, site, sound, changed)


async def async_look_for_sound(satellites: Iterable[ConfigSubentry]) -> AudioDevices:
    """What this machine has to hear and speak with; not looked for where no satellite needs it."""
    if any(
        KINDS[kind_of(satellite.data)].needs_sound(satellite.data) for satellite in satellites if is_known(satellite)
    ):
        return await list_devices()
    return AudioDevices()
