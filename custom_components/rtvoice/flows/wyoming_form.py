"""The fields of a Wyoming satellite."""

from collections.abc import Mapping
from typing import Any, Final

import probatio
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import NumberSelector, NumberSelectorConfig, NumberSelectorMode, TextSelector

from ..bridge.wyoming.probe import Finding, async_probe

DEFAULT_PORT: Final = 10_700

_ERRORS: Final = {Finding.OTHER: "no_satellite", Finding.NOBODY: "satellite_unreachable"}

type Fields = dict[probatio.Marker, object]


async def async_wyoming_fields(hass: HomeAssistant) -> Fields:  # noqa: ARG001 - as others
    """The form's own fields, for which nothing has to be looked up."""
    return wyoming_fields()


def wyoming_fields() -> Fields:
    """The form's own fields."""
    port = NumberSelector(NumberSelectorConfig(min=1, max=65_535, mode=NumberSelectorMode.BOX))
    return {probatio.Required(CONF_HOST): TextSelector(), probatio.Required(CONF_PORT, default=DEFAULT_PORT): port}


async def async_wyoming_errors(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, str]:  # noqa: ARG001 - as others
    """What is wrong with the address: nobody is there, or no satellite."""
    finding = await async_probe(options[CONF_HOST], int(options[CONF_PORT]))
    return {CONF_HOST: _ERRORS[finding]} if finding in _ERRORS else {}
