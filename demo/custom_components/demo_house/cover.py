"""Blinds and a garage door, which take their time."""

from datetime import datetime
from typing import Any, override

from homeassistant.components.cover import ATTR_POSITION, CoverDeviceClass, CoverEntity, CoverEntityFeature
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_call_later

from . import DemoHouseConfigEntry
from .const import GARAGE, LIVING_ROOM
from .entity import HouseEntity

STEP_S = 0.2
STEP_PERCENT = 10


async def async_setup_entry(
    hass: HomeAssistant, entry: DemoHouseConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Hang the blinds and the door."""
    async_add_entities(
        [
            HouseCover("Living room blinds", LIVING_ROOM, CoverDeviceClass.BLIND),
            HouseCover("Garage door", GARAGE, CoverDeviceClass.GARAGE),
        ]
    )


class HouseCover(HouseEntity, CoverEntity):
    """A cover that moves step by step."""

    _attr_supported_features = (
        CoverEntityFeature.OPEN | CoverEntityFeature.CLOSE | CoverEntityFeature.STOP | CoverEntityFeature.SET_POSITION
    )

    def __init__(self, name: str, area: str, device_class: CoverDeviceClass) -> None:
        super().__init__(Platform.COVER, name, area)
        self._attr_device_class = device_class
        self._position = 0
        self._goal = 0
        self._cancel_step: CALLBACK_TYPE | None = None
        self._show()

    @override
    async def async_open_cover(self, **kwargs: Any) -> None:
        """Open it all the way."""
        self._move_to(100)

    @override
    async def async_close_cover(self, **kwargs: Any) -> None:
        """Close it all the way."""
        self._move_to(0)

    @override
    async def async_set_cover_position(self, **kwargs: Any) -> None:
        """Open it so far."""
        self._move_to(kwargs[ATTR_POSITION])

    @override
    async def async_stop_cover(self, **kwargs: Any) -> None:
        """Leave it where it is."""
        self._move_to(self._position)

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Forget the next step."""
        if self._cancel_step is not None:
            self._cancel_step()

    @callback
    def _move_to(self, goal: int) -> None:
        self._goal = goal
        self._show()
        self.async_write_ha_state()
        if self._cancel_step is None and self._goal != self._position:
            self._cancel_step = async_call_later(self.hass, STEP_S, self._step)

    @callback
    def _step(self, _now: datetime) -> None:
        self._cancel_step = None
        way = self._goal - self._position
        self._position += max(-STEP_PERCENT, min(STEP_PERCENT, way))
        self._move_to(self._goal)

    def _show(self) -> None:
        self._attr_current_cover_position = self._position
        self._attr_is_closed = self._position == 0
        self._attr_is_opening = self._goal > self._position
        self._attr_is_closing = self._goal < self._position
