"""Realtime Voice: agents that hear, act and speak."""

from datetime import datetime
from typing import Final

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange
from homeassistant.const import Platform
from homeassistant.core import HassJob, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_track_time_change
from homeassistant.helpers.typing import ConfigType

from .bridge import issues
from .bridge.browser.view import async_setup_view
from .bridge.budget import async_report_budget
from .bridge.chronicle import async_forget_chronicle
from .bridge.errors import setup_failure
from .bridge.ledger import Ledger
from .bridge.places.kinds import async_look_for_sound
from .bridge.player.view import async_setup_view as async_setup_speech_view
from .bridge.provider import async_create_provider
from .bridge.retirement import retiring_models
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .bridge.transcripts import async_sweep
from .card import async_setup_card
from .config_flow import RtvoiceConfigFlow
from .const import DOMAIN, SUBENTRY_MCP_SERVER, SUBENTRY_SATELLITE
from .engine.errors import EngineError
from .services import async_setup_services
from .websocket_api import async_setup_websocket_api

PLATFORMS: Final = (
    Platform.ASSIST_SATELLITE,
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CONVERSATION,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.STT,
    Platform.SWITCH,
    Platform.TTS,
)
CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what exists also while no account is loaded: the actions, what clients and players call, and the card."""
    async_setup_services(hass)
    async_setup_websocket_api(hass)
    async_setup_view(hass)
    async_setup_speech_view(hass)
    await async_setup_card(hass)
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
    ledger = Ledger(hass, entry.entry_id)
    await ledger.async_load()
    satellites = entry.get_subentries_of_type(SUBENTRY_SATELLITE)
    sound = await async_look_for_sound(satellites)
    entry.runtime_data = runtime = Runtime(hass, entry, provider, sound, ledger)
    _async_report_sound(hass, runtime)
    _async_report_agents(hass, runtime)
    await async_sweep(hass)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    runtime.open()
    _async_follow_subentries(hass, entry)
    _async_follow_days(hass, entry)
    _async_close_on_stop(hass, entry)
    _async_warm_up(hass, entry)
    return True


async def async_migrate_entry(hass: HomeAssistant, entry: RtvoiceConfigEntry) -> bool:
    """Bring an entry of an earlier version up to the present one.

    One of a later minor version holds nothing that this version could not do without, and stays as it is.
    """
    if entry.minor_version < RtvoiceConfigFlow.MINOR_VERSION:
        # What an option that is missing means has not changed so far, so there is nothing to rewrite.
        hass.config_entries.async_update_entry(entry, minor_version=RtvoiceConfigFlow.MINOR_VERSION)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: RtvoiceConfigEntry) -> bool:
    """End all sessions and take the entities away."""
    await entry.runtime_data.async_close()
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: RtvoiceConfigEntry) -> None:
    """Take back what was said about an account that is gone."""
    issues.delete_quota_issue(hass, entry)
    for subentry_id in entry.subentries:
        async_forget_chronicle(hass, subentry_id)
        issues.delete_subentry_issues(hass, subentry_id)
    await Ledger(hass, entry.entry_id).async_remove()
    await async_sweep(hass)


@callback
def _async_report_sound(hass: HomeAssistant, runtime: Runtime) -> None:
    for satellite in runtime.satellites.values():
        if (problem := satellite.place.problem) is None:
            issues.delete_sound_issue(hass, satellite.subentry_id)
        else:
            issues.create_sound_issue(hass, problem, satellite.subentry_id, satellite.title)


@callback
def _async_report_agents(hass: HomeAssistant, runtime: Runtime) -> None:
    """Tell of agents that are about to cost too much, or whose model is about to go."""
    for agent in runtime.agents.values():
        async_report_budget(hass, agent, runtime.ledger)
        retiring = retiring_models(runtime.entry.data, agent.subentry.data)
        if not retiring:
            issues.delete_retirement_issue(hass, agent.subentry_id)
            continue
        model, day = next(iter(retiring.items()))
        issues.create_retirement_issue(hass, agent.subentry_id, agent.title, model, day)


@callback
def _async_follow_days(hass: HomeAssistant, entry: RtvoiceConfigEntry) -> None:
    """Begin every day with what it has cost so far: nothing."""

    @callback
    def async_new_day(now: datetime) -> None:
        runtime = entry.runtime_data
        _async_report_agents(hass, runtime)
        for agent in runtime.agents.values():
            agent.activity.changed()
        entry.async_create_task(hass, async_sweep(hass), f"{DOMAIN} old transcripts")

    entry.async_on_unload(async_track_time_change(hass, async_new_day, hour=0, minute=0, second=0))


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
            async_forget_chronicle(hass, gone)
            issues.delete_subentry_issues(hass, gone)
            entry.runtime_data.ledger.forget(gone)
        hass.config_entries.async_schedule_reload(entry.entry_id)

    entry.async_on_unload(async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, async_changed))


@callback
def _async_warm_up(hass: HomeAssistant, entry: RtvoiceConfigEntry) -> None:
    """Have the agents' servers ready for the first session, which does not wait long for them."""
    if servers := list(entry.get_subentries_of_type(SUBENTRY_MCP_SERVER)):
        warming = entry.runtime_data.servers.async_warm_up(servers)
        entry.async_create_background_task(hass, warming, f"{DOMAIN} servers of {entry.title}")


@callback
def _async_close_on_stop(hass: HomeAssistant, entry: RtvoiceConfigEntry) -> None:
    """End sessions in good order: when Home Assistant tells that it stops, it has cancelled their tasks already."""
    entry.async_on_unload(hass.async_add_shutdown_job(HassJob(entry.runtime_data.async_close)))
