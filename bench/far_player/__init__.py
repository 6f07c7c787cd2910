"""A media player elsewhere: it is told by HTTP what to fetch."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant


async def async_setup_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Put the player up."""
    await hass.config_entries.async_forward_entry_setups(entry, ["media_player"])
    return True
