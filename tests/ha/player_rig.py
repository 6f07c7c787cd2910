"""A media player that really fetches what it is told to play, and plays it in real time."""

import asyncio
from typing import Any

import aiohttp
from homeassistant.components.media_player import MediaPlayerEntity
from homeassistant.components.media_player.const import MediaPlayerEntityFeature as Can
from homeassistant.components.media_player.const import MediaPlayerState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import setup_test_component_platform
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

ANNOUNCES = Can.PLAY_MEDIA | Can.MEDIA_ANNOUNCE | Can.STOP | Can.VOLUME_SET
REPLACES = Can.PLAY_MEDIA | Can.STOP | Can.VOLUME_SET | Can.SEEK
RADIO = "http://radio.invalid/stream"
HEADER_BYTES = 44
PIECE_BYTES = 4800
"""50 ms."""


class RigPlayer(MediaPlayerEntity):
    """Fetches over HTTP, a second ahead of its ear; music it only says that it plays."""

    _attr_should_poll = False
    _attr_volume_level = 0.5

    def __init__(self, name: str = "Shelf", features: Can = ANNOUNCES) -> None:
        self._attr_name = name
        self._attr_supported_features = features
        self._attr_state = MediaPlayerState.IDLE
        self.calls: list[tuple[str, Any]] = []
        self.urls: list[str] = []
        self.fetched: list[bytearray] = []
        self.statuses: list[int] = []
        self.fetches = True
        self.refuses = False
        self.leaves_after_bytes: int | None = None
        self.reads = asyncio.Event()
        self.reads.set()
        self.volumes_when_told: list[float | None] = []
        self._fetching: set[asyncio.Task[None]] = set()

    @property
    def heard(self) -> bytes:
        """All speech it has fetched, without headers."""
        return b"".join(bytes(body[HEADER_BYTES:]) for body in self.fetched)

    def did(self, action: str) -> list[Any]:
        """What it was told with this action."""
        return [value for done, value in self.calls if done == action]

    def put_on_music(self, position_s: float | None = 42.0) -> None:
        """Somebody has put on the radio."""
        self._attr_state = MediaPlayerState.PLAYING
        self._attr_media_content_id = RADIO
        self._attr_media_content_type = "music"
        self._attr_media_position = position_s
        self.async_write_ha_state()

    def go(self, *, away: bool) -> None:
        """Leave the network, or come back."""
        self._attr_available = not away
        self.async_write_ha_state()

    async def until_fetched(self, samples: int) -> None:
        async with asyncio.timeout(20):
            while len(self.heard) < 2 * samples:
                await asyncio.sleep(0.01)

    async def until_done(self, action: str, count: int = 1) -> None:
        async with asyncio.timeout(20):
            while len(self.did(action)) < count:
                await asyncio.sleep(0.01)

    async def async_play_media(self, media_type: str, media_id: str, **fields: Any) -> None:
        self.calls.append(("play", {"type": media_type, "id": media_id, **fields}))
        self.volumes_when_told.append(self.volume_level)
        if self.refuses:
            raise HomeAssistantError("I am being updated")
        if not fields.get("announce"):
            self._attr_state = MediaPlayerState.PLAYING
            self._attr_media_content_id = media_id
        if "/api/rtvoice/speech/" in media_id:
            self.urls.append(media_id)
            if self.fetches:
                self.async_cancel_fetching()
                task = self.hass.async_create_background_task(self._fetch(media_id), "rig player")
                self._fetching.add(task)
                task.add_done_callback(self._fetching.discard)
        self.async_write_ha_state()

    async def async_media_stop(self) -> None:
        self.calls.append(("stop", None))
        self.async_cancel_fetching()
        self._attr_state = MediaPlayerState.IDLE
        self.async_write_ha_state()

    async def async_media_pause(self) -> None:
        self.calls.append(("pause", None))
        self.async_cancel_fetching()

    async def async_set_volume_level(self, volume: float) -> None:
        self.calls.append(("volume", volume))
        self._attr_volume_level = volume
        self.async_write_ha_state()

    async def async_media_seek(self, position: float) -> None:
        self.calls.append(("seek", position))

    def async_cancel_fetching(self) -> None:
        for task in self._fetching:
            task.cancel()

    async def async_will_remove_from_hass(self) -> None:
        self.async_cancel_fetching()

    async def _fetch(self, url: str) -> None:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            self.statuses.append(response.status)
            self.fetched.append(body := bytearray())
            while piece := await response.content.read(PIECE_BYTES):
                body += piece
                if self.leaves_after_bytes is not None and len(body) >= self.leaves_after_bytes:
                    return
                await self.reads.wait()
        if self.state is MediaPlayerState.PLAYING and self.media_content_id == url:
            self._attr_state = MediaPlayerState.IDLE
            self.async_write_ha_state()


async def async_add_players(hass: HomeAssistant, *players: RigPlayer) -> None:
    """Put up players, in a home that has an address."""
    hass.config.internal_url = "http://127.0.0.1:8123"
    setup_test_component_platform(hass, "media_player", players)
    assert await async_setup_component(hass, "media_player", {"media_player": {"platform": "test"}})
    await hass.async_block_till_done()


async def async_serve(hass: HomeAssistant, hass_client_no_auth: ClientSessionGenerator) -> str:
    """Let Home Assistant be reached by players, when all is set up; gives its address."""
    client = await hass_client_no_auth()
    hass.config.internal_url = address = str(client.make_url("/")).rstrip("/")
    return address
