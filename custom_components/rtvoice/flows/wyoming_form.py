"""The fields of a Wyoming satellite."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import probatio
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)

from ..bridge.wyoming.discovery import Announced, async_announced
from ..bridge.wyoming.probe import Finding, async_probe
from .number import Number

DEFAULT_PORT: Final = 10_700
_MAX_PORT: Final = 65_535

_ERRORS: Final = {Finding.OTHER: "no_satellite", Finding.NOBODY: "satellite_unreachable"}

type Fields = dict[probatio.Marker, object]


async def async_wyoming_fields(hass: HomeAssistant) -> Fields:
    """The form's own fields, with those to choose from that have announced themselves."""
    return wyoming_fields(await async_announced(hass))


def wyoming_fields(announced: Sequence[Announced] = ()) -> Fields:
    """The form's own fields."""
    port = Number(NumberSelectorConfig(min=1, max=_MAX_PORT, mode=NumberSelectorMode.BOX))
    return {probatio.Required(CONF_HOST): _hosts(announced), probatio.Required(CONF_PORT, default=DEFAULT_PORT): port}


def read_wyoming(filled_in: Mapping[str, Any]) -> dict[str, Any]:
    """As it was filled in; a port that follows the host is the port."""
    options = dict(filled_in)
    host, colon, port = str(options.get(CONF_HOST, "")).rpartition(":")
    if colon and ":" not in host and port.isdecimal() and 1 <= int(port) <= _MAX_PORT:
        options |= {CONF_HOST: host, CONF_PORT: int(port)}
    return options


async def async_wyoming_errors(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, str]:  # noqa: ARG001 - as others
    """What is wrong with the address: it is missing, nobody is there, or no satellite."""
    if CONF_HOST not in options:
        return {CONF_HOST: "field_required"}
    finding = await async_probe(options[CONF_HOST], int(options[CONF_PORT]))
    return {CONF_HOST: _ERRORS[finding]} if finding in _ERRORS else {}


def _hosts(announced: Sequence[Announced]) -> TextSelector | SelectSelector:
    if not announced:
        return TextSelector()
    options = [
        SelectOptionDict(value=f"{one.host}:{one.port}", label=f"{one.name} ({one.host}:{one.port})")
        for one in announced
    ]
    return SelectSelector(SelectSelectorConfig(options=options, custom_value=True, mode=SelectSelectorMode.DROPDOWN))
