"""What Home Assistant keeps for the long term."""

import pytest
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.statistics import list_statistic_ids
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .conftest import AGENT_ID, SATELLITE_ID
from .house import entity_of
from .test_usage import converse


@pytest.fixture(autouse=True)
async def home(recorder_mock: Recorder, hass: HomeAssistant, enable_custom_integrations: None) -> None:
    """Home Assistant with a recorder, which must be there first."""
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "sensor", {})


async def test_costs_latency_and_tokens_have_statistics(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    await converse(hass)
    await get_instance(hass).async_block_till_done()
    found = await get_instance(hass).async_add_executor_job(list_statistic_ids, hass)
    units = {one["statistic_id"]: one["statistics_unit_of_measurement"] for one in found if one["has_sum"]}
    assert units == {
        entity_of(hass, "sensor", AGENT_ID, "tokens"): "tokens",
        entity_of(hass, "sensor", AGENT_ID, "cost"): "USD",
        entity_of(hass, "sensor", AGENT_ID, "cost_today"): "USD",
    }
    means = {one["statistic_id"] for one in found if not one["has_sum"]}
    assert means == {entity_of(hass, "sensor", party, "response_latency") for party in (AGENT_ID, SATELLITE_ID)}
