"""Lights that can be dimmed."""

from typing import Any, override

from homeassistant.components.light import LightEntity
from homeassistant.components.light.const import ATTR_BRIGHTNESS, ColorMode
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import DemoHouseConfigEntry
from .const import BEDROOM, HALL, KITCHEN, LIVING_ROOM
from .entity import HouseEntity


async def async_setup_entry(
    hass: HomeAssistant, entry: DemoHouseConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Hang the lights."""
    async_add_entities(
        [
            HouseLight("Kitchen light", KITCHEN),
            HouseLight("Living room light", LIVING_ROOM),
            HouseLight("Living room lamp", LIVING_ROOM, is_on=True),
            HouseLight("Bedroom light", BEDROOM),
            HouseLight("Hall light", HALL),
        ]
    )


class HouseLight(HouseEntity, LightEntity):
    """A light."""

    _attr_color_mode = ColorMode.BRIGHTNESS
    _attr_supported_color_modes = {ColorMode.BRIGHTNESS}  # noqa: RUF012  # as Home Assistant declares it

    def __init__(self, name: str, area: str, *, is_on: bool = False) -> None:
        super().__init__(Platform.LIGHT, name, area)
        self._attr_is_on = is_on
        self._attr_brightness = 180

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Turn on, as bright as before or as told."""
        self._attr_brightness = kwargs.get(ATTR_BRIGHTNESS, self._attr_brightness)
        self._attr_is_on = True
        self.async_write_ha_state()

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Turn off."""
        self._attr_is_on = False
        self.async_write_ha_state()
