"""The kinds of places that there are; a new kind is a row here, a module beside this one, and a step of the flow."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from ...const import KIND_BROWSER, KIND_LOCAL, KIND_WYOMING
from ...engine.devices import AudioDevices, list_devices
from ..options import SatelliteOptions
from .browser import BrowserPlace
from .local import LocalPlace
from .place import Place
from .site import Site
from .wyoming import WyomingPlace

KINDS: Final[Mapping[str, type[Place]]] = {
    KIND_LOCAL: LocalPlace,
    KIND_BROWSER: BrowserPlace,
    KIND_WYOMING: WyomingPlace,
}


def is_known(satellite: ConfigSubentry) -> bool:
    """Whether this version knows a satellite's kind."""
    return _kind(satellite) in KINDS


def make_place(hass: HomeAssistant, site: Site, sound: AudioDevices, changed: Callable[[], None]) -> Place:
    """The place of a satellite whose kind is known."""
    return KINDS[_kind(site.subentry)](hass, site, sound, changed)


async def async_look_for_sound(satellites: Iterable[ConfigSubentry]) -> AudioDevices:
    """What this machine has to hear and speak with; not looked for where no satellite needs it."""
    if any(KINDS[_kind(satellite)].needs_sound(satellite.data) for satellite in satellites if is_known(satellite)):
        return await list_devices()
    return AudioDevices()


def _kind(satellite: ConfigSubentry) -> str:
    return SatelliteOptions.read(satellite.data).kind
