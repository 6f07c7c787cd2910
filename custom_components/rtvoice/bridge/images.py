"""Pictures for the agent to look at."""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.components.media_source import async_resolve_media, is_media_source_id
from homeassistant.components.media_source.const import URI_SCHEME
from homeassistant.core import Context, HomeAssistant

from .errors import refused
from .permissions import async_allowed, unauthorized

# Told by how they begin: what cameras and files say of themselves is not always true.
_FORMATS: Final = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))
_MAX_BYTES: Final = 20_000_000
_SEEING: Final = ("camera", "image")


async def async_data_url(hass: HomeAssistant, picture: str | Mapping[str, Any], context: Context) -> str:
    """A camera or image entity's picture, or a media source's, as a data URL, for the user of a context.

    Raises Unauthorized if they may not see it, ServiceValidationError if it is no JPEG or PNG, and HomeAssistantError
    if it cannot be had.
    """
    source = picture if isinstance(picture, str) else str(picture["media_content_id"])
    entity_id = _entity_id(source)
    if entity_id is not None and not (await async_allowed(hass, context, POLICY_READ))(entity_id):
        raise unauthorized(context, entity_id, POLICY_READ)
    content = await _async_fetch(hass, source)
    kind = next((kind for start, kind in _FORMATS if content.startswith(start)), None)
    if kind is None or len(content) > _MAX_BYTES:
        raise refused("media_unsupported", media=source)
    return f"data:{kind};base64,{b64encode(content).decode()}"


def _entity_id(source: str) -> str | None:
    """The entity whose picture it is, by itself or by way of its media source."""
    if not is_media_source_id(source):
        return source
    domain, _, identifier = source.removeprefix(URI_SCHEME).partition("/")
    return identifier if domain in _SEEING else None


async def _async_fetch(hass: HomeAssistant, source: str) -> bytes:
    if is_media_source_id(source):
        return await _async_fetch_media(hass, source)
    domain = source.partition(".")[0]
    if domain in hass.config.components and domain == "camera":
        return await _async_camera(hass, source)
    if domain in hass.config.components and domain == "image":
        return await _async_image(hass, source)
    raise refused("media_unsupported", media=source)


# These integrations are imported where they are set up, and only there: they have requirements of their own.


async def _async_camera(hass: HomeAssistant, entity_id: str) -> bytes:
    from homeassistant.components.camera import async_get_image  # noqa: PLC0415 - see above

    return (await async_get_image(hass, entity_id)).content


async def _async_image(hass: HomeAssistant, entity_id: str) -> bytes:
    from homeassistant.components.image import async_get_image  # noqa: PLC0415 - see above

    return (await async_get_image(hass, entity_id)).content


async def _async_fetch_media(hass: HomeAssistant, source: str) -> bytes:
    media = await async_resolve_media(hass, source, None)
    if media.path is None:
        raise refused("media_unsupported", media=source)
    try:
        return await hass.async_add_executor_job(_read, Path(media.path))
    except OSError as err:
        raise refused("media_unsupported", media=source) from err


def _read(path: Path) -> bytes:
    """Of a file that is too large, no more than shows that."""
    with path.open("rb") as file:
        return file.read(_MAX_BYTES + 1)
