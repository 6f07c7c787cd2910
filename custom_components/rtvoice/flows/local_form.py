"""The fields of a satellite at a sound card of this machine."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import probatio
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import SelectSelector, SelectSelectorConfig, SelectSelectorMode

from ..const import CONF_INPUT, CONF_OUTPUT, FILE_PREFIX
from ..engine.devices import list_devices
from .wake_form import async_offered_wake_words, async_wake_errors, wake_fields


async def async_local_fields(hass: HomeAssistant) -> dict[probatio.Marker, object]:
    """The form's own fields, with the devices that there are now."""
    devices = await list_devices()
    inputs, outputs = ([device.name for device in side] for side in (devices.inputs, devices.outputs))
    return local_fields(inputs, outputs) | wake_fields(await async_offered_wake_words(hass))


def local_fields(inputs: Iterable[str], outputs: Iterable[str]) -> dict[probatio.Marker, object]:
    """The fields of these devices, given by name."""
    return {
        probatio.Optional(CONF_INPUT): _device_selector(inputs),
        probatio.Optional(CONF_OUTPUT): _device_selector(outputs),
    }


async def async_local_errors(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with files named as devices, and with the wake word."""
    wrong = await hass.async_add_executor_job(_file_errors, hass, options)
    return wrong | await async_wake_errors(hass, options)


def _device_selector(names: Iterable[str]) -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(options=list(dict.fromkeys(names)), custom_value=True, mode=SelectSelectorMode.DROPDOWN)
    )


def _file_errors(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, str]:
    """Looks at the disk."""
    errors = {}
    for field in (CONF_INPUT, CONF_OUTPUT):
        device = options.get(field, "")
        if not device.startswith(FILE_PREFIX):
            continue
        path = Path(device.removeprefix(FILE_PREFIX))
        if not path.is_absolute() or not hass.config.is_allowed_path(str(path)):
            errors[field] = "path_not_allowed"
        elif not _can_be_opened(path, field):
            errors[field] = "file_not_found"
    return errors


def _can_be_opened(path: Path, field: str) -> bool:
    """A microphone must be there already; for a speaker a file will be made in its folder."""
    return path.is_file() if field == CONF_INPUT else path.parent.is_dir() and not path.is_dir()
