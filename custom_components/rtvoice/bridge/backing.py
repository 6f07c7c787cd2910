"""What stands behind a session beside its provider: who steps in, what it may cost, where it is recorded."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..const import CONF_FALLBACK, DOMAIN
from .budget import left_usd
from .ledger import Ledger
from .parties import Agent
from .provider import Provider
from .recordings import async_recording_path
from .venue import Venue


@dataclass(frozen=True, slots=True)
class Backing:
    """Means of a session that are not the agent's persona."""

    fallbacks: tuple[Provider, ...] = ()
    budget_usd: Decimal | None = None
    """What the session may cost; None: any amount."""
    recording_path: Path | None = None


@callback
def async_backing(hass: HomeAssistant, agent: Agent, ledger: Ledger, *, recorded_at: Venue | None = None) -> Backing:
    """The backing of a session of `agent` that begins now, with a recording if it is said where that is made.

    Raises ServiceValidationError where it should be recorded and cannot.
    """
    path = async_recording_path(hass, recorded_at.title, dt_util.now()) if recorded_at is not None else None
    budget_usd = left_usd(agent.options, ledger.of(agent.subentry_id))
    return Backing(_stand_ins(hass, agent), budget_usd, path)


@callback
def async_stand_in(hass: HomeAssistant, agent: Agent) -> ConfigEntry[Any] | None:
    """The account that the agent names to stand in for its own, if it is loaded now."""
    entry_id = agent.subentry.data.get(CONF_FALLBACK)
    entry = hass.config_entries.async_get_entry(entry_id) if entry_id else None
    if entry is None or entry.domain != DOMAIN or entry is agent.entry or entry.state is not ConfigEntryState.LOADED:
        return None
    return entry


@callback
def _stand_ins(hass: HomeAssistant, agent: Agent) -> tuple[Provider, ...]:
    if (entry := async_stand_in(hass, agent)) is None:
        return ()
    provider: Provider = entry.runtime_data.provider
    return (provider,)
