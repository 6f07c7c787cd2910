"""The front door."""

from typing import Any, override

from homeassistant.components.lock import LockEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import DemoHouseConfigEntry
from .const import HALL
from .entity import HouseEntity


async def async_setup_entry(
    hass: HomeAssistant, entry: DemoHouseConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Fit the lock."""
    async_add_entities([HouseLock(Platform.LOCK, "Front door", HALL)])


class HouseLock(HouseEntity, LockEntity):
    """A lock."""

    _attr_is_locked = True

    @override
    async def async_lock(self, **kwargs: Any) -> None:
        """Lock the door."""
        self._attr_is_locked = True
        self.async_write_ha_state()

    @override
    async def async_unlock(self, **kwargs: Any) -> None:
        """Unlock the door."""
        self._attr_is_locked = False
        self.async_write_ha_state()
