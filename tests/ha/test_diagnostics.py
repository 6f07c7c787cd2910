"""What diagnostics show, and what they never do."""

import json
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest
from homeassistant.const import CONF_API_KEY, __version__
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.rtvoice.const import (
    CONF_BASE_URL,
    CONF_INSTRUCTIONS,
    CONF_MODEL,
    DEFAULT_INSTRUCTIONS,
    SUBENTRY_AGENT,
    SUBENTRY_SATELLITE,
)
from simulator import Simulator

from .conftest import AGENT_ID, API_KEY, SATELLITE_ID


@pytest.fixture(autouse=True)
async def diagnostics(hass: HomeAssistant) -> None:
    """Home Assistant offers diagnostics."""
    assert await async_setup_component(hass, "diagnostics", {})


async def test_what_helps_is_shown_and_what_is_secret_is_not(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    setup_integration: MockConfigEntry,
    simulator: Simulator,
    sound_card: None,
) -> None:
    shown = await get_diagnostics_for_config_entry(hass, hass_client, setup_integration)

    assert shown["versions"]["home_assistant"] == __version__
    assert shown["versions"]["rtvoice"]
    assert shown["versions"]["aiohttp"]
    assert shown["entry"]["state"] == "loaded"
    assert shown["entry"]["data"][CONF_BASE_URL] == simulator.base_url
    assert shown["entry"]["data"][CONF_API_KEY] == "**REDACTED**"
    agent, satellite = shown["entry"]["subentries"]
    assert (agent["subentry_id"], agent["subentry_type"]) == (AGENT_ID, SUBENTRY_AGENT)
    assert (satellite["subentry_id"], satellite["subentry_type"]) == (SATELLITE_ID, SUBENTRY_SATELLITE)
    assert agent["data"][CONF_MODEL] == "gpt-realtime-2.1-mini"
    assert agent["data"][CONF_INSTRUCTIONS] == "**REDACTED**"
    assert shown["devices"]["problem"] is None
    assert [device["name"] for device in shown["devices"]["inputs"]] == ["Desk microphone"]
    assert [device["name"] for device in shown["devices"]["outputs"]] == ["Desk speaker"]
    assert [agent["subentry_id"] for agent in shown["runtime"]["agents"]] == [AGENT_ID]
    _assert_no_secrets(shown)


async def test_an_entry_that_does_not_work_can_be_diagnosed(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, mock_entry: MockConfigEntry, simulator: Simulator
) -> None:
    simulator.api_key = "sk-rotated"
    assert not await hass.config_entries.async_setup(mock_entry.entry_id)
    shown = await get_diagnostics_for_config_entry(hass, hass_client, mock_entry)

    assert shown["entry"]["state"] == "setup_error"
    assert shown["runtime"] is None
    assert shown["devices"] == {"problem": "no_devices", "inputs": [], "outputs": []}
    _assert_no_secrets(shown)


async def test_secrets_inside_an_address_are_not_shown(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, mock_entry: MockConfigEntry
) -> None:
    address = "http://name:word@server:8080/v1?token=secret"
    hass.config_entries.async_update_entry(mock_entry, data={**mock_entry.data, CONF_BASE_URL: address})
    assert not await hass.config_entries.async_setup(mock_entry.entry_id)
    shown = await get_diagnostics_for_config_entry(hass, hass_client, mock_entry)
    assert shown["entry"]["data"][CONF_BASE_URL] == "http://server:8080/v1"


async def test_a_package_that_is_missing_is_told(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    setup_integration: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", version)
    shown = await get_diagnostics_for_config_entry(hass, hass_client, setup_integration)
    assert shown["versions"]["sounddevice"] is None


def _assert_no_secrets(shown: dict[str, Any]) -> None:
    text = json.dumps(shown)
    assert API_KEY not in text
    assert DEFAULT_INSTRUCTIONS.splitlines()[0] not in text
