"""Actions of Home Assistant as tools of an agent, and what is told of what came of them."""

import sys
from types import ModuleType
from typing import Any

import pytest
from homeassistant.components import conversation
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant, ServiceCall, SupportsResponse
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.service import async_register_admin_service, async_set_service_schema
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from simulator import Call, Plan, Say, ScriptedBrain

from .browser import Commands
from .conftest import SATELLITE_ID
from .house import AGENT, LIGHT, SATELLITE, async_build_house, context_of, entity_of, state_of
from .test_policy import LOCK, Schemer, async_build_locks, say, set_options
from .test_websocket_api import answered, of_type

TURN_ON = "light__turn_on"


async def use(
    hass: HomeAssistant, brain: ScriptedBrain, *calls: Call, context: Context | None = None
) -> list[dict[str, Any]]:
    """Have the model make these calls one after the other. Returns what it was told of them."""
    schemer = Schemer(brain, *((lambda _, call=call: Plan((call,))) for call in calls), say("Done."))
    await conversation.async_converse(hass, "Do it", None, context or Context(), language="en", agent_id=AGENT)
    return schemer.told


def offered(brain: ScriptedBrain) -> dict[str, dict[str, Any]]:
    """The tools that the model was last offered, by name."""
    return {tool["name"]: tool for tool in brain.contexts[-1].tools}


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for the library of cameras, which Home Assistant imports to check descriptions of actions."""
    turbojpeg = ModuleType("turbojpeg")
    turbojpeg.TurboJPEG = lambda: None
    monkeypatch.setitem(sys.modules, "turbojpeg", turbojpeg)


@pytest.fixture
async def house(hass: HomeAssistant, setup_integration: MockConfigEntry, pictures: None) -> MockConfigEntry:
    """A kitchen with a light, and a light in the attic that nobody is shown."""
    await async_build_house(hass)
    kitchen = ar.async_get(hass).async_create("Kitchen")
    er.async_get(hass).async_update_entity(LIGHT, area_id=kitchen.id)
    hass.states.async_set("light.attic", "off", {"friendly_name": "Attic"})
    async_expose_entity(hass, "conversation", "light.attic", False)
    set_options(hass, setup_integration, actions=["light.turn_on", "light.turn_off"])
    await hass.async_block_till_done()
    return setup_integration


async def test_the_schema_is_the_actions_own(hass: HomeAssistant, brain: ScriptedBrain, house: MockConfigEntry) -> None:
    await use(hass, brain)
    tool = offered(brain)[TURN_ON]
    assert tool["description"].startswith("Turns on")
    properties = tool["parameters"]["properties"]
    assert properties["targets"]["items"]["enum"] == [LIGHT]
    assert "Kitchen light" in properties["targets"]["description"]
    assert tool["parameters"]["required"] == ["targets"]
    assert properties["brightness_pct"]["maximum"] == 100
    assert properties["brightness_pct"]["description"]
    assert "entity_id" not in properties


@pytest.mark.parametrize("target", [LIGHT, "kitchen light", "Kitchen"])
async def test_targets_are_ids_names_or_areas(
    hass: HomeAssistant, brain: ScriptedBrain, house: MockConfigEntry, target: str
) -> None:
    (told,) = await use(hass, brain, Call(TURN_ON, {"targets": [target]}))
    assert state_of(hass, LIGHT).state == "on"
    assert told == {"success": True, "states": {LIGHT: {"state": "on", "color_mode": "onoff"}}, "verified": True}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"targets": ["Attic"]}, "exposed"),
        ({"targets": ["light.attic"]}, "not exposed"),
        ({"targets": ["Cellar"]}, "name"),
        ({"targets": [LIGHT, "binary_sensor.window"]}, "cannot be used on"),
        ({"targets": []}, "targets is missing"),
        ({}, "targets is missing"),
        ({"targets": [LIGHT], "brightness_pct": 900}, ""),
        ({"targets": [LIGHT], "entity_id": "light.attic"}, ""),
        ({"targets": [LIGHT], "area_id": "attic"}, ""),
        ({"targets": [LIGHT], "profile": "light.attic"}, "not exposed"),
    ],
)
async def test_what_an_action_is_not_called_with(
    hass: HomeAssistant, brain: ScriptedBrain, house: MockConfigEntry, arguments: dict[str, Any], text: str
) -> None:
    hass.states.async_set("binary_sensor.window", "on", {"device_class": "window"})
    async_expose_entity(hass, "conversation", "binary_sensor.window", True)
    (told,) = await use(hass, brain, Call(TURN_ON, arguments))
    assert told["error"] in ("HomeAssistantError", "MatchFailedError", "MultipleInvalid")
    assert text in told["error_text"]
    assert state_of(hass, LIGHT).state == "off"


async def test_what_has_not_happened_is_told(hass: HomeAssistant, brain: ScriptedBrain, house: MockConfigEntry) -> None:
    async def ignore(call: ServiceCall) -> None:
        """Do nothing."""

    hass.services.async_register("input_boolean", "turn_on", ignore)
    told = await use(
        hass,
        brain,
        Call(TURN_ON, {"targets": [LIGHT]}),
        Call("intent__HassTurnOn", {"name": "Kitchen light", "domain": ["light"]}),
        Call("light__turn_off", {"targets": [LIGHT]}),
    )
    assert [one["verified"] for one in told] == [False, False, True]
    assert told[0]["states"] == {LIGHT: {"state": "off"}}


async def test_assist_says_which_states_followed(
    hass: HomeAssistant, brain: ScriptedBrain, house: MockConfigEntry
) -> None:
    (told,) = await use(hass, brain, Call("intent__HassTurnOn", {"area": "Kitchen", "domain": ["light"]}))
    assert told["states"][LIGHT]["state"] == "on"
    assert told["verified"] is True


async def test_responses_and_fields_that_name_entities(
    hass: HomeAssistant, brain: ScriptedBrain, house: MockConfigEntry
) -> None:
    calls: list[dict[str, Any]] = []

    async def forecast(call: ServiceCall) -> dict[str, Any]:
        calls.append(dict(call.data))
        return {"forecast": "rain"}

    hass.services.async_register("odd", "forecast", forecast, supports_response=SupportsResponse.ONLY)
    fields = {
        "lamp": {"description": "A lamp.", "required": True, "selector": {"entity": {"domain": "light"}}},
        "lamps": {"selector": {"entity": {"multiple": True}}},
        "more": {"fields": {"days": {"selector": {"number": {"min": 1, "max": 7}}}}},
        "where": {"selector": {"area": {}}},
        "raw": {},
    }
    async_set_service_schema(hass, "odd", "forecast", {"name": "Forecast", "description": "Look.", "fields": fields})
    set_options(hass, house, actions=["odd.forecast"])
    arguments = {"lamp": "Kitchen light", "lamps": ["Kitchen light"], "days": 3, "raw": {"a": ["b"]}}
    told = await use(
        hass,
        brain,
        Call("odd__forecast", arguments),
        Call("odd__forecast", {"lamp": "Attic"}),
        Call("odd__forecast", {**arguments, "raw": {"light.attic": 1}}),
    )
    assert told[0] == {"response": {"forecast": "rain"}}
    assert calls == [{"lamp": LIGHT, "lamps": [LIGHT], "days": 3, "raw": {"a": ["b"]}}]
    assert told[1]["error"] == "MatchFailedError"
    assert "not exposed" in told[2]["error_text"]
    parameters = offered(brain)["odd__forecast"]["parameters"]
    assert set(parameters["properties"]) == {"lamp", "lamps", "days", "raw"}
    assert parameters["required"] == ["lamp"]


async def test_scripts(hass: HomeAssistant, brain: ScriptedBrain, house: MockConfigEntry) -> None:
    sequence = [
        {"action": "light.turn_on", "target": {"entity_id": LIGHT}},
        {"variables": {"answer": {"said": "{{ word }}"}}},
        {"stop": "", "response_variable": "answer"},
    ]
    fields = {"word": {"description": "A word.", "required": True, "selector": {"text": {}}}}
    assert await async_setup_component(
        hass, "script", {"script": {"good_night": {"sequence": sequence, "fields": fields}}}
    )
    set_options(hass, house, actions=["script.good_night"])
    (told,) = await use(hass, brain, Call("script__good_night", {"word": "Sleep"}))
    assert told["response"] == {"said": "Sleep"}
    assert state_of(hass, LIGHT).state == "on"


async def test_dangerous_actions_need_a_tick_and_the_rules_hold_for_them(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, pictures: None
) -> None:
    await async_build_locks(hass)
    set_options(hass, setup_integration, actions=["lock.unlock", "rtvoice.send_message", "light.nothing"])
    await use(hass, brain)
    assert not {"lock__unlock", "rtvoice__send_message", "light__nothing"} & set(offered(brain))
    set_options(hass, setup_integration, dangerous_actions=["lock.unlock", "rtvoice.send_message"])
    (told,) = await use(hass, brain, Call("lock__unlock", {"targets": [LOCK]}))
    assert told["confirmation_required"] == "Front door"
    assert state_of(hass, LOCK).state == "locked"
    assert "rtvoice__send_message" not in offered(brain)


async def test_actions_for_administrators(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    house: MockConfigEntry,
    hass_admin_user: MockUser,
    hass_read_only_user: MockUser,
) -> None:
    called: list[ServiceCall] = []
    async_register_admin_service(hass, "odd", "tidy", called.append)
    set_options(hass, house, actions=["odd.tidy"])
    await use(hass, brain)
    assert "odd__tidy" not in offered(brain)
    set_options(hass, house, actions=[], dangerous_actions=["odd.tidy"], sensitive_permission="allow")
    await use(hass, brain, context=context_of(hass_read_only_user))
    assert "odd__tidy" not in offered(brain)
    told = await use(hass, brain, Call("odd__tidy"), context=context_of(hass_admin_user))
    assert told == [{"success": True}]
    assert called[0].context.user_id == hass_admin_user.id


async def test_the_rights_of_the_user_hold(
    hass: HomeAssistant, brain: ScriptedBrain, house: MockConfigEntry, hass_read_only_user: MockUser
) -> None:
    (told,) = await use(hass, brain, Call(TURN_ON, {"targets": [LIGHT]}), context=context_of(hass_read_only_user))
    assert told["error"] == "Unauthorized"
    assert state_of(hass, LIGHT).state == "off"


async def test_with_many_targets_they_are_named(
    hass: HomeAssistant, brain: ScriptedBrain, house: MockConfigEntry
) -> None:
    for number in range(101):
        hass.states.async_set(f"light.l{number}", "off")
        async_expose_entity(hass, "conversation", f"light.l{number}", True)
    await use(hass, brain)
    targets = offered(brain)[TURN_ON]["parameters"]["properties"]["targets"]
    assert "enum" not in targets["items"]
    assert "names of areas" in targets["description"]


async def test_tools_are_told_by_the_names_that_people_have_for_them(
    hass: HomeAssistant, brain: ScriptedBrain, pictures: None, two_browsers: MockConfigEntry, commands: Commands
) -> None:
    await async_build_house(hass)
    sequence = [{"event": "good_night"}]
    assert await async_setup_component(
        hass, "script", {"script": {"good_night": {"alias": "Time for bed", "sequence": sequence}}}
    )
    async_expose_entity(hass, "conversation", "script.good_night", should_expose=True)
    set_options(hass, two_browsers, actions=["light.toggle"])
    await hass.async_block_till_done()
    calls = (
        Call("script__good_night", {}),
        Call("light__toggle", {"targets": [LIGHT]}),
        Call("get_state", {"names": ["Kitchen light"]}),
    )
    brain.plans.extend((Plan(calls), Plan((Say("Done.", seconds=0.3),))))
    told = await commands.follow(SATELLITE)
    await commands.result("session/start", entity_id=SATELLITE)
    await commands.result("session/send_message", entity_id=SATELLITE, text="Good night.")
    await commands.until(answered(told, "Done."))
    names = {tool["call_id"]: tool["name"] for tool in of_type(told, "tool")}
    assert sorted(names.values()) == ["Get state", "Time for bed", "Toggle light"]
    # Who comes later is told the same, and automations go on with Home Assistant's names.
    snapshot = (await commands.follow(SATELLITE))[0]
    assert sorted(tool["name"] for tool in snapshot["tools"]) == sorted(names.values())
    last = state_of(hass, entity_of(hass, "sensor", SATELLITE_ID, "last_tool")).state
    assert last in {"script__good_night", "light__toggle", "get_state"}
    await commands.result("session/stop", entity_id=SATELLITE)
