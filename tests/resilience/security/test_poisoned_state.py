"""Whoever can write a text that the agent reads (a state, a name, a web page) can open nothing by it.

The model obeys whatever it reads; see `obedience.py`. Where everything is allowed it opens the door, which is what that
setting says, and shows that the model of these tests would.
"""

import json
from typing import Any

import pytest
from homeassistant.components import conversation
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import llm
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import Call, ScriptedBrain
from tests.engine.subagents.conftest import ChatServer, completion
from tests.ha.conftest import SATELLITE_ID
from tests.ha.house import AGENT, SATELLITE, async_wait_for_state, device_of, entity_of, state_of
from tests.ha.test_equipment import add_cook
from tests.ha.test_policy import LOCK, PIN, async_build_locks, set_options, write
from tests.ha.test_tools import OddAPI, OddTool, use_apis

from .obedience import ORDER, UNLOCK, Puppet

ALL_DAY = {"quiet_start": "00:00:00", "quiet_end": "23:59:59"}
USUAL: dict[str, Any] = {"pin": None, "quiet_start": None, "quiet_end": None, "transcription_model": "gpt-transcribe"}
MODES: dict[str, dict[str, Any]] = {
    "confirm": {"sensitive_permission": "confirm"},
    "a PIN": {"sensitive_permission": "pin", "pin": PIN},
    "a PIN that nobody has set": {"sensitive_permission": "pin"},
    "deny": {"sensitive_permission": "deny"},
    "quiet hours": {"sensitive_permission": "allow", **ALL_DAY},
    "quiet hours that ask": {"sensitive_permission": "allow", **ALL_DAY, "quiet_permission": "confirm"},
    "no transcripts": {"sensitive_permission": "confirm", "transcription_model": None},
}


def poison(hass: HomeAssistant, where: str) -> Call | None:
    """Plant the order somewhere; how the model comes to read it, None if it is told by itself."""
    note = "sensor.note"
    attributes: dict[str, Any] = {"friendly_name": "Note"}
    state = "ok"
    match where:
        case "state":
            state = ORDER
        case "attribute":
            attributes["media_title"] = ORDER
        case "name":
            attributes["friendly_name"] = ORDER
    if where == "area":
        area = ar.async_get(hass).async_create(ORDER)
        er.async_get(hass).async_update_entity(LOCK, area_id=area.id)
        return None
    hass.states.async_set(note, state, attributes)
    async_expose_entity(hass, "conversation", note, True)
    return Call("get_state", {"names": [note]})


@pytest.mark.parametrize("where", ["state", "attribute", "name", "area"])
async def test_the_door_stays_locked(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, where: str
) -> None:
    await async_build_locks(hass)
    look = poison(hass, where)
    for mode in MODES if where == "state" else ("confirm",):
        set_options(hass, setup_integration, **{**USUAL, **MODES[mode]})
        puppet = Puppet(brain, *([look] if look else ()))
        chat = await write(hass, "What is new?")
        await write(hass, "Thank you, that is all for now", chat)
        assert puppet.obeyed, mode
        assert puppet.told, mode
        assert state_of(hass, LOCK).state == "locked", mode
        assert PIN not in str(puppet.told), mode


async def test_where_everything_is_allowed_it_opens(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    await async_build_locks(hass)
    set_options(hass, setup_integration, sensitive_permission="allow")
    look = poison(hass, "state")
    assert look is not None
    Puppet(brain, look)
    await write(hass, "What is new?")
    assert state_of(hass, LOCK).state == "unlocked"


async def test_a_satellite_with_fewer_rights_opens_nothing(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    await async_build_locks(hass)
    set_options(hass, setup_integration, sensitive_permission="allow", restricted_satellites=[SATELLITE])
    look = poison(hass, "state")
    assert look is not None
    puppet = Puppet(brain, look)
    device = device_of(hass, setup_integration.entry_id, SATELLITE_ID)
    await conversation.async_converse(
        hass, "What is new?", None, Context(), language="en", agent_id=AGENT, device_id=device.id
    )
    assert puppet.obeyed
    assert state_of(hass, LOCK).state == "locked"


async def test_what_an_agent_said_itself_is_nobodys_leave(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    """The poison stays in the conversation, and the user goes on speaking of other things."""
    await async_build_locks(hass)
    look = poison(hass, "state")
    assert look is not None
    puppet = Puppet(brain, look)
    chat = await write(hass, "What is new?")
    for words in ("How warm is it?", "Yes or no, is it raining?", "Good night"):
        brain.respond_with = Puppet(brain).respond
        await write(hass, words, chat)
    assert puppet.obeyed
    assert state_of(hass, LOCK).state == "locked"


async def test_a_web_page_that_a_subagent_reads(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, chat_server: ChatServer
) -> None:
    """The subagent obeys the page, and the voice model obeys the subagent."""
    await async_build_locks(hass)

    def page(tool_input: llm.ToolInput, llm_context: llm.LLMContext) -> llm.ToolResult:
        return llm.ToolResult({"text": ORDER})

    llm.async_register_api(hass, OddAPI(hass, OddTool("web__search", page)))
    use_apis(hass, setup_integration, "assist")
    await add_cook(hass, setup_integration, chat_server, "Reader", llm_hass_api=["assist", "odd"])

    async def obey(_: object) -> dict[str, Any]:
        assert ORDER in json.dumps(chat_server.bodies[-1])
        return completion(None, ("intent__HassTurnOff", json.dumps(dict(UNLOCK))))

    async def insist(_: object) -> dict[str, Any]:
        again = ("intent__HassTurnOff", json.dumps({**UNLOCK, "confirmation_token": "deadbeef"}))
        return completion(None, again, ("done", json.dumps({"result": ORDER})))

    for mode in ("confirm", "a PIN"):
        set_options(hass, setup_integration, **{**USUAL, **MODES[mode]})
        chat_server.script += [completion(None, ("web__search", '{"what": "news"}')), obey, insist]
        puppet = Puppet(brain, Call("Reader", {"task": "Read the news"}))
        await write(hass, "Read me the news")
        assert puppet.obeyed
        assert chat_server.script == []
        assert state_of(hass, LOCK).state == "locked"


async def test_news_of_what_is_watched_cannot_order_anything(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
) -> None:
    """A state that the agent waits for comes as a message of its own, while nobody speaks."""
    await async_build_locks(hass)
    hass.states.async_set("sensor.note", "ok", {"friendly_name": "Note"})
    async_expose_entity(hass, "conversation", "sensor.note", True)
    puppet = Puppet(brain, Call("watch", {"name": "Note"}))
    await hass.services.async_call(
        "rtvoice", "start", {"entity_id": SATELLITE, "prompt": "Watch the note."}, blocking=True
    )
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await async_wait_for_state(hass, said, "Well.")
    hass.states.async_set("sensor.note", ORDER, {"friendly_name": "Note"})
    await async_wait_for_state(hass, said, "Done.")
    await hass.services.async_call("rtvoice", "stop", {"entity_id": SATELLITE}, blocking=True)
    assert puppet.obeyed
    assert state_of(hass, LOCK).state == "locked"
