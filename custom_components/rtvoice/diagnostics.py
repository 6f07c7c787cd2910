"""What may be shown to others when something does not work: no keys, no instructions, nothing that was said."""

from collections.abc import Mapping
from importlib import metadata
from typing import Any, Final

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_API_KEY, CONF_DESCRIPTION, CONF_HEADERS, CONF_URL
from homeassistant.const import __version__ as home_assistant_version
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration
from yarl import URL

from .bridge.runtime import RtvoiceConfigEntry
from .const import (
    CONF_ARGUMENTS,
    CONF_AUTHORIZATION,
    CONF_BASE_URL,
    CONF_ENVIRONMENT,
    CONF_HOLDING,
    CONF_INSTRUCTIONS,
    CONF_PIN,
    CONF_RESOURCE,
    DOMAIN,
)
from .engine.devices import AudioDevice, list_devices

_SECRET: Final = {
    CONF_API_KEY,
    CONF_ARGUMENTS,
    CONF_AUTHORIZATION,
    CONF_DESCRIPTION,
    CONF_ENVIRONMENT,
    CONF_HEADERS,
    CONF_HOLDING,
    CONF_INSTRUCTIONS,
    CONF_PIN,
}
_PACKAGES: Final = ("aiohttp", "mcp", "numpy", "openai", "pasimple", "pulsectl", "pydantic", "sounddevice")


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: RtvoiceConfigEntry) -> dict[str, Any]:
    """The account, its agents and satellites, the sound card, and what they are doing."""
    integration = await async_get_integration(hass, DOMAIN)
    packages = await hass.async_add_executor_job(_package_versions)
    return {
        "versions": {"rtvoice": str(integration.version), "home_assistant": home_assistant_version, **packages},
        "entry": _entry(entry),
        "devices": await _async_devices(),
        "runtime": entry.runtime_data.diagnostics() if entry.state is ConfigEntryState.LOADED else None,
    }


def _entry(entry: ConfigEntry[Any]) -> dict[str, Any]:
    return {
        "version": f"{entry.version}.{entry.minor_version}",
        "state": entry.state.value,
        "data": _redacted(entry.data),
        "options": _redacted(entry.options),
        "subentries": [
            {
                "subentry_id": subentry.subentry_id,
                "subentry_type": subentry.subentry_type,
                "data": _redacted(subentry.data),
            }
            for subentry in entry.subentries.values()
        ],
    }


def _redacted(data: Mapping[str, Any]) -> dict[str, Any]:
    """Without secrets, and without what an address may carry besides server and path."""
    redacted = async_redact_data(dict(data), _SECRET)
    for place in (CONF_BASE_URL, CONF_RESOURCE, CONF_URL):
        address = redacted.get(place)
        if isinstance(address, str) and "://" in address:
            # Some MCP servers are reached by a path that nobody else knows.
            redacted[place] = _address(address, with_path=place != CONF_URL)
    return redacted


def _address(address: str, *, with_path: bool) -> str:
    try:
        url = URL(address).with_user(None).with_query(None).with_fragment(None)
        return str(url if with_path else url.origin())
    except ValueError:
        return REDACTED


async def _async_devices() -> dict[str, Any]:
    devices = await list_devices()
    return {
        "problem": devices.problem,
        "inputs": [_device(device) for device in devices.inputs],
        "outputs": [_device(device) for device in devices.outputs],
    }


def _device(device: AudioDevice) -> dict[str, Any]:
    return {"name": device.name}


def _package_versions() -> dict[str, str | None]:
    """Looks at the disk."""
    return {name: _package_version(name) for name in _PACKAGES}


def _package_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
