"""What all things in the demo house have in common."""

from homeassistant.const import Platform
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity

from .const import DOMAIN


class HouseEntity(Entity):
    """The only entity of a thing that stands in an area."""

    _attr_has_entity_name = True
    _attr_name = None
    _attr_should_poll = False

    def __init__(self, platform: Platform, name: str, area: str) -> None:
        key = name.lower().replace(" ", "_")
        # Home Assistant's own choice would name the area twice.
        self.entity_id = f"{platform}.{key}"
        self._attr_unique_id = key
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, key)},
            manufacturer="Demo house",
            name=name,
            suggested_area=area,
        )
