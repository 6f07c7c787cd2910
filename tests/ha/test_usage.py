"""What agents use: booked, kept, shown, and held to budgets."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.rtvoice.bridge.budget import async_check_budget
from custom_components.rtvoice.bridge.tab import Tab
from custom_components.rtvoice.const import (
    CONF_DAY_BUDGET,
    CONF_MODEL,
    CONF_MONTH_BUDGET,
    CONF_PROVIDER,
    CONF_REASONING_EFFORT,
    CONF_TRANSCRIPTION_MODEL,
    DOMAIN,
    PROVIDER_OPENAI,
)
from custom_components.rtvoice.engine.run import BUDGET_FAREWELL
from custom_components.rtvoice.engine.usage import UsageReport
from simulator import Plan, Say, ScriptedBrain, Simulator

from .conftest import AGENT_ID, SATELLITE_ID
from .house import AGENT, SATELLITE, async_wait_for_state, async_wait_until, entity_of, happenings, state_of
from .test_session import start, stop

STORE = "rtvoice.usage."


def change_agent(hass: HomeAssistant, entry: MockConfigEntry, **options: object) -> None:
    """Set options of the agent."""
    subentry = entry.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(entry, subentry, data={**subentry.data, **options})


def issue(hass: HomeAssistant, name: str = "budget") -> str | None:
    """What is said about the agent under Repairs."""
    found = ir.async_get(hass).async_get_issue(DOMAIN, f"{name}_{AGENT_ID}")
    return found.translation_key if found else None


def issue_of(hass: HomeAssistant, entry: MockConfigEntry) -> str | None:
    """What is said about an account under Repairs."""
    found = ir.async_get(hass).async_get_issue(DOMAIN, f"quota_exceeded_{entry.entry_id}")
    return found.translation_key if found else None


def value(hass: HomeAssistant, key: str) -> float:
    """The value of a sensor of the agent."""
    return float(state_of(hass, entity_of(hass, "sensor", AGENT_ID, key)).state)


async def converse(hass: HomeAssistant) -> dict[str, Any]:
    """Have a session in which the agent says something; gives what came of it."""
    waiting = hass.async_create_task(
        hass.services.async_call(
            DOMAIN, "start", {"entity_id": SATELLITE, "message": "Good morning."}, blocking=True, return_response=True
        )
    )
    await async_wait_for_state(hass, entity_of(hass, "sensor", SATELLITE_ID, "status"), "speaking")
    await async_wait_for_state(hass, entity_of(hass, "sensor", SATELLITE_ID, "status"), "listening")
    await stop(hass)
    response = await waiting
    assert response is not None
    return response


async def test_what_a_session_used_is_shown_while_it_runs_and_booked_once(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    assert [value(hass, key) for key in ("tokens", "cost", "cost_today")] == [0, 0, 0]
    response = await converse(hass)
    usage = response["usage"]
    tokens = sum(usage[key] for key in usage if key.startswith(("input_", "output_")))
    assert tokens > 0
    assert value(hass, "tokens") == tokens
    assert value(hass, "cost") == pytest.approx(usage["cost_usd"])
    assert value(hass, "cost_today") == value(hass, "cost") > 0

    again = await converse(hass)
    assert value(hass, "cost") == pytest.approx(usage["cost_usd"] + again["usage"]["cost_usd"])
    cost = state_of(hass, entity_of(hass, "sensor", AGENT_ID, "cost")).attributes
    today = state_of(hass, entity_of(hass, "sensor", AGENT_ID, "cost_today")).attributes
    assert (cost["unit_of_measurement"], cost["device_class"], cost["state_class"]) == ("USD", "monetary", "total")
    assert "last_reset" not in cost
    assert today["last_reset"] == dt_util.start_of_local_day().isoformat()
    tokens_shown = state_of(hass, entity_of(hass, "sensor", AGENT_ID, "tokens")).attributes
    assert tokens_shown["state_class"] == "total_increasing"


async def test_what_was_used_is_shown_before_the_session_ends(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    await start(hass, message="Good morning.")
    await async_wait_for_state(hass, entity_of(hass, "sensor", SATELLITE_ID, "status"), "speaking")
    status = entity_of(hass, "sensor", SATELLITE_ID, "status")
    await async_wait_for_state(hass, status, "listening")
    await async_wait_until(hass, lambda: value(hass, "tokens") > 0)
    assert state_of(hass, status).state == "listening"
    before = value(hass, "tokens")
    await stop(hass)
    assert value(hass, "tokens") == before


async def test_a_typed_message_is_booked_too(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    brain.plans.append(Plan((Say("Hello."),)))
    message = {"text": "Hello", "agent_id": AGENT}
    await hass.services.async_call("conversation", "process", message, blocking=True, return_response=True)
    assert value(hass, "tokens") > 0


async def test_it_outlives_a_reload_a_restart_and_its_time(
    hass: HomeAssistant, hass_storage: dict[str, Any], setup_integration: MockConfigEntry
) -> None:
    await converse(hass)
    tokens, cost = value(hass, "tokens"), value(hass, "cost")
    assert await hass.config_entries.async_unload(setup_integration.entry_id)
    stored = hass_storage[STORE + setup_integration.entry_id]["data"]["agents"][AGENT_ID]
    assert stored["tokens"] == tokens
    assert Decimal(stored["cost_usd"]) == pytest.approx(Decimal(cost))

    # A day of last year counts for the whole, and is not kept as a day.
    stored["days"]["2020-01-01"] = "5"
    assert await hass.config_entries.async_setup(setup_integration.entry_id)
    assert (value(hass, "tokens"), value(hass, "cost")) == (tokens, cost)
    await converse(hass)
    assert await hass.config_entries.async_unload(setup_integration.entry_id)
    assert list(hass_storage[STORE + setup_integration.entry_id]["data"]["agents"][AGENT_ID]["days"]) == [
        dt_util.now().date().isoformat()
    ]


async def test_what_is_gone_is_forgotten(
    hass: HomeAssistant, hass_storage: dict[str, Any], setup_integration: MockConfigEntry
) -> None:
    setup_integration.runtime_data.ledger.add(AGENT_ID, 10, Decimal(1))
    setup_integration.runtime_data.ledger.add("other", 10, Decimal(1))
    hass.config_entries.async_remove_subentry(setup_integration, AGENT_ID)
    await hass.async_block_till_done()
    key = STORE + setup_integration.entry_id
    assert list(hass_storage[key]["data"]["agents"]) == ["other"]
    assert await hass.config_entries.async_remove(setup_integration.entry_id)
    assert key not in hass_storage


async def test_nothing_that_was_counted_is_counted_again(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    runtime = setup_integration.runtime_data
    tab = Tab(hass, runtime.agents[AGENT_ID], runtime.ledger)
    tab.settle(UsageReport(input_text=100, cost_usd=Decimal("0.5")))
    tab.settle(UsageReport(input_text=100, cost_usd=Decimal("0.5")))
    tab.settle(UsageReport(input_text=40, cost_usd=Decimal("0.7")))
    assert (value(hass, "tokens"), value(hass, "cost")) == (100, 0.7)


async def test_what_has_no_price_makes_a_cost_incomplete(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, setup_integration: MockConfigEntry
) -> None:
    def shown() -> list[bool]:
        entities = [entity_of(hass, "sensor", AGENT_ID, key) for key in ("cost", "cost_today")]
        return [state_of(hass, entity).attributes["is_complete"] for entity in entities]

    runtime = setup_integration.runtime_data
    tab = Tab(hass, runtime.agents[AGENT_ID], runtime.ledger)
    tab.settle(UsageReport(input_text=100, cost_usd=Decimal("0.5")))
    assert shown() == [True, True]
    tab.settle(UsageReport(input_text=100, cost_usd=Decimal("0.5"), is_complete=False))
    assert shown() == [False, False]
    assert await hass.config_entries.async_reload(setup_integration.entry_id)
    assert shown() == [False, False]
    tomorrow = dt_util.start_of_local_day() + timedelta(days=1)
    freezer.move_to(tomorrow)
    async_fire_time_changed(hass, tomorrow)
    await hass.async_block_till_done()
    assert shown() == [False, True]


async def test_every_day_begins_with_nothing(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, setup_integration: MockConfigEntry
) -> None:
    runtime = setup_integration.runtime_data
    change_agent(hass, setup_integration, **{CONF_DAY_BUDGET: 2, CONF_MONTH_BUDGET: 100})
    freezer.move_to(dt_util.start_of_local_day() + timedelta(hours=12))
    runtime.ledger.add(AGENT_ID, 10, Decimal(2))
    runtime.agents[AGENT_ID].activity.changed()
    assert value(hass, "cost_today") == 2
    with pytest.raises(ServiceValidationError):
        await start(hass)

    tomorrow = dt_util.start_of_local_day() + timedelta(days=1)
    freezer.move_to(tomorrow)
    async_fire_time_changed(hass, tomorrow)
    await hass.async_block_till_done()
    assert (value(hass, "cost_today"), value(hass, "cost")) == (0, 2)
    today = state_of(hass, entity_of(hass, "sensor", AGENT_ID, "cost_today"))
    assert today.attributes["last_reset"] == tomorrow.isoformat()
    assert issue(hass) is None
    async_check_budget(runtime.agents[AGENT_ID], runtime.ledger)


@pytest.mark.parametrize(
    ("budget", "nearly", "used"),
    [
        (CONF_DAY_BUDGET, "day_budget_nearly_used", "day_budget_used"),
        (CONF_MONTH_BUDGET, "month_budget_nearly_used", "month_budget_used"),
    ],
)
async def test_a_budget_warns_and_then_forbids(
    hass: HomeAssistant, setup_integration: MockConfigEntry, budget: str, nearly: str, used: str
) -> None:
    entry = setup_integration
    change_agent(hass, entry, **{budget: 2.5})
    spend(hass, entry, "1.99")
    assert issue(hass) is None
    spend(hass, entry, "0.01")
    assert issue(hass) == nearly
    found = ir.async_get(hass).async_get_issue(DOMAIN, f"budget_{AGENT_ID}")
    assert found is not None
    assert found.translation_placeholders == {"agent": "Voice agent", "budget": "$2.50"}
    assert found.severity is ir.IssueSeverity.WARNING
    await start(hass)
    await stop(hass)

    spend(hass, entry, "0.5")
    assert issue(hass) == used
    told = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
    with pytest.raises(ServiceValidationError) as refusal:
        await start(hass)
    assert refusal.value.translation_key == used
    assert refusal.value.translation_placeholders == {"agent": "Voice agent", "budget": "$2.50"}
    assert [(one["event_type"], one["error_type"]) for one in told] == [("error", "budget_exceeded")]
    response = await hass.services.async_call(
        "conversation", "process", {"text": "Hello", "agent_id": AGENT}, blocking=True, return_response=True
    )
    assert response is not None
    speech = response["response"]["speech"]["plain"]["speech"]
    assert "has spent its budget of $2.50" in speech

    change_agent(hass, entry, **{budget: 5})
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert issue(hass) is None


def spend(hass: HomeAssistant, entry: MockConfigEntry, amount: str) -> None:
    """Book a cost as a session does."""
    agent = entry.runtime_data.agents[AGENT_ID]
    Tab(hass, agent, entry.runtime_data.ledger).settle(UsageReport(cost_usd=Decimal(amount)))


async def test_the_budget_of_which_least_is_left_counts(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    change_agent(hass, setup_integration, **{CONF_DAY_BUDGET: 1, CONF_MONTH_BUDGET: 100})
    spend(hass, setup_integration, "0.9")
    assert issue(hass) == "day_budget_nearly_used"
    change_agent(hass, setup_integration, **{CONF_DAY_BUDGET: 0, CONF_MONTH_BUDGET: 0.9})
    spend(hass, setup_integration, "0.001")
    assert issue(hass) == "month_budget_used"
    change_agent(hass, setup_integration, **{CONF_DAY_BUDGET: None, CONF_MONTH_BUDGET: None})
    spend(hass, setup_integration, "0.001")
    assert issue(hass) is None


async def test_a_session_ends_when_its_budget_is_spent(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    change_agent(hass, setup_integration, **{CONF_DAY_BUDGET: 0.00001})
    brain.plans.append(Plan((Say("The budget is spent. Goodbye."),)))
    told = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
    response = await hass.services.async_call(
        DOMAIN, "start", {"entity_id": SATELLITE, "message": "Good morning."}, blocking=True, return_response=True
    )
    assert response is not None
    assert response["end_reason"] == "budget_exceeded"
    # It says so, where it could be heard and where it can be seen.
    assert [turn["text"] for turn in response["turns"]] == ["Good morning.", "The budget is spent. Goodbye."]
    assert BUDGET_FAREWELL in (brain.contexts[-1].response_instructions or "")
    assert [one["reason"] for one in told if one["event_type"] == "session_ended"] == ["budget_exceeded"]
    assert issue(hass) == "day_budget_used"
    with pytest.raises(ServiceValidationError):
        await start(hass)
    assert await hass.config_entries.async_remove(setup_integration.entry_id)
    assert issue(hass) is None


async def test_options_that_make_no_sense_break_the_agent_only(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    change_agent(hass, mock_entry, **{CONF_REASONING_EFFORT: "enormous", CONF_DAY_BUDGET: 1})
    assert await hass.config_entries.async_setup(mock_entry.entry_id)
    assert mock_entry.state is ConfigEntryState.LOADED
    with pytest.raises(Exception, match="enormous") as failure:
        await start(hass)
    assert getattr(failure.value, "translation_key", None) == "configuration"
    assert await hass.config_entries.async_unload(mock_entry.entry_id)


async def test_a_model_that_will_be_shut_down_is_told_with_the_day(
    hass: HomeAssistant, mock_entry: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(mock_entry, data={**mock_entry.data, CONF_PROVIDER: PROVIDER_OPENAI})
    change_agent(hass, mock_entry, **{CONF_MODEL: "gpt-realtime", CONF_TRANSCRIPTION_MODEL: "whisper-1"})
    assert await hass.config_entries.async_setup(mock_entry.entry_id)
    found = ir.async_get(hass).async_get_issue(DOMAIN, f"model_retiring_{AGENT_ID}")
    assert found is not None
    assert found.translation_placeholders == {"agent": "Voice agent", "model": "gpt-realtime", "date": "2027-01-20"}
    change_agent(hass, mock_entry, **{CONF_MODEL: "gpt-realtime-2.1", CONF_TRANSCRIPTION_MODEL: "gpt-transcribe"})
    assert await hass.config_entries.async_reload(mock_entry.entry_id)
    assert issue(hass, "model_retiring") is None
    assert await hass.config_entries.async_unload(mock_entry.entry_id)


async def test_a_session_of_an_account_that_fails_goes_on_at_its_stand_in(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    async with Simulator(ScriptedBrain(), api_key="sk-other") as second:
        data = {CONF_PROVIDER: "compatible", "base_url": second.base_url, "api_key": "sk-other", "dialect": "ga"}
        other = MockConfigEntry(domain=DOMAIN, title="Other", data=data)
        other.add_to_hass(hass)
        change_agent(hass, mock_entry, fallback=other.entry_id)
        assert await hass.config_entries.async_setup(mock_entry.entry_id)
        await hass.async_block_till_done()
        assert other.state is ConfigEntryState.LOADED
        simulator.behaviour.refusal = "insufficient_quota"
        response = await converse(hass)
        assert [turn["text"] for turn in response["turns"]] == ["Good morning."]
        assert second.connections
        # What the user must see to is told all the same.
        assert issue_of(hass, mock_entry) == "quota_exceeded"
        assert issue_of(hass, other) is None
        simulator.behaviour.refusal = "invalid_api_key"
        await converse(hass)
        [flow] = hass.config_entries.flow.async_progress()
        assert (flow["context"]["source"], flow["context"]["entry_id"]) == ("reauth", mock_entry.entry_id)
        simulator.behaviour.refusal = None
        await converse(hass)
        assert issue_of(hass, mock_entry) is None
        simulator.behaviour.refusal = "insufficient_quota"

        # One that is not loaded cannot help.
        assert await hass.config_entries.async_unload(other.entry_id)
        with pytest.raises(Exception, match="credit"):
            await start(hass)
        assert second.violations == []
        assert await hass.config_entries.async_unload(mock_entry.entry_id)
