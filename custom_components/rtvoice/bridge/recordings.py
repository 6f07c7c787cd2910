"""Where recordings are kept: in the media folder, so that they can be found under Media."""

from datetime import datetime
from pathlib import Path
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import slugify

from ..const import DOMAIN
from .errors import refused

_LOCAL: Final = "local"


@callback
def async_recording_path(hass: HomeAssistant, venue: str, at: datetime) -> Path:
    """The file for the recording of a session that begins at `at` at a venue of this name.

    It is `rtvoice/VENUE/DATE_TIME.wav` in the media folder, and nothing that is spoken or typed has a part in it.
    Raises ServiceValidationError where there is no media folder.
    """
    folders = hass.config.media_dirs
    folder = folders.get(_LOCAL) or next(iter(folders.values()), None)
    if folder is None:
        raise refused("no_media_folder")
    return Path(folder) / DOMAIN / slugify(venue) / f"{at:%Y-%m-%d_%H-%M-%S}.wav"
