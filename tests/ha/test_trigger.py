"""Triggers and conditions, in automations that use them."""

from pathlib import Path
from typing import Any

import probatio
import pytest
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import condition, trigger
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_mock_service

from custom_components.rtvoice.const import DOMAIN
from simulator import Plan, Say, ScriptedBrain, Turn

from .conftest import AGENT_ID, SATELLITE_ID
from .house import AGENT, SATELLITE, async_wait_for_state, async_wait_until, device_of, entity_of, speak_into, state_of

TRIGGERED = "test_triggered"


async def automate(hass: HomeAssistant, *triggers: dict[str, Any]) -> list[dict[str, Any]]:
    """Note from now on what these triggers tell an automation."""
    told: list[dict[str, Any]] = []

    @callback
    def async_note(event: Event) -> None:
        told.append(event.data["trigger"])

    hass.bus.async_listen(TRIGGERED, async_note)
    automation = {
        "mode": "queued",
        "triggers": list(triggers),
        "actions": [{"event": TRIGGERED, "event_data": {"trigger": "{{ trigger }}"}}],
    }
    assert await async_setup_component(hass, "automation", {"automation": [automation]})
    await hass.async_block_till_done()
    assert len(hass.states.async_entity_ids("automation")) == 1
    assert state_of(hass, hass.states.async_entity_ids("automation")[0]).state == "on"
    return told


def on(name: str, entity_id: str = SATELLITE, **options: object) -> dict[str, Any]:
    """A trigger of ours."""
    return {"trigger": f"{DOMAIN}.{name}", "target": {"entity_id": entity_id}, "options": options}


async def converse(hass: HomeAssistant) -> None:
    """Let one spoken turn be answered."""
    status = entity_of(hass, "sensor", SATELLITE_ID, "status")
    await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True)
    await async_wait_for_state(hass, status, "speaking")
    await async_wait_for_state(hass, status, "listening")
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)
    await hass.async_block_till_done()


@pytest.fixture
def spoken(brain: ScriptedBrain, microphone: Path) -> None:
    speak_into(microphone)
    brain.add(Turn("Okay, wait. Good NIGHT, everyone!", (Plan((Say("Sleep well.", seconds=0.3),)),)))


@pytest.mark.parametrize("entity_id", [SATELLITE, AGENT])
async def test_a_session_triggers_automations(
    hass: HomeAssistant, setup_integration: MockConfigEntry, spoken: None, entity_id: str
) -> None:
    names = ("session_started", "user_started_speaking", "assistant_started_speaking", "session_ended")
    told = await automate(hass, *(on(name, entity_id) for name in names))
    await converse(hass)
    assert [trigger["idx"] for trigger in told] == ["0", "1", "2", "3"]
    assert {(trigger["entity_id"], trigger["agent"]) for trigger in told} == {(SATELLITE, AGENT)}
    assert len({trigger["session_id"] for trigger in told}) == 1
    assert told[-1]["reason"] == "stopped"
    assert told[0]["description"] == "session started on Local satellite"


async def test_a_place_triggers_once(hass: HomeAssistant, setup_integration: MockConfigEntry, spoken: None) -> None:
    kitchen = ar.async_get(hass).async_create("Kitchen")
    target = {"trigger": f"{DOMAIN}.session_started", "target": {"area_id": kitchen.id}}
    told = await automate(hass, target)
    for party in (AGENT_ID, SATELLITE_ID):
        device = device_of(hass, setup_integration.entry_id, party)
        dr.async_get(hass).async_update_device(device.id, area_id=kitchen.id)
    await converse(hass)
    assert len(told) == 1


async def test_others_are_not_triggered(hass: HomeAssistant, setup_integration: MockConfigEntry, spoken: None) -> None:
    told = await automate(hass, on("session_started", "assist_satellite.attic"), on("phrase_said", phrase="good day"))
    await converse(hass)
    assert told == []


async def test_an_announcement_is_no_session(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    told = await automate(hass, on("session_started"), on("session_ended"), on("assistant_started_speaking"))
    await hass.services.async_call(
        "assist_satellite",
        "announce",
        {"entity_id": SATELLITE, "message": "Dinner!", "preannounce": False},
        blocking=True,
    )
    await hass.async_block_till_done()
    assert [trigger["idx"] for trigger in told] == ["2"]


@pytest.mark.parametrize(
    ("phrase", "slots"),
    [
        ("good night everyone", {}),
        (["good morning", "good (night|evening) [everyone]"], {}),
        ("good night {whom}", {"whom": "everyone"}),
        ("okay wait good night everyone", {}),
    ],
)
async def test_a_phrase_triggers(
    hass: HomeAssistant,
    setup_integration: MockConfigEntry,
    spoken: None,
    phrase: str | list[str],
    slots: dict[str, str],
) -> None:
    told = await automate(hass, on("phrase_said", phrase=phrase))
    await converse(hass)
    assert len(told) == 1
    assert told[0]["phrase"] == (phrase if isinstance(phrase, str) else phrase[1])
    assert told[0]["text"] == "Okay, wait. Good NIGHT, everyone!"
    assert {name: text.strip(" !") for name, text in told[0]["slots"].items()} == slots


async def test_an_ending_is_heard_while_the_account_is_unloaded(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    told = await automate(hass, on("session_ended"))
    await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True)
    assert await hass.config_entries.async_unload(setup_integration.entry_id)
    await hass.async_block_till_done()
    assert [trigger["reason"] for trigger in told] == ["stopped"]


@pytest.mark.parametrize(
    "config",
    [
        {"trigger": f"{DOMAIN}.session_started"},
        on("session_started", color="red"),
        on("phrase_said"),
        on("phrase_said", phrase=[]),
        on("phrase_said", phrase="(good night"),
        on("phrase_said", phrase="!"),
    ],
)
async def test_what_triggers_do_not_take(
    hass: HomeAssistant, setup_integration: MockConfigEntry, config: dict[str, Any]
) -> None:
    with pytest.raises(probatio.Invalid):
        await trigger.async_validate_trigger_config(hass, cv.TRIGGER_SCHEMA([config]))


async def test_home_assistant_describes_them(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    await automate(hass, on("session_started"))
    triggers = await trigger.async_get_all_descriptions(hass)
    assert triggers[f"{DOMAIN}.phrase_said"]["fields"]["phrase"]["required"] is True
    conditions = await condition.async_get_all_descriptions(hass)
    assert set(conditions[f"{DOMAIN}.is_speaking"]["fields"]) == {"who", "behavior"}


async def holds(hass: HomeAssistant, name: str, target: object = SATELLITE, **options: object) -> bool | None:
    """Whether a condition of ours holds."""
    config = {"condition": f"{DOMAIN}.{name}", "target": {"entity_id": target}, "options": options}
    checked = await condition.async_validate_condition_config(hass, config)
    checker = await condition.async_from_config(hass, checked)
    result = checker.async_check()
    checker.async_unload()
    return result


async def test_conditions_hold_as_long_as_they_are_true(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    both = [SATELLITE, AGENT]
    speaking = entity_of(hass, "binary_sensor", SATELLITE_ID, "assistant_speaking")
    assert await holds(hass, "is_in_session") is False
    assert await holds(hass, "is_speaking") is False
    await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE, "message": "A story. " * 9}, blocking=True)
    await async_wait_for_state(hass, speaking, "on")
    assert await holds(hass, "is_in_session", both, behavior="all") is True
    assert await holds(hass, "is_speaking") is True
    assert await holds(hass, "is_speaking", AGENT, who="assistant") is True
    assert await holds(hass, "is_speaking", who="user") is False
    assert await holds(hass, "is_in_session", "assist_satellite.attic", behavior="all") is False
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)
    await async_wait_until(hass, lambda: state_of(hass, SATELLITE).state == "idle")
    assert await holds(hass, "is_in_session", both) is False


async def test_a_condition_holds_an_automation_back(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    calls = async_mock_service(hass, "test", "act")
    in_session = {"condition": f"{DOMAIN}.is_in_session", "target": {"entity_id": SATELLITE}}
    automation = {
        "triggers": [{"trigger": "event", "event_type": "ring"}],
        "conditions": [in_session],
        "actions": [{"action": "test.act"}],
    }
    assert await async_setup_component(hass, "automation", {"automation": [automation]})
    hass.bus.async_fire("ring")
    await hass.async_block_till_done()
    assert calls == []
    await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True)
    hass.bus.async_fire("ring")
    await hass.async_block_till_done()
    assert len(calls) == 1
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)


@pytest.mark.parametrize("options", [{"behavior": "some"}, {"who": "nobody"}])
async def test_what_conditions_do_not_take(
    hass: HomeAssistant, setup_integration: MockConfigEntry, options: dict[str, object]
) -> None:
    with pytest.raises(probatio.Invalid):
        await holds(hass, "is_speaking", **options)
