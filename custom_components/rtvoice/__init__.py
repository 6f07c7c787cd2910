"""Realtime Voice: agents that hear, act and speak."""

from typing import Final

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange
from homeassistant.const import EVENT_HOMEASSISTANT_STOP, Platform
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.typing import ConfigType

from .bridge import issues
from .bridge.devices import async_look_for_sound
from .bridge.errors import setup_failure
from .bridge.options import SatelliteOptions
from .bridge.provider import async_create_provider
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .const import DOMAIN, SUBENTRY_SATELLITE
from .engine.errors import EngineError
from .services import async_setup_services

PLATFORMS: Final = (
    Platform.ASSIST_SATELLITE,
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CONVERSATION,
    Platform.EVENT,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
)
CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up the actions; they exist also while no account is loaded."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: RtvoiceConfigEntry) -> bool:
    """Set up an account with its agents and satellites.

    Raises ConfigEntryAuthFailed when the key is refused, ConfigEntryError when the account cannot work as it is set,
    and ConfigEntryNotReady when the provider cannot be reached.
    """
    try:
        provider = async_create_provider(hass, entry.data)
        await provider.list_models()
    except EngineError as err:
        raise setup_failure(err) from err
    await provider.prewarm()
    satellites = entry.get_subentries_of_type(SUBENTRY_SATELLITE)
    devices = await async_look_for_sound(SatelliteOptions.read(satellite.data) for satellite in satellites)
    entry.runtime_data = runtime = Runtime(hass, entry, provider, devices)
    _async_report_sound(hass, runtime)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    _async_follow_subentries(hass, entry)
    _async_close_on_stop(hass, entry)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: RtvoiceConfigEntry) -> bool:
    """End all sessions and take the entities away."""
    await entry.runtime_data.async_close()
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: RtvoiceConfigEntry) -> None:
    """Take back what was said about an account that is gone."""
    issues.delete_quota_issue(hass, entry)
    for subentry in entry.get_subentries_of_type(SUBENTRY_SATELLITE):
        issues.delete_sound_issue(hass, subentry.subentry_id)


@callback
def _async_report_sound(hass: HomeAssistant, runtime: Runtime) -> None:
    for satellite in runtime.satellites.values():
        if satellite.problem is None:
            issues.delete_sound_issue(hass, satellite.subentry_id)
        else:
            issues.create_sound_issue(hass, satellite.problem, satellite.subentry_id, satellite.title)


@callback
def _async_follow_subentries(hass: HomeAssistant, entry: RtvoiceConfigEntry) -> None:
    """Reload when an agent or a satellite was added or removed.

    Flows reload the entry by themselves after they have changed one. Home Assistant does not after adding or removing,
    and an update listener would forbid the flows' reloading.
    """
    known = frozenset(entry.subentries)

    @callback
    def async_changed(change: ConfigEntryChange, changed: ConfigEntry) -> None:
        if change is not ConfigEntryChange.UPDATED or changed is not entry or known == frozenset(entry.subentries):
            return
        for gone in known.difference(entry.subentries):
            issues.delete_sound_issue(hass, gone)
        hass.config_entries.async_schedule_reload(entry.entry_id)

    entry.async_on_unload(async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, async_changed))


@callback
def _async_close_on_stop(hass: HomeAssistant, entry: RtvoiceConfigEntry) -> None:
    async def async_stop(event: Event) -> None:
        await entry.runtime_data.async_close()

    entry.async_on_unload(hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, async_stop))
