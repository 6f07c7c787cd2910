"""The past of entities, where Home Assistant records it."""

from datetime import timedelta

import pytest
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from simulator import Call, ScriptedBrain

from .test_tools_actions import use
from .test_tools_states import TEMPERATURE, set_temperature


@pytest.fixture(autouse=True)
async def home(recorder_mock: object, hass: HomeAssistant, enable_custom_integrations: None) -> None:
    """Home Assistant with a recorder, which must be there first."""
    assert await async_setup_component(hass, "homeassistant", {})


async def test_the_past(hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry) -> None:
    set_temperature(hass, 20)
    async_expose_entity(hass, "conversation", TEMPERATURE, True)
    for value in (21, 22, "unavailable", 24):
        set_temperature(hass, value)
    await async_wait_recording_done(hass)
    start_of_period = dt_util.utcnow().replace(minute=0, second=0, microsecond=0)
    do_adhoc_statistics(hass, start=start_of_period)
    await async_wait_recording_done(hass)
    now = dt_util.now()
    told = await use(
        hass,
        brain,
        Call("get_history", {"name": "Kitchen temperature"}),
        Call("get_history", {"name": TEMPERATURE, "end": (now - timedelta(days=2)).isoformat()}),
        Call("get_history", {"name": TEMPERATURE, "start": "yesterday"}),
        Call("get_history", {"name": TEMPERATURE, "start": (now + timedelta(days=2)).isoformat()}),
        Call("get_history", {"name": TEMPERATURE, "start": "2026-01-01T00:00:00", "period": "5minute"}),
    )
    assert [row["state"] for row in told[0]["rows"]][-4:] == ["21", "22", "unavailable", "24"]
    assert told[0]["unit"] == "°C"
    assert told[1]["rows"] == []
    assert "no time" in told[2]["error_text"]
    assert "before" in told[3]["error_text"]
    assert "rows" in told[4]


async def test_a_long_past_is_cut(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    for value in range(220):
        set_temperature(hass, value)
    async_expose_entity(hass, "conversation", TEMPERATURE, True)
    await async_wait_recording_done(hass)
    (told,) = await use(hass, brain, Call("get_history", {"name": TEMPERATURE}))
    assert len(told["rows"]) == 200
    assert told["rows"][-1]["state"] == "219"
    assert told["left_out"] >= 20
