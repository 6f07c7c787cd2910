"""What the logbook says of what was done by voice, and who is said to have done it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import Event, HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser, async_capture_events
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rtvoice.bridge.herald import target_of
from custom_components.rtvoice.const import DOMAIN, EVENT_ACTIVITY
from custom_components.rtvoice.logbook import async_describe_activity
from simulator import Call, Plan, Say, ScriptedBrain, Turn

from .conftest import SATELLITE_ID
from .house import AGENT, LIGHT, SATELLITE, async_build_house, async_wait_for_state, context_of, entity_of, speak_into


@pytest.fixture(autouse=True)
async def home(recorder_mock: object, hass: HomeAssistant, enable_custom_integrations: None) -> None:
    """Home Assistant with a recorder, which must be there first."""
    assert await async_setup_component(hass, "homeassistant", {})


@pytest.fixture
def spoken(brain: ScriptedBrain, microphone: Path) -> None:
    """Somebody asks for the light, and for a thing that there is not."""
    speak_into(microphone)
    light = Call("intent__HassTurnOn", {"name": "Kitchen light", "domain": ["light"]})
    moon = Call("intent__HassTurnOn", {"name": "Moon"})
    brain.add(Turn("Turn on the light.", (Plan((light, moon)), Plan((Say("The light is on.", seconds=0.3),)))))


async def converse(hass: HomeAssistant, user: MockUser) -> None:
    context = context_of(user)
    await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True, context=context)
    await async_wait_for_state(hass, SATELLITE, "responding")
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True, context=context)
    await hass.async_block_till_done()


async def test_what_the_agent_does_is_done_by_who_asked_for_the_session(
    hass: HomeAssistant, setup_integration: MockConfigEntry, spoken: None, hass_admin_user: MockUser
) -> None:
    await async_build_house(hass)
    changes = async_capture_events(hass, "state_changed")
    activities = async_capture_events(hass, EVENT_ACTIVITY)
    calls = async_capture_events(hass, "call_service")
    await converse(hass, hass_admin_user)
    started = next(call for call in calls if call.data["service"] == "start")
    assert {activity.context.id for activity in activities} == {activities[0].context.id}
    context = activities[0].context
    assert context.parent_id == started.context.id
    assert context.user_id == hass_admin_user.id
    (light,) = [
        change
        for change in changes
        if change.data["entity_id"] == LIGHT and change.data["new_state"] and change.data["new_state"].state == "on"
    ]
    assert context.id in (light.context.id, light.context.parent_id)
    event = entity_of(hass, "event", SATELLITE_ID, "activity")
    told = [change for change in changes if change.data["entity_id"] == event]
    assert {change.context.id for change in told} == {context.id}


async def test_what_an_automation_has_set_off_is_its_doing(
    hass: HomeAssistant, setup_integration: MockConfigEntry, spoken: None
) -> None:
    await async_build_house(hass)
    activities = async_capture_events(hass, EVENT_ACTIVITY)
    runs = async_capture_events(hass, "automation_triggered")
    changes = async_capture_events(hass, "state_changed")
    automation = {
        "triggers": [{"trigger": "event", "event_type": "ring"}],
        "actions": [{"action": f"{DOMAIN}.start", "target": {"entity_id": SATELLITE}}],
    }
    assert await async_setup_component(hass, "automation", {"automation": [automation]})
    hass.bus.async_fire("ring")
    await async_wait_for_state(hass, SATELLITE, "responding")
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)
    (run,) = runs
    assert {(activity.context.parent_id, activity.context.user_id) for activity in activities} == {
        (run.context.id, None)
    }
    ours = activities[0].context.id
    assert any(
        change.data["entity_id"] == LIGHT and ours in (change.context.id, change.context.parent_id)
        for change in changes
    )


async def test_what_is_told_to_the_logbook(
    hass: HomeAssistant, setup_integration: MockConfigEntry, spoken: None, hass_admin_user: MockUser
) -> None:
    await async_build_house(hass)
    activities = async_capture_events(hass, EVENT_ACTIVITY)
    await converse(hass, hass_admin_user)
    messages = [async_describe_activity(activity)["message"] for activity in activities]
    assert (messages[0], messages[-1]) == ("started a session", "ended a session")
    assert set(messages[1:-1]) == {
        "turned on Kitchen light (asked by voice)",
        "could not use HassTurnOn on Moon (asked by voice)",
    }
    assert {activity.data["entity_id"] for activity in activities} == {SATELLITE}
    assert {activity.data["agent"] for activity in activities} == {AGENT}
    assert all("arguments" not in activity.data for activity in activities)


async def test_the_logbook_shows_it(
    hass: HomeAssistant,
    setup_integration: MockConfigEntry,
    spoken: None,
    hass_admin_user: MockUser,
    hass_ws_client: WebSocketGenerator,
) -> None:
    hass.config.components.add("frontend")  # the pages of Home Assistant are no part of this
    assert await async_setup_component(hass, "logbook", {})
    await async_build_house(hass)
    begin = dt_util.utcnow() - timedelta(seconds=1)
    await converse(hass, hass_admin_user)
    await async_wait_recording_done(hass)
    client = await hass_ws_client()
    await client.send_json_auto_id(
        {"type": "logbook/get_events", "start_time": begin.isoformat(), "entity_ids": [SATELLITE, LIGHT]}
    )
    entries: list[dict[str, Any]] = (await client.receive_json())["result"]
    (deed,) = [entry for entry in entries if "turned on" in str(entry.get("message"))]
    assert deed["name"] == "Local satellite"
    assert deed["message"] == "turned on Kitchen light (asked by voice)"
    assert deed["entity_id"] == SATELLITE
    (light,) = [entry for entry in entries if entry.get("entity_id") == LIGHT and entry.get("state") == "on"]
    assert light["context_user_id"] == hass_admin_user.id
    assert light["context_entity_id"] == SATELLITE
    assert (light["context_name"], light["context_message"]) == ("Local satellite", "started a session")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"tool": "intent__HassTurnOff", "target": "light in Kitchen"}, "turned off light in Kitchen"),
        ({"tool": "intent__HassTurnOff", "target": None}, "used HassTurnOff"),
        ({"tool": "weather", "target": "Home"}, "used weather on Home"),
    ],
)
def test_how_deeds_are_told(data: dict[str, object], message: str) -> None:
    event = Event(EVENT_ACTIVITY, {"activity": "tool_called", **data})
    assert async_describe_activity(event)["message"] == f"{message} (asked by voice)"


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        ('{"name": "Kitchen light", "brightness": 10}', "Kitchen light"),
        ('{"domain": ["light", "fan"], "area": "Kitchen"}', "light, fan in Kitchen"),
        ('{"floor": "Attic"}', "everything in Attic"),
        ('{"entity_id": ["light.a", "light.b"]}', "light.a, light.b"),
        ('{"query": "something private"}', None),
        ('{"name": ""}', None),
        ("[1]", None),
        ("{no json", None),
        (f'{{"name": "{"x" * 300}"}}', "x" * 100),
    ],
)
def test_of_the_arguments_only_the_target_is_told(arguments: str, target: str | None) -> None:
    assert target_of(arguments) == target
