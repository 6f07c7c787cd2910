"""The blueprints, each made into an automation and run against the simulator."""

import shutil
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.calendar import CalendarEntity, CalendarEvent
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.rtvoice import const
from custom_components.rtvoice.const import DOMAIN
from simulator import Call, Plan, Say, ScriptedBrain, Simulator, Turn

from .conftest import SATELLITE_ID
from .house import SATELLITE, async_wait_for_state, async_wait_until, entity_of, speak_into, state_of
from .test_services import PNG, Doorbell

BLUEPRINTS = Path(const.__file__).parents[2] / "blueprints"
AUTOMATION = "automation.under_test"


@pytest.fixture(autouse=True)
async def blueprints(hass: HomeAssistant, tmp_path: Path) -> AsyncGenerator[None]:
    """The user has imported all of them; at the end the automation is turned off."""
    hass.config.config_dir = str(tmp_path / "config")
    target = tmp_path / "config" / "blueprints"
    await hass.async_add_executor_job(shutil.copytree, BLUEPRINTS, target)
    yield
    await hass.services.async_call("automation", "turn_off", {"entity_id": AUTOMATION}, blocking=True)


async def automate(hass: HomeAssistant, name: str, **inputs: object) -> None:
    """Make an automation of a blueprint."""
    automation = {
        "id": "under_test",
        "alias": "Under test",
        "use_blueprint": {"path": f"rtvoice/{name}.yaml", "input": {"satellite": SATELLITE, **inputs}},
    }
    assert await async_setup_component(hass, "automation", {"automation": [automation]})
    await hass.async_block_till_done()
    assert state_of(hass, AUTOMATION).state == "on"


async def press(hass: HomeAssistant) -> str:
    """A button that was never pressed before, and how to press it."""
    assert await async_setup_component(hass, "input_button", {"input_button": {"bell": {}}})
    return "input_button.bell"


async def ring(hass: HomeAssistant) -> None:
    await hass.services.async_call("input_button", "press", {"entity_id": "input_button.bell"}, blocking=True)


async def stop(hass: HomeAssistant) -> None:
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)


def sent(simulator: Simulator, kind: str) -> list[dict[str, Any]]:
    """All parts of this kind that were sent in messages."""
    created = [event for event in simulator.client_events if event["type"] == "conversation.item.create"]
    return [part for event in created for part in event["item"].get("content", []) if part["type"] == kind]


async def test_the_agent_tells_who_is_at_the_door(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    assert await async_setup_component(hass, "image", {})
    await hass.data["image"].async_add_entities([Doorbell(hass, PNG)])
    brain.plans.append(Plan((Say("A man with a parcel. Shall I open?", seconds=0.4),)))
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await automate(hass, "doorbell_conversation", doorbell=await press(hass), camera="image.doorbell")
    await ring(hass)
    await async_wait_for_state(hass, said, "A man with a parcel. Shall I open?")
    assert len(sent(simulator, "input_image")) == 1
    assert "The doorbell rang just now." in sent(simulator, "input_text")[0]["text"]
    await async_wait_for_state(hass, SATELLITE, "listening")

    brain.plans.append(Plan((Say("Somebody rang again.", seconds=0.4),)))
    await ring(hass)
    await async_wait_for_state(hass, said, "Somebody rang again.")
    assert len(simulator.connections) == 1
    await stop(hass)


async def test_a_doorbell_without_a_camera(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    brain.plans.append(Plan((Say("Somebody rang.", seconds=0.4),)))
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await automate(hass, "doorbell_conversation", doorbell=await press(hass), instructions="Say so.")
    await ring(hass)
    await async_wait_for_state(hass, said, "Somebody rang.")
    assert sent(simulator, "input_image") == []
    assert sent(simulator, "input_text")[0]["text"] == "The doorbell rang just now. Say so."
    await stop(hass)


@pytest.mark.parametrize("greeting", ["", "Yes?"])
async def test_a_wake_word_starts_a_session(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry, greeting: str
) -> None:
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await automate(hass, "wake_word_session", wake=await press(hass), greeting=greeting, inactivity_timeout=60)
    await ring(hass)
    await async_wait_for_state(hass, SATELLITE, "listening")
    if greeting:
        await async_wait_for_state(hass, said, greeting)
    await ring(hass)
    await hass.async_block_till_done()
    assert len(simulator.connections) == 1
    await stop(hass)


async def test_what_comes_back_is_no_wake_word(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    hass.states.async_set("wake_word.ears", "unavailable")
    await automate(hass, "wake_word_session", wake="wake_word.ears")
    hass.states.async_set("wake_word.ears", "2026-11-24T07:00:00+00:00")
    await hass.async_block_till_done()
    assert simulator.connections == []
    hass.states.async_set("wake_word.ears", "2026-11-24T07:01:00+00:00")
    await async_wait_for_state(hass, SATELLITE, "listening")
    await stop(hass)


@pytest.fixture
async def garage(hass: HomeAssistant) -> str:
    """A garage door that is closed."""
    assert await async_setup_component(hass, "input_boolean", {"input_boolean": {"garage": {}}})
    switch = {"target": {"entity_id": "input_boolean.garage"}}
    cover = {
        "name": "Garage",
        "unique_id": "garage",
        "device_class": "garage",
        "state": "{{ 'open' if is_state('input_boolean.garage', 'on') else 'closed' }}",
        "open_cover": {"action": "input_boolean.turn_on", **switch},
        "close_cover": {"action": "input_boolean.turn_off", **switch},
    }
    assert await async_setup_component(hass, "template", {"template": [{"cover": [cover]}]})
    await hass.async_block_till_done()
    return "cover.garage"


async def leave_open(hass: HomeAssistant, garage: str, **inputs: object) -> None:
    """Open the garage, and see what the automation does about it."""
    no_answer = [{"event": "nobody_answered"}]
    await automate(
        hass,
        "garage_question",
        garage=garage,
        question="Close it?",
        open_for={"seconds": 0},
        no_answer=no_answer,
        **inputs,
    )
    await hass.services.async_call("cover", "open_cover", {"entity_id": garage}, blocking=True)


@pytest.mark.parametrize(
    ("words", "answer_id", "state"),
    [("Go on then.", "close", "closed"), ("I am still working there.", "leave", "open")],
)
async def test_the_answer_decides_about_the_garage(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    microphone: Path,
    garage: str,
    words: str,
    answer_id: str,
    state: str,
) -> None:
    unanswered = async_capture_events(hass, "nobody_answered")
    speak_into(microphone, pause_s=1.0)
    brain.add(Turn(words, (Plan((Call("give_answer", {"answer_id": answer_id}),)),)))
    await leave_open(hass, garage)
    await async_wait_for_state(hass, SATELLITE, "responding")
    assert state_of(hass, garage).state == "open"
    await async_wait_for_state(hass, SATELLITE, "idle")
    await hass.async_block_till_done()
    assert state_of(hass, garage).state == state
    assert unanswered == []


async def test_the_garage_is_asked_about_again_later(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path, garage: str
) -> None:
    speak_into(microphone, pause_s=1.0)
    brain.add(Turn("Not now!", (Plan((Say("All right.", seconds=0.2),)),)))
    brain.add(Turn("Yes, please.", (Plan((Say("Good.", seconds=0.2),)),)))
    await leave_open(hass, garage, ask_again={"milliseconds": 10})
    await async_wait_for_state(hass, garage, "closed")
    assert len(brain.turns_heard) == 2


async def test_nobody_answers_about_the_garage(
    hass: HomeAssistant, setup_integration: MockConfigEntry, garage: str
) -> None:
    unanswered = async_capture_events(hass, "nobody_answered")
    await leave_open(hass, garage)
    await async_wait_for_state(hass, SATELLITE, "responding")
    await stop(hass)
    await hass.async_block_till_done()
    assert len(unanswered) == 1
    assert state_of(hass, garage).state == "open"


async def test_the_question_waits_for_the_end_of_a_session(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path, garage: str
) -> None:
    await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True)
    await leave_open(hass, garage)
    await async_wait_for_state(hass, SATELLITE, "listening")
    speak_into(microphone, pause_s=1.0)
    brain.add(Turn("Yes.", (Plan((Call("give_answer", {"answer_id": "close"}),)),)))
    await stop(hass)
    await async_wait_for_state(hass, garage, "closed")


class Family(CalendarEntity):
    """A calendar with one appointment."""

    _attr_name = "Family"

    @property
    def event(self) -> CalendarEvent | None:
        return None

    async def async_get_events(self, hass: HomeAssistant, start_date, end_date) -> list[CalendarEvent]:
        start = start_date + timedelta(hours=3)
        return [CalendarEvent(start=start, end=start + timedelta(hours=1), summary="Dentist")]


@pytest.fixture
async def outlook(hass: HomeAssistant) -> dict[str, object]:
    """Weather and a calendar."""
    weather = {
        "name": "Home",
        "condition_template": "rainy",
        "temperature_template": "{{ 9 }}",
        "humidity_template": "{{ 80 }}",
        "forecast_daily_template": (
            "{{ [{'datetime': '2026-11-24T00:00:00+00:00', 'condition': 'snowy', 'temperature': 1}] }}"
        ),
    }
    assert await async_setup_component(hass, "template", {"template": [{"weather": [weather]}]})
    assert await async_setup_component(hass, "calendar", {})
    await hass.data["calendar"].async_add_entities([Family()])
    await hass.async_block_till_done()
    return {"weather": "weather.home", "calendars": ["calendar.family"]}


async def at_seven(hass: HomeAssistant) -> None:
    seven = dt_util.now().replace(hour=7, minute=0, second=0, microsecond=0)
    async_fire_time_changed(hass, seven if seven > dt_util.now() else seven + timedelta(days=1))


async def test_the_briefing_knows_the_day(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    outlook: dict[str, object],
) -> None:
    brain.plans.append(Plan((Say("Good morning! It will snow.", seconds=0.3),)))
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    hass.states.async_set("binary_sensor.hall", "off")
    await automate(hass, "morning_briefing", presence="binary_sensor.hall", wishes="Speak slowly.", **outlook)
    await at_seven(hass)
    await async_wait_until(hass, lambda: state_of(hass, AUTOMATION).attributes["current"] == 1)
    assert state_of(hass, SATELLITE).state == "idle"
    hass.states.async_set("binary_sensor.hall", "on")
    await async_wait_for_state(hass, said, "Good morning! It will snow.")
    told = brain.contexts[-1].response_instructions or ""
    for part in ("The weather now: rainy, 9", "snowy", "Dentist", "Speak slowly."):
        assert part in told
    await stop(hass)


async def test_the_briefing_does_with_what_there_is(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    await automate(hass, "morning_briefing")
    await at_seven(hass)
    await async_wait_for_state(hass, SATELLITE, "responding")
    told = brain.contexts[-1].response_instructions or ""
    assert "Wish a good morning" in told
    assert "weather" not in told
    assert "calendar" not in told
    await stop(hass)


async def test_there_is_no_briefing_on_days_off(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    await automate(hass, "morning_briefing", weekdays=[])
    await at_seven(hass)
    await hass.async_block_till_done()
    assert simulator.connections == []
