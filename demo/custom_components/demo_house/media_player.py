"""The radio in the living room."""

from typing import override

from homeassistant.components.media_player import MediaPlayerEntity
from homeassistant.components.media_player.const import (
    MediaPlayerDeviceClass,
    MediaPlayerEntityFeature,
    MediaPlayerState,
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import DemoHouseConfigEntry
from .const import LIVING_ROOM
from .entity import HouseEntity

SONGS = (("Morning in the Hills", "The Larks"), ("Low Tide", "Harbour Quartet"), ("Night Train", "The Larks"))


async def async_setup_entry(
    hass: HomeAssistant, entry: DemoHouseConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Put up the radio."""
    async_add_entities([HouseRadio("Living room radio", LIVING_ROOM)])


class HouseRadio(HouseEntity, MediaPlayerEntity):
    """A media player with three songs."""

    _attr_device_class = MediaPlayerDeviceClass.SPEAKER
    _attr_state = MediaPlayerState.PAUSED
    _attr_volume_level = 0.4
    _attr_is_volume_muted = False
    _attr_supported_features = (
        MediaPlayerEntityFeature.PLAY
        | MediaPlayerEntityFeature.PAUSE
        | MediaPlayerEntityFeature.STOP
        | MediaPlayerEntityFeature.NEXT_TRACK
        | MediaPlayerEntityFeature.PREVIOUS_TRACK
        | MediaPlayerEntityFeature.VOLUME_SET
        | MediaPlayerEntityFeature.VOLUME_STEP
        | MediaPlayerEntityFeature.VOLUME_MUTE
        | MediaPlayerEntityFeature.TURN_ON
        | MediaPlayerEntityFeature.TURN_OFF
    )

    def __init__(self, name: str, area: str) -> None:
        super().__init__(Platform.MEDIA_PLAYER, name, area)
        self._song = 0
        self._show(MediaPlayerState.PAUSED)

    @override
    async def async_turn_on(self) -> None:
        """Be ready to play."""
        self._write(MediaPlayerState.PAUSED)

    @override
    async def async_turn_off(self) -> None:
        """Be off."""
        self._write(MediaPlayerState.OFF)

    @override
    async def async_media_play(self) -> None:
        """Play."""
        self._write(MediaPlayerState.PLAYING)

    @override
    async def async_media_pause(self) -> None:
        """Pause."""
        self._write(MediaPlayerState.PAUSED)

    @override
    async def async_media_stop(self) -> None:
        """Stop."""
        self._write(MediaPlayerState.IDLE)

    @override
    async def async_media_next_track(self) -> None:
        """Play the next song."""
        self._song = (self._song + 1) % len(SONGS)
        self._write(MediaPlayerState.PLAYING)

    @override
    async def async_media_previous_track(self) -> None:
        """Play the song before."""
        self._song = (self._song - 1) % len(SONGS)
        self._write(MediaPlayerState.PLAYING)

    @override
    async def async_set_volume_level(self, volume: float) -> None:
        """Play this loud."""
        self._attr_volume_level = volume
        self.async_write_ha_state()

    @override
    async def async_mute_volume(self, mute: bool) -> None:
        """Play without a sound, or with."""
        self._attr_is_volume_muted = mute
        self.async_write_ha_state()

    def _write(self, state: MediaPlayerState) -> None:
        self._show(state)
        self.async_write_ha_state()

    def _show(self, state: MediaPlayerState) -> None:
        self._attr_state = state
        self._attr_media_title, self._attr_media_artist = SONGS[self._song]
