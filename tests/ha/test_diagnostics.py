"""What diagnostics show, and what they never do."""

import json
from importlib.metadata import PackageNotFoundError
from pathlib import Path
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
    CONF_DAY_BUDGET,
    CONF_INSTRUCTIONS,
    CONF_MODEL,
    CONF_RESOURCE,
    DEFAULT_INSTRUCTIONS,
    SUBENTRY_AGENT,
    SUBENTRY_SATELLITE,
)
from simulator import Plan, Say, ScriptedBrain, Simulator, Turn

from .conftest import AGENT_ID, API_KEY, SATELLITE_ID
from .house import async_wait_for_state, entity_of, speak_into
from .test_session import start, stop
from .test_usage import change_agent


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
    places = {CONF_BASE_URL: address, CONF_RESOURCE: address}
    hass.config_entries.async_update_entry(mock_entry, data={**mock_entry.data, **places})
    assert not await hass.config_entries.async_setup(mock_entry.entry_id)
    shown = await get_diagnostics_for_config_entry(hass, hass_client, mock_entry)
    assert shown["entry"]["data"][CONF_BASE_URL] == "http://server:8080/v1"
    assert shown["entry"]["data"][CONF_RESOURCE] == "http://server:8080/v1"


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


async def test_costs_and_the_course_of_the_last_sessions_are_shown_without_a_word(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    microphone: Path,
) -> None:
    speak_into(microphone)
    brain.add(Turn("Is the door locked?", (Plan((Say("It is locked.", seconds=0.3),)),)))
    change_agent(hass, setup_integration, **{CONF_DAY_BUDGET: 5})
    status = entity_of(hass, "sensor", SATELLITE_ID, "status")
    await start(hass)
    await async_wait_for_state(hass, status, "speaking")
    await async_wait_for_state(hass, status, "listening")
    await stop(hass)
    shown = await get_diagnostics_for_config_entry(hass, hass_client, setup_integration)

    [agent] = shown["runtime"]["agents"]
    assert agent["tokens"] > 0
    assert agent["cost_usd"] == agent["cost_today_usd"] == agent["cost_this_month_usd"] > 0
    assert agent["budgets"] == [
        {"period": "day", "limit_usd": 5.0, "spent_usd": agent["cost_usd"], "used": False},
    ]
    [session] = shown["runtime"]["last_sessions"]
    assert (session["agent"], session["satellite"]) == (AGENT_ID, SATELLITE_ID)
    assert (session["end_reason"], session["turns_said"], session["tools_called"]) == ("stopped", 2, 0)
    assert session["connect_ms"] >= 0
    [turn] = session["turns"]
    assert 0 <= turn["response_ms"] <= turn["words_ms"]
    # The engine measures this one where it plays, before its observers hear of the words.
    assert turn["audio_ms"] >= 0
    text = json.dumps(shown)
    assert "locked" not in text
    _assert_no_secrets(shown)


def _assert_no_secrets(shown: dict[str, Any]) -> None:
    text = json.dumps(shown)
    assert API_KEY not in text
    assert DEFAULT_INSTRUCTIONS.splitlines()[0] not in text
