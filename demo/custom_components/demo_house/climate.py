"""The heating of the living room."""

from typing import Any, override

from homeassistant.components.climate import ClimateEntity
from homeassistant.components.climate.const import ClimateEntityFeature, HVACAction, HVACMode
from homeassistant.const import ATTR_TEMPERATURE, Platform, UnitOfTemperature
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import DemoHouseConfigEntry
from .const import LIVING_ROOM
from .entity import HouseEntity
from .rooms import Room


async def async_setup_entry(
    hass: HomeAssistant, entry: DemoHouseConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Fit the thermostat."""
    async_add_entities([HouseThermostat("Living room thermostat", LIVING_ROOM, entry.runtime_data[LIVING_ROOM])])


class HouseThermostat(HouseEntity, ClimateEntity):
    """A thermostat that heats its room."""

    _attr_hvac_modes = [HVACMode.HEAT, HVACMode.OFF]  # noqa: RUF012  # as Home Assistant declares it
    _attr_native_temperature_unit = UnitOfTemperature.CELSIUS
    _attr_target_temperature_step = 0.5
    _attr_supported_features = (
        ClimateEntityFeature.TARGET_TEMPERATURE | ClimateEntityFeature.TURN_ON | ClimateEntityFeature.TURN_OFF
    )

    def __init__(self, name: str, area: str, room: Room) -> None:
        super().__init__(Platform.CLIMATE, name, area)
        self._room = room
        self._attr_hvac_mode = HVACMode.HEAT
        self._attr_native_target_temperature = 21.0
        self._show()

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the room."""
        self.async_on_remove(self._room.async_watch(self._write))

    @override
    async def async_set_temperature(self, **kwargs: Any) -> None:
        """Heat to this temperature."""
        self._attr_native_target_temperature = kwargs[ATTR_TEMPERATURE]
        self._write()

    @override
    async def async_set_hvac_mode(self, hvac_mode: HVACMode) -> None:
        """Turn the heating on or off."""
        self._attr_hvac_mode = hvac_mode
        self._write()

    @override
    async def async_turn_on(self) -> None:
        """Turn the heating on."""
        await self.async_set_hvac_mode(HVACMode.HEAT)

    @override
    async def async_turn_off(self) -> None:
        """Turn the heating off."""
        await self.async_set_hvac_mode(HVACMode.OFF)

    def _write(self) -> None:
        self._show()
        self.async_write_ha_state()

    def _show(self) -> None:
        heats = self._attr_hvac_mode is HVACMode.HEAT
        self._room.target_c = self._attr_native_target_temperature if heats else None
        self._attr_native_current_temperature = round(self._room.temperature_c, 1)
        cold = self._room.temperature_c < (self._room.target_c or 0.0) - 0.05
        self._attr_hvac_action = HVACAction.OFF if not heats else HVACAction.HEATING if cold else HVACAction.IDLE
