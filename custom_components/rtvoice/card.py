"""The dashboard card, which is there without anybody adding it."""

from hashlib import sha256
from pathlib import Path
from typing import Final

from homeassistant.components import frontend
from homeassistant.components.http.server import StaticPathConfig
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration

from .const import DOMAIN

FOLDER: Final = Path(__file__).parent / "www"
CARD: Final = "rtvoice-card.js"


async def async_setup_card(hass: HomeAssistant) -> None:
    """Serve the card and have every page load it; once in a run of Home Assistant, and not where it has no pages."""
    if frontend.DOMAIN not in hass.config.components:
        return
    if (build := await hass.async_add_executor_job(_build, FOLDER)) is None:
        return
    version = (await async_get_integration(hass, DOMAIN)).version
    # Browsers keep what they have for a month, so each build has an address of its own.
    address = f"/{DOMAIN}_static/{version}-{build}"
    await hass.http.async_register_static_paths([StaticPathConfig(address, str(FOLDER))])
    frontend.add_extra_js_url(hass, f"{address}/{CARD}")


def _build(folder: Path) -> str | None:
    """What tells this build of the card from others; None if there is no card."""
    if not (folder / CARD).is_file():
        return None
    digest = sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]
