"""Pictures for the agent to look at."""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from homeassistant.components.media_source import async_resolve_media, is_media_source_id
from homeassistant.core import HomeAssistant

from .errors import refused

_FORMATS: Final = ("image/jpeg", "image/png")
_MAX_BYTES: Final = 20_000_000


async def async_data_url(hass: HomeAssistant, picture: str | Mapping[str, Any]) -> str:
    """A camera or image entity's picture, or a media source's, as a data URL.

    Raises ServiceValidationError if it is no JPEG or PNG, and HomeAssistantError if it cannot be had.
    """
    source = picture if isinstance(picture, str) else str(picture["media_content_id"])
    content_type, content = await _async_fetch(hass, source)
    if content_type not in _FORMATS or len(content) > _MAX_BYTES:
        raise refused("media_unsupported", media=source)
    return f"data:{content_type};base64,{b64encode(content).decode()}"


async def _async_fetch(hass: HomeAssistant, source: str) -> tuple[str, bytes]:
    if is_media_source_id(source):
        return await _async_fetch_media(hass, source)
    domain = source.partition(".")[0]
    if domain in hass.config.components and domain == "camera":
        return await _async_camera(hass, source)
    if domain in hass.config.components and domain == "image":
        return await _async_image(hass, source)
    raise refused("media_unsupported", media=source)


# These integrations are imported where they are set up, and only there: they have requirements of their own.


async def _async_camera(hass: HomeAssistant, entity_id: str) -> tuple[str, bytes]:
    from homeassistant.components.camera import async_get_image  # noqa: PLC0415 - see above

    shot = await async_get_image(hass, entity_id)
    return shot.content_type, shot.content


async def _async_image(hass: HomeAssistant, entity_id: str) -> tuple[str, bytes]:
    from homeassistant.components.image import async_get_image  # noqa: PLC0415 - see above

    still = await async_get_image(hass, entity_id)
    return still.content_type, still.content


async def _async_fetch_media(hass: HomeAssistant, source: str) -> tuple[str, bytes]:
    media = await async_resolve_media(hass, source, None)
    if media.path is None:
        raise refused("media_unsupported", media=source)
    return media.mime_type, await hass.async_add_executor_job(Path(media.path).read_bytes)
