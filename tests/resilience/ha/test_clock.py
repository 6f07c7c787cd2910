"""Rules that go by the clock, and those that do not, when the clock is set in the middle of a conversation."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from freezegun.api import TickingDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.bridge.tab import Tab
from custom_components.rtvoice.bridge.transcripts import async_sweep
from custom_components.rtvoice.const import (
    CONF_DAY_BUDGET,
    CONF_INACTIVITY_TIMEOUT,
    CONF_KEEP_TRANSCRIPTS,
    CONF_MONTH_BUDGET,
    DOMAIN,
)
from custom_components.rtvoice.engine.usage import UsageReport
from simulator import ScriptedBrain
from tests.ha.conftest import AGENT_ID, SATELLITE_ID
from tests.ha.house import SATELLITE, async_wait_for_state, entity_of, state_of
from tests.ha.test_policy import (
    LOCK,
    PIN,
    Schemer,
    async_build_locks,
    say,
    set_options,
    unlock,
    unlock_with_token,
    write,
)
from tests.ha.test_session import start, stop

from .machine import wall_clock

DAY = timedelta(days=1)
QUIET = {"quiet_start": "22:00:00", "quiet_end": "06:00:00", "quiet_permission": "deny"}


@pytest.fixture
def clock() -> Iterator[TickingDateTimeFactory]:
    """The clock, at noon of a day in the middle of a month, where Home Assistant is."""
    with wall_clock() as clock:
        yield clock


def set_to(clock: TickingDateTimeFactory, hour: int, day: int = 15) -> None:
    """Set the clock to a day and hour of this month, where Home Assistant is."""
    clock.move_to(dt_util.as_utc(dt_util.now().replace(day=day, hour=hour, minute=0, second=0)))


def spend(hass: HomeAssistant, entry: MockConfigEntry, amount: str) -> None:
    """Book a cost as a session does."""
    Tab(hass, entry.runtime_data.agents[AGENT_ID], entry.runtime_data.ledger).settle(
        UsageReport(cost_usd=Decimal(amount))
    )


def cost(hass: HomeAssistant, key: str) -> float:
    """A sensor of the agent."""
    return float(state_of(hass, entity_of(hass, "sensor", AGENT_ID, key)).state)


@pytest.mark.parametrize("jump", [DAY, -DAY])
async def test_a_day_that_is_spent_stays_spent_whatever_day_the_clock_shows_meanwhile(
    hass: HomeAssistant, clock: TickingDateTimeFactory, jump: timedelta, setup_integration: MockConfigEntry
) -> None:
    set_to(clock, 12)
    set_options(hass, setup_integration, **{CONF_DAY_BUDGET: 2, CONF_MONTH_BUDGET: 10})
    spend(hass, setup_integration, "2")
    with pytest.raises(ServiceValidationError):
        await start(hass)
    clock.tick(jump)
    await start(hass, message="Good morning.")
    await async_wait_for_state(hass, entity_of(hass, "sensor", SATELLITE_ID, "status"), "speaking")
    await async_wait_for_state(hass, entity_of(hass, "sensor", SATELLITE_ID, "status"), "listening")
    clock.tick(-jump)
    await stop(hass)
    with pytest.raises(ServiceValidationError) as refusal:
        await start(hass)
    assert refusal.value.translation_key == "day_budget_used"
    usage = setup_integration.runtime_data.ledger.of(AGENT_ID)
    day = dt_util.now().date()
    assert usage.cost_on(day) == 2
    assert usage.cost_on(day + jump) == usage.cost_usd - 2 > 0
    assert usage.cost_in_month(day) == usage.cost_usd == pytest.approx(Decimal(cost(hass, "cost")))


async def test_a_month_that_is_spent_stays_spent(
    hass: HomeAssistant, clock: TickingDateTimeFactory, setup_integration: MockConfigEntry
) -> None:
    set_to(clock, 12)
    set_options(hass, setup_integration, **{CONF_MONTH_BUDGET: 3})
    spend(hass, setup_integration, "1")
    clock.tick(DAY)
    spend(hass, setup_integration, "1")
    clock.tick(-2 * DAY)
    spend(hass, setup_integration, "1")
    for jump in (0 * DAY, DAY, DAY):
        clock.tick(jump)
        with pytest.raises(ServiceValidationError):
            await start(hass)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"budget_{AGENT_ID}")
    assert issue is not None
    assert issue.translation_key == "month_budget_used"


async def test_a_session_ends_by_its_inactivity_timeout_by_what_time_has_passed(
    hass: HomeAssistant, clock: TickingDateTimeFactory, setup_integration: MockConfigEntry
) -> None:
    set_options(hass, setup_integration, **{CONF_INACTIVITY_TIMEOUT: 1})
    call = {"entity_id": SATELLITE}
    for jump in (DAY, -DAY):
        waiting = hass.async_create_task(
            hass.services.async_call(DOMAIN, "start", call, blocking=True, return_response=True)
        )
        await async_wait_for_state(hass, entity_of(hass, "sensor", SATELLITE_ID, "status"), "listening")
        clock.tick(jump)
        async with asyncio.timeout(5):
            response = await waiting
        assert response is not None
        assert response["end_reason"] == "inactivity"
        assert 1 <= response["duration"] < 5


async def test_quiet_hours_begin_and_end_by_the_clock_in_the_middle_of_a_conversation(
    hass: HomeAssistant, clock: TickingDateTimeFactory, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    await async_build_locks(hass)
    set_options(hass, setup_integration, **QUIET)
    told: list[dict[str, Any]] = []
    for hour, error in ((12, None), (23, "denied"), (12, None)):
        set_to(clock, hour)
        schemer = Schemer(brain, unlock(), say("All right."))
        await write(hass, "Unlock the front door")
        told.append(schemer.told[0])
        assert told[-1].get("error") == error, hour
    assert "confirmation_required" in told[0]
    assert state_of(hass, LOCK).state == "locked"


async def test_leave_is_given_in_the_time_for_it_that_has_passed(
    hass: HomeAssistant, clock: TickingDateTimeFactory, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    await async_build_locks(hass)
    set_options(hass, setup_integration, sensitive_permission="pin", pin=PIN)
    schemer = Schemer(
        brain, unlock(), say("Say the PIN to unlock the front door."), unlock_with_token(), say("All right.")
    )
    chat = await write(hass, "Unlock the front door")
    assert "pin_required" in schemer.told[0]
    clock.tick(DAY)
    await write(hass, PIN, chat)
    assert state_of(hass, LOCK).state == "unlocked"


async def test_transcripts_are_thrown_away_by_the_clock_and_none_before(
    hass: HomeAssistant, clock: TickingDateTimeFactory, tmp_path: Path, setup_integration: MockConfigEntry
) -> None:
    hass.config.config_dir = str(tmp_path)
    set_options(hass, setup_integration, **{CONF_KEEP_TRANSCRIPTS: 2})
    folder = tmp_path / DOMAIN / "transcripts" / f"voice_agent.{AGENT_ID}"
    await hass.async_add_executor_job(lambda: folder.mkdir(parents=True))
    set_to(clock, 12)
    kept = [folder / f"{dt_util.now() + timedelta(days=off):%Y-%m-%d}_12-00-00_x.txt" for off in (-1, 0, 1)]
    for path in kept:
        await hass.async_add_executor_job(path.touch)
    for jump, left in ((-DAY, kept), (2 * DAY, kept[1:])):
        clock.tick(jump)
        await async_sweep(hass)
        assert await hass.async_add_executor_job(lambda: sorted(folder.iterdir())) == left
