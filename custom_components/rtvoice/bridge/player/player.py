"""A media player as one that speech is sent to: what it can do, and what it was doing before."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.components.media_player.const import (
    ATTR_MEDIA_ANNOUNCE,
    ATTR_MEDIA_CONTENT_ID,
    ATTR_MEDIA_CONTENT_TYPE,
    ATTR_MEDIA_POSITION,
    ATTR_MEDIA_SEEK_POSITION,
    ATTR_MEDIA_VOLUME_LEVEL,
    SERVICE_PLAY_MEDIA,
    MediaPlayerEntityFeature,
    MediaPlayerState,
    MediaType,
)
from homeassistant.components.media_player.const import DOMAIN as MEDIA_PLAYER_DOMAIN
from homeassistant.const import (
    ATTR_ENTITY_ID,
    ATTR_SUPPORTED_FEATURES,
    SERVICE_MEDIA_PAUSE,
    SERVICE_MEDIA_SEEK,
    SERVICE_MEDIA_STOP,
    SERVICE_VOLUME_SET,
    STATE_UNAVAILABLE,
)
from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, State, callback
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.helpers.network import NoURLAvailableError, get_url

from ...const import DOMAIN
from ...engine.errors import SinkError

_LOGGER = logging.getLogger(__name__)

NOT_THERE: Final = "speaker_away"
NO_ADDRESS: Final = "no_address"
"""Keys of errors."""

SPEECH_PATH: Final = f"/api/{DOMAIN}/speech/"
"""Where players fetch speech."""
_DUCKED: Final = 0.3
"""What is left of the volume of music while somebody listens."""
_SAME_VOLUME: Final = 0.05
_PATIENCE_S: Final = 2.0
"""How long a player may take to obey, except to play."""


@dataclass(frozen=True, slots=True)
class Music:
    """What a player was playing before it was spoken through."""

    content_id: str | None
    content_type: str
    position_s: float | None
    volume: float | None
    """None: it cannot be set."""


class Player:
    """One media player. Players that announce see to their music themselves; at others we do, as far as they let us."""

    def __init__(self, hass: HomeAssistant, entity_id: str) -> None:
        self._hass = hass
        self.entity_id = entity_id
        self._music: Music | None = None
        self._ducked = False
        self._replaced = False

    @property
    def name(self) -> str:
        """What people call it."""
        return self.entity_id if self._state is None else self._state.name

    @property
    def absence(self) -> str | None:
        """The key of an error that says why nothing can be played; None if it can."""
        if self._state is None or self._state.state == STATE_UNAVAILABLE:
            return NOT_THERE
        try:
            get_url(self._hass, prefer_external=False)
        except NoURLAvailableError:
            return NO_ADDRESS
        return None

    @callback
    def async_watch(self, changed: Callable[[], None]) -> CALLBACK_TYPE:
        """Call `changed` whenever it comes or goes, until what is returned is called."""
        known = self.absence

        @callback
        def async_look(event: Event[EventStateChangedData]) -> None:  # noqa: ARG001 - the state is looked up
            nonlocal known
            if known != (known := self.absence):
                changed()

        return async_track_state_change_event(self._hass, self.entity_id, async_look)

    async def duck(self) -> None:
        """Remember what it plays, and make that quieter, so that who speaks here is heard."""
        self._music = self._heard_now()
        if self._music is None or self._music.volume is None or self._announces:
            return
        self._ducked = True
        await self._try(SERVICE_VOLUME_SET, {ATTR_MEDIA_VOLUME_LEVEL: self._music.volume * _DUCKED})

    async def play(self, url: str) -> None:
        """Play an address, as loud as the player is set. Raises SinkError; may return late or early."""
        await self._unduck()
        media: dict[str, Any] = {ATTR_MEDIA_CONTENT_ID: url, ATTR_MEDIA_CONTENT_TYPE: MediaType.MUSIC}
        if self._announces:
            media[ATTR_MEDIA_ANNOUNCE] = True
        else:
            self._replaced = True
        await self._call(SERVICE_PLAY_MEDIA, media)

    async def silence(self) -> None:
        """Stop what it plays of us. Music below an announcement would stop instead, so there it is left alone."""
        if self._announces and self._music is not None:
            return
        features = self._features
        if MediaPlayerEntityFeature.STOP in features:
            await self._try(SERVICE_MEDIA_STOP)
        elif MediaPlayerEntityFeature.PAUSE in features:
            await self._try(SERVICE_MEDIA_PAUSE)

    async def restore(self) -> None:
        """Bring back what was there before, unless somebody has put on something else. Idempotent."""
        await self._unduck()
        music, self._music = self._music, None
        replaced, self._replaced = self._replaced, False
        if music is None or music.content_id is None or not replaced or self._plays_something_else(music):
            return
        media = {ATTR_MEDIA_CONTENT_ID: music.content_id, ATTR_MEDIA_CONTENT_TYPE: music.content_type}
        await self._try(SERVICE_PLAY_MEDIA, media)
        if music.position_s and MediaPlayerEntityFeature.SEEK in self._features:
            await self._try(SERVICE_MEDIA_SEEK, {ATTR_MEDIA_SEEK_POSITION: music.position_s})

    @property
    def _state(self) -> State | None:
        return self._hass.states.get(self.entity_id)

    @property
    def _features(self) -> MediaPlayerEntityFeature:
        state = self._state
        return MediaPlayerEntityFeature(0 if state is None else state.attributes.get(ATTR_SUPPORTED_FEATURES, 0))

    @property
    def _announces(self) -> bool:
        return MediaPlayerEntityFeature.MEDIA_ANNOUNCE in self._features

    @property
    def _volume(self) -> float | None:
        state = self._state
        return None if state is None else state.attributes.get(ATTR_MEDIA_VOLUME_LEVEL)

    def _heard_now(self) -> Music | None:
        state = self._state
        if state is None or state.state != MediaPlayerState.PLAYING:
            return None
        there = state.attributes
        settable = MediaPlayerEntityFeature.VOLUME_SET in self._features
        return Music(
            content_id=there.get(ATTR_MEDIA_CONTENT_ID),
            content_type=there.get(ATTR_MEDIA_CONTENT_TYPE) or MediaType.MUSIC,
            position_s=there.get(ATTR_MEDIA_POSITION),
            volume=self._volume if settable else None,
        )

    def _plays_something_else(self, music: Music) -> bool:
        state = self._state
        if state is None or state.state != MediaPlayerState.PLAYING:
            return False
        playing = state.attributes.get(ATTR_MEDIA_CONTENT_ID)
        return playing not in (None, music.content_id) and SPEECH_PATH not in str(playing)

    async def _unduck(self) -> None:
        """As loud as before, unless somebody has set it meanwhile."""
        if not self._ducked or self._music is None or self._music.volume is None:
            return
        self._ducked = False
        before, now = self._music.volume, self._volume
        if now is None or min(abs(now - before), abs(now - before * _DUCKED)) <= _SAME_VOLUME:
            await self._try(SERVICE_VOLUME_SET, {ATTR_MEDIA_VOLUME_LEVEL: before})

    async def _try(self, action: str, fields: dict[str, Any] | None = None) -> None:
        """Call what the speech does not depend on."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._call(action, fields or {})
        except (SinkError, TimeoutError) as err:
            _LOGGER.warning("%s did not do %s: %r", self.name, action, err)

    async def _call(self, action: str, fields: dict[str, Any]) -> None:
        call = {ATTR_ENTITY_ID: self.entity_id, **fields}
        try:
            await self._hass.services.async_call(MEDIA_PLAYER_DOMAIN, action, call, blocking=True)
        except Exception as err:
            raise SinkError(f"{self.name} refuses: {str(err) or type(err).__name__}") from err
