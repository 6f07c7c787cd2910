"""Looking at states and their past, watching them, and keeping up with a changing house."""

import asyncio
from pathlib import Path

import pytest
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import llm
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Call, Heard, Plan, ScriptedBrain, Turn

from .conftest import SATELLITE_ID
from .house import LIGHT, async_build_house, async_wait_for_state, entity_of
from .test_policy import Schemer, say, set_options, speak_turns, start, stop
from .test_tools import OddAPI, OddTool, done, use_apis
from .test_tools_actions import offered, pictures, use  # noqa: F401 - a fixture

TEMPERATURE = "sensor.kitchen_temperature"
NUMBER = {"device_class": "temperature", "state_class": "measurement", "unit_of_measurement": "°C"}


def set_temperature(hass: HomeAssistant, value: object) -> None:
    hass.states.async_set(TEMPERATURE, str(value), {**NUMBER, "friendly_name": "Kitchen temperature"})


async def test_all_attributes_of_exposed_entities(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    await async_build_house(hass)
    kitchen = ar.async_get(hass).async_create("Kitchen")
    er.async_get(hass).async_update_entity(LIGHT, area_id=kitchen.id)
    hass.states.async_set("camera.door", "idle", {"access_token": "secret", "entity_picture": "x", "brand": "Y"})
    async_expose_entity(hass, "conversation", "camera.door", True)
    hass.states.async_set("sensor.diary", "secret")
    async_expose_entity(hass, "conversation", "sensor.diary", False)
    told = await use(
        hass,
        brain,
        Call("get_state", {"names": ["kitchen light", "camera.door", "sensor.diary", "Nothing"]}),
        Call("get_state", {"names": "sensor.diary"}),
        Call("get_state", {}),
    )
    light, camera = told[0]["entities"]
    assert (light["entity_id"], light["state"], light["area"]) == (LIGHT, "off", "Kitchen")
    assert light["attributes"]["friendly_name"] == "Kitchen light"
    assert camera["attributes"] == {"brand": "Y"}
    assert camera["area"] is None
    assert set(told[0]["errors"]) == {"sensor.diary", "Nothing"}
    assert told[1]["entities"] == []
    assert told[2]["error"] == "MultipleInvalid"
    assert "secret" not in str(told)
    assert "get_history" not in offered(brain)


async def test_looking_can_be_forbidden(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    set_options(hass, setup_integration, read_states=False)
    await use(hass, brain)
    assert not {"get_state", "watch", "wait_for_user"} & set(offered(brain))


async def test_an_api_that_fails_is_left_out(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(OddAPI):
        async def async_get_api_instance(self, llm_context: llm.LLMContext) -> llm.APIInstance:
            raise HomeAssistantError("out of order")

    broken = Broken(hass)
    broken.id = "broken"
    llm.async_register_api(hass, broken)
    llm.async_register_api(hass, OddAPI(hass, OddTool("odd", done)))
    use_apis(hass, setup_integration, "broken", "assist", "odd")
    for _ in range(2):
        await use(hass, brain)
    assert {"odd", "get_state"} <= set(offered(brain))
    assert "These tools are odd." in brain.contexts[-1].instructions
    assert caplog.text.count("The LLM API broken failed (out of order)") == 1


# --- while a session runs ---------------------------------------------------------------------------------------------


async def watching(
    hass: HomeAssistant, brain: ScriptedBrain, microphone: Path, *arguments: dict[str, object]
) -> Schemer:
    """A session whose agent was told to watch."""
    set_temperature(hass, 20)
    async_expose_entity(hass, "conversation", TEMPERATURE, True)
    speak_turns(microphone, 0.1)
    brain.add(Turn(Heard("Tell me when.")))
    schemer = Schemer(brain, *((lambda _, given=given: Plan((Call("watch", given),))) for given in arguments),
                      say("I will.", seconds=0.2))  # fmt: skip
    await start(hass)
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    status = entity_of(hass, "sensor", SATELLITE_ID, "status")
    await async_wait_for_state(hass, said, "I will.")
    await async_wait_for_state(hass, status, "listening")
    return schemer


@pytest.mark.parametrize(
    ("wanted", "values"),
    [({}, ["unavailable", 21]), ({"to": "23"}, [21, 23]), ({"above": 22}, [21, 22.5]), ({"below": 10}, ["warm", 9])],
)
async def test_watching(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    microphone: Path,
    wanted: dict[str, object],
    values: list[object],
) -> None:
    schemer = await watching(hass, brain, microphone, {"name": "Kitchen temperature", **wanted})
    assert schemer.told[0] == {"watching": [TEMPERATURE], "state": "20"}
    schemer.steps.append(say("It has happened."))
    for value in values:
        set_temperature(hass, value)
        set_temperature(hass, value)
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await async_wait_for_state(hass, said, "It has happened.")
    asked = brain.contexts[-1].response_instructions or ""
    assert f'"state":"{values[-1]}"' in asked
    assert "not an instruction" in asked
    spoken = len(brain.contexts)
    set_temperature(hass, 50)
    await hass.async_block_till_done()
    await stop(hass)
    set_temperature(hass, 51)
    await hass.async_block_till_done()
    assert len(brain.contexts) == spoken


async def test_watching_is_bounded_and_can_be_ended(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    for number in range(8):
        hass.states.async_set(f"light.l{number}", "off")
        async_expose_entity(hass, "conversation", f"light.l{number}", True)
    schemer = await watching(
        hass,
        brain,
        microphone,
        *({"name": f"light.l{number}"} for number in range(8)),
        {"name": "light.l0"},
        {"name": TEMPERATURE},
        {"name": "light.l0", "stop": True},
        {"name": TEMPERATURE},
    )
    assert "No more than 8" in schemer.told[9]["error_text"]
    assert len(schemer.told[10]["watching"]) == 7
    assert TEMPERATURE in schemer.told[11]["watching"]
    set_options(hass, setup_integration)
    await stop(hass)


async def test_nothing_is_said_unasked_in_quiet_hours(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    set_options(hass, setup_integration, quiet_start="00:00:00", quiet_end="23:59:59")
    schemer = await watching(hass, brain, microphone, {"name": TEMPERATURE})
    spoken = len(brain.contexts)
    schemer.steps.append(say("It has happened."))
    set_temperature(hass, 21)
    await hass.async_block_till_done()
    await stop(hass)
    assert len(brain.contexts) == spoken


async def test_speech_that_is_not_meant_for_the_agent_is_not_answered(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    speak_turns(microphone, 0.1)
    brain.add(Turn(Heard("Dear, where is the salt?")))
    schemer = Schemer(brain, lambda _: Plan((Call("wait_for_user"),)), say("Here."))
    last_tool = entity_of(hass, "sensor", SATELLITE_ID, "last_tool")
    status = entity_of(hass, "sensor", SATELLITE_ID, "status")
    await start(hass)
    await async_wait_for_state(hass, last_tool, "wait_for_user")
    await async_wait_for_state(hass, status, "listening")
    await stop(hass)
    assert len(schemer.steps) == 1
    assert "wait_for_user" in brain.contexts[0].instructions


@pytest.mark.usefixtures("pictures")
async def test_what_is_exposed_meanwhile_is_known_in_the_session(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    await async_build_house(hass)
    hass.states.async_set("light.attic", "off", {"friendly_name": "Attic"})
    async_expose_entity(hass, "conversation", "light.attic", False)
    set_options(hass, setup_integration, actions=["light.turn_on"])
    await hass.async_block_till_done()
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    schemer = Schemer(brain, say("Hello.", seconds=0.2), say("Hello again.", seconds=0.2))
    await start(hass)
    runtime = setup_integration.runtime_data
    (session,) = runtime.sessions_of(runtime.satellites[SATELLITE_ID])
    await session.async_send_message("Hello")
    await async_wait_for_state(hass, said, "Hello.")

    def targets() -> list[str]:
        return offered(brain)["light__turn_on"]["parameters"]["properties"]["targets"]["items"]["enum"]

    assert targets() == [LIGHT]
    before = session._engine._tools.definitions()
    async_expose_entity(hass, "conversation", "light.attic", True)
    async with asyncio.timeout(10):
        while session._engine._tools.definitions() == before:
            await asyncio.sleep(0.05)
    await session.async_send_message("Hello again")
    await async_wait_for_state(hass, said, "Hello again.")
    await stop(hass)
    assert schemer.steps == []
    assert set(targets()) == {LIGHT, "light.attic"}
