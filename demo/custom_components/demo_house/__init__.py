"""A house to talk to: lights, blinds, a lock, heating, music and sensors, all of them made up and all of them alive."""

import probatio
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .const import BEDROOM, DOMAIN, EVENT_SPEAK, KITCHEN, LIVING_ROOM
from .rooms import Room

type Rooms = dict[str, Room]
type DemoHouseConfigEntry = ConfigEntry[Rooms]

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
PLATFORMS = [Platform.CLIMATE, Platform.COVER, Platform.LIGHT, Platform.LOCK, Platform.MEDIA_PLAYER, Platform.SENSOR]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the house's action."""

    @callback
    def speak(call: ServiceCall) -> None:
        hass.bus.async_fire(EVENT_SPEAK, {"text": call.data["text"]}, context=call.context)

    hass.services.async_register(DOMAIN, "speak", speak, probatio.Schema({probatio.Required("text"): cv.string}))
    return True


async def async_setup_entry(hass: HomeAssistant, entry: DemoHouseConfigEntry) -> bool:
    """Build the house."""
    entry.runtime_data = {KITCHEN: Room(20.5, 48), LIVING_ROOM: Room(21.0, 43), BEDROOM: Room(18.5, 51)}
    entry.runtime_data[LIVING_ROOM].target_c = 21.0
    for room in entry.runtime_data.values():
        entry.async_on_unload(room.async_start(hass))
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: DemoHouseConfigEntry) -> bool:
    """Take the house down."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
