"""The card is served, and loaded by every page, without anybody adding it."""

from pathlib import Path

import pytest
from homeassistant.components import frontend
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.rtvoice import card
from custom_components.rtvoice.const import DOMAIN


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A card that has been built."""
    folder = tmp_path / "www"
    (folder / "worklets").mkdir(parents=True)
    (folder / "rtvoice-card.js").write_text("export const card = 1;")
    (folder / "worklets" / "capture.js").write_text("export const capture = 1;")
    monkeypatch.setattr(card, "FOLDER", folder)
    return folder


@pytest.fixture
async def pages(hass: HomeAssistant) -> None:
    """Home Assistant has pages; which they are does not matter here."""
    assert await async_setup_component(hass, "http", {})
    hass.data[frontend.DATA_EXTRA_MODULE_URL] = frontend.UrlManager(lambda *_: None, [])
    hass.config.components.add(frontend.DOMAIN)


async def test_pages_load_the_card(
    hass: HomeAssistant, built: Path, pages: None, hass_client_no_auth: ClientSessionGenerator
) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    [url] = hass.data[frontend.DATA_EXTRA_MODULE_URL].urls
    assert url.startswith("/rtvoice_static/0.1.0-")
    assert url.endswith("/rtvoice-card.js")
    web = await hass_client_no_auth()
    answer = await web.get(url)
    assert (answer.status, await answer.text()) == (200, "export const card = 1;")
    assert "max-age" in answer.headers["Cache-Control"]
    answer = await web.get(url.replace("rtvoice-card.js", "worklets/capture.js"))
    assert answer.status == 200


async def test_each_build_has_its_own_address(built: Path) -> None:
    first = card._build(built)
    (built / "worklets" / "capture.js").write_text("export const capture = 2;")
    assert card._build(built) != first


async def test_without_pages_there_is_no_card(hass: HomeAssistant, built: Path) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    assert DOMAIN in hass.config.components
    assert frontend.DATA_EXTRA_MODULE_URL not in hass.data


async def test_without_a_build_there_is_no_card(
    hass: HomeAssistant, pages: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "FOLDER", tmp_path / "nothing")
    assert await async_setup_component(hass, DOMAIN, {})
    assert not hass.data[frontend.DATA_EXTRA_MODULE_URL].urls
