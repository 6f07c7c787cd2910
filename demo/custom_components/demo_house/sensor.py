"""Thermometers and hygrometers."""

from typing import override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorStateClass
from homeassistant.const import PERCENTAGE, Platform, UnitOfTemperature
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import DemoHouseConfigEntry
from .entity import HouseEntity
from .rooms import Room


async def async_setup_entry(
    hass: HomeAssistant, entry: DemoHouseConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Hang up the instruments."""
    for area, room in entry.runtime_data.items():
        name = area.capitalize()
        async_add_entities(
            [HouseThermometer(f"{name} temperature", area, room), HouseHygrometer(f"{name} humidity", area, room)]
        )


class HouseThermometer(HouseEntity, SensorEntity):
    """The temperature of a room."""

    _attr_device_class = SensorDeviceClass.TEMPERATURE
    _attr_state_class = SensorStateClass.MEASUREMENT
    _attr_native_unit_of_measurement = UnitOfTemperature.CELSIUS
    _attr_suggested_display_precision = 1

    def __init__(self, name: str, area: str, room: Room) -> None:
        super().__init__(Platform.SENSOR, name, area)
        self._room = room

    @property
    @override
    def native_value(self) -> float:
        """Degrees."""
        return round(self._room.temperature_c, 1)

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the room."""
        self.async_on_remove(self._room.async_watch(self.async_write_ha_state))


class HouseHygrometer(HouseEntity, SensorEntity):
    """The humidity of a room."""

    _attr_device_class = SensorDeviceClass.HUMIDITY
    _attr_state_class = SensorStateClass.MEASUREMENT
    _attr_native_unit_of_measurement = PERCENTAGE

    def __init__(self, name: str, area: str, room: Room) -> None:
        super().__init__(Platform.SENSOR, name, area)
        self._attr_native_value = room.humidity
