"""The player."""

from typing import Any

from homeassistant.components.media_player import MediaPlayerEntity
from homeassistant.components.media_player.const import MediaPlayerEntityFeature, MediaPlayerState
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback


async def async_setup_entry(
    hass: HomeAssistant, entry: ConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Put it up."""
    async_add_entities([FarPlayer(entry.data["url"])])


class FarPlayer(MediaPlayerEntity):
    """Passes on what it is told, as players in the network do."""

    _attr_name = "Far player"
    _attr_should_poll = False
    _attr_state = MediaPlayerState.IDLE
    _attr_supported_features = (
        MediaPlayerEntityFeature.PLAY_MEDIA | MediaPlayerEntityFeature.MEDIA_ANNOUNCE | MediaPlayerEntityFeature.STOP
    )

    def __init__(self, url: str) -> None:
        self._url = self._attr_unique_id = url

    async def async_play_media(self, media_type: str, media_id: str, **kwargs: Any) -> None:
        """Have it fetch."""
        await self._tell("play", media_id)

    async def async_media_stop(self) -> None:
        """Have it stop."""
        await self._tell("stop", "")

    async def _tell(self, what: str, url: str) -> None:
        async with async_get_clientsession(self.hass).post(f"{self._url}/{what}", data=url) as answer:
            answer.raise_for_status()
