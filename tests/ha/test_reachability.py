"""A provider that is there when the account is set up, and not later."""

import asyncio
import logging
from datetime import timedelta

import pytest
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.rtvoice.bridge.reachability import LOOK_AGAIN_S, SIGNAL_REACHABILITY
from custom_components.rtvoice.const import CONF_FALLBACK, CONF_PROVIDER, DOMAIN
from simulator import ScriptedBrain, Simulator

from .conftest import AGENT_ID, API_KEY, SATELLITE_ID
from .house import AGENT, PATIENCE_S, SATELLITE, async_wait_for_state, entity_of, state_of
from .test_conversation import converse
from .test_session import start, stop
from .test_usage import change_agent


def port_of(simulator: Simulator) -> int:
    """Where a server is, so that one can come back there."""
    return int(simulator.base_url.rpartition(":")[2].partition("/")[0])


def unavailable(hass: HomeAssistant, entry: MockConfigEntry) -> set[bool]:
    """Whether the entities of an account are unavailable: one answer if it is the same for all."""
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return {state_of(hass, one.entity_id).state == "unavailable" for one in entities if one.disabled_by is None}


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says of the provider."""
    return [
        record.message for record in caplog.records if record.levelno >= logging.INFO and "reached" in record.message
    ]


async def async_look_again(hass: HomeAssistant) -> None:
    """Let the time pass until the provider is looked for again, and wait for what is found."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=LOOK_AGAIN_S + 1))
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_a_provider_that_goes_and_comes_back(
    hass: HomeAssistant,
    simulator: Simulator,
    setup_integration: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    assert unavailable(hass, setup_integration) == {False}
    await simulator.stop()
    for _ in range(2):
        with pytest.raises(HomeAssistantError):
            await start(hass)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert unavailable(hass, setup_integration) == {True}
    assert setup_integration.runtime_data.diagnostics()["provider_reachable"] is False
    await async_look_again(hass)
    assert unavailable(hass, setup_integration) == {True}
    assert [message.partition(":")[0] for message in told(caplog)] == ["The provider of Simulator cannot be reached"]

    async with Simulator(ScriptedBrain(), api_key=API_KEY, port=port_of(simulator)):
        await async_look_again(hass)
        assert unavailable(hass, setup_integration) == {False}
        assert told(caplog)[1:] == ["The provider of Simulator can be reached again"]
        await async_look_again(hass)
        await start(hass)
        await stop(hass)
        assert len(told(caplog)) == 2


async def test_a_session_that_works_says_that_the_provider_is_back(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    await simulator.stop()
    with pytest.raises(HomeAssistantError):
        await start(hass)
    await async_wait_for_state(hass, SATELLITE, "unavailable")
    async with Simulator(ScriptedBrain(), api_key=API_KEY, port=port_of(simulator)):
        # The entity is unavailable, but the action finds out whether it still has to be.
        await start(hass)
        assert unavailable(hass, setup_integration) == {False}
        await stop(hass)


async def test_a_written_message_finds_out_too(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    await simulator.stop()
    await converse(hass, "Hello")
    await async_wait_for_state(hass, AGENT, "unavailable")


async def test_a_provider_that_lists_nothing_any_more_is_there(
    hass: HomeAssistant,
    simulator: Simulator,
    setup_integration: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    status = entity_of(hass, "sensor", SATELLITE_ID, "status")
    await start(hass)
    # The link breaks, and the provider that is looked for wants another key.
    simulator.api_key = "sk-another"
    simulator.connections[-1].cut()
    await async_wait_for_state(hass, status, "idle")
    await hass.async_block_till_done(wait_background_tasks=True)
    assert unavailable(hass, setup_integration) == {False}
    assert told(caplog) == []


async def test_a_session_that_makes_its_link_anew_is_seen_doing_so(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    status = entity_of(hass, "sensor", SATELLITE_ID, "status")
    voice = entity_of(hass, "select", AGENT_ID, "voice")
    gone = asyncio.Event()

    @callback
    def async_note() -> None:
        gone.set()

    unsubscribe = async_dispatcher_connect(hass, SIGNAL_REACHABILITY, async_note)
    await start(hass)
    await simulator.stop()
    await async_wait_for_state(hass, status, "reconnecting")
    async with asyncio.timeout(PATIENCE_S):
        await gone.wait()
    unsubscribe()
    assert unavailable(hass, setup_integration) == {False}
    await stop(hass)
    assert unavailable(hass, setup_integration) == {True}
    assert state_of(hass, voice).state == "unavailable"


async def test_an_agent_with_a_stand_in_stays(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with Simulator(ScriptedBrain(), api_key=API_KEY) as second:
        account = {CONF_PROVIDER: "compatible", "base_url": second.base_url, "api_key": API_KEY, "dialect": "ga"}
        other = MockConfigEntry(domain=DOMAIN, title="Other", data=account)
        other.add_to_hass(hass)
        change_agent(hass, mock_entry, **{CONF_FALLBACK: other.entry_id})
        assert await hass.config_entries.async_setup(mock_entry.entry_id)
        await hass.async_block_till_done()
        await simulator.stop()
        await start(hass)
        await stop(hass)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert len(told(caplog)) == 1
        assert unavailable(hass, mock_entry) == {False}
        await second.stop()
        with pytest.raises(HomeAssistantError):
            await start(hass)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert len(told(caplog)) == 2
        assert unavailable(hass, mock_entry) == {True}
        assert await hass.config_entries.async_unload(mock_entry.entry_id)
        assert await hass.config_entries.async_unload(other.entry_id)


async def test_mute_survives_that_the_provider_is_away(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    mute = entity_of(hass, "switch", SATELLITE_ID, "mute")
    await hass.services.async_call("switch", "turn_on", {"entity_id": mute}, blocking=True)
    await simulator.stop()
    with pytest.raises(HomeAssistantError):
        await start(hass)
    await async_wait_for_state(hass, mute, "unavailable")
    async with Simulator(ScriptedBrain(), api_key=API_KEY, port=port_of(simulator)):
        assert await hass.config_entries.async_reload(setup_integration.entry_id)
        assert state_of(hass, mute).state == "on"
        assert await hass.config_entries.async_unload(setup_integration.entry_id)
