"""Speaking to a room without listening to it."""

import logging
from pathlib import Path
from typing import Final

from homeassistant.components import assist_satellite
from homeassistant.components.assist_satellite.const import PREANNOUNCE_URL
from homeassistant.components.media_player.browse_media import async_process_play_media_url
from homeassistant.components.media_source import async_resolve_media, is_media_source_id
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from ..engine import EndReason
from .errors import engine_errors, failed, refused
from .media import async_play
from .parties import Satellite
from .request import SessionRequest
from .runtime import Runtime

_LOGGER = logging.getLogger(__name__)

_OF_SERVERS: Final = ("http://", "https://")
_CHIME: Final = Path(assist_satellite.__file__).parent / "preannounce.mp3"


async def async_announce(runtime: Runtime, satellite: Satellite, message: str, context: Context) -> None:
    """Have the satellite's agent speak a message, and wait until it was heard.

    In a running session the agent says it there, without waiting; otherwise it speaks with its ears closed.
    """
    if (session := runtime.session_on(satellite)) is not None:
        await session.async_say(message)
        return
    request = SessionRequest(context=context, message=message, listens=False)
    session = await runtime.async_start(satellite, request)
    report = await session.async_wait_ended()
    if report.end_reason is not EndReason.STOPPED:
        raise failed(report.end_reason.value)


async def async_play_media(hass: HomeAssistant, runtime: Runtime, satellite: Satellite, media_id: str) -> None:
    """Play a media source, an address or a path of Home Assistant on a satellite, and wait until it was heard."""
    if runtime.session_on(satellite) is not None:
        raise refused("already_in_session", satellite=satellite.title)
    if (obstacle := satellite.place.obstacle) is not None:
        raise refused(obstacle, satellite=satellite.title)
    source = await _async_source(hass, media_id)
    with engine_errors():
        await async_play(hass, source, await satellite.place.async_mouth())


async def async_chime(hass: HomeAssistant, runtime: Runtime, satellite: Satellite, media_id: str | None) -> None:
    """Call for attention; what follows is said even if that fails."""
    if media_id is None or runtime.session_on(satellite) is not None:
        return
    try:
        await async_play_media(hass, runtime, satellite, media_id)
    except HomeAssistantError as err:
        _LOGGER.warning("The sound before an announcement on %s could not be played: %s", satellite.title, err)


async def _async_source(hass: HomeAssistant, media_id: str) -> str:
    """What ffmpeg opens."""
    if media_id == PREANNOUNCE_URL:
        return str(_CHIME)
    if is_media_source_id(media_id):
        media = await async_resolve_media(hass, media_id, None)
        if media.path is not None:
            return str(media.path)
        media_id = media.url
    address = async_process_play_media_url(hass, media_id)
    if not address.startswith(_OF_SERVERS):
        # ffmpeg knows many more ways, most of which lead to files of this machine.
        raise refused("media_unsupported", media=media_id)
    return address
