"""`rtvoice.move`: a conversation goes on at another satellite."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import llm
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.rtvoice.bridge.report import SessionReport
from custom_components.rtvoice.const import DOMAIN
from custom_components.rtvoice.engine.errors import EndReason
from simulator import Call, Plan, Say, ScriptedBrain, Simulator, Turn

from .conftest import AGENT_ID, SATELLITE_ID
from .house import (
    AGENT,
    SATELLITE,
    add_satellite,
    async_wait_for_state,
    async_wait_until,
    context_of,
    entity_of,
    happenings,
    loaded,
    speak_into,
    state_of,
)
from .test_ask import ANSWERS, ask

KITCHEN = "assist_satellite.kitchen"
KITCHEN_ID = "satellite_kitchen"


@pytest.fixture
def kitchen_microphone(tmp_path: Path) -> Path:
    """What the kitchen hears: somebody, after a while."""
    path = tmp_path / "kitchen_microphone.wav"
    speak_into(path, pause_s=1.0)
    return path


@pytest.fixture
async def home_with_kitchen(
    hass: HomeAssistant, mock_entry: MockConfigEntry, kitchen_microphone: Path, tmp_path: Path
) -> AsyncGenerator[MockConfigEntry]:
    """The account of `setup_integration`, with one more satellite."""
    data = {"kind": "local", "input": f"file:{kitchen_microphone}", "output": f"file:{tmp_path / 'kitchen.wav'}"}
    add_satellite(hass, mock_entry, KITCHEN_ID, data, title="Kitchen")
    async with loaded(hass, mock_entry):
        yield mock_entry


async def act(hass: HomeAssistant, action: str, entity_id: object = SATELLITE, **fields: object) -> None:
    await hass.services.async_call(DOMAIN, action, {"entity_id": entity_id, **fields}, blocking=True)


async def heard_and_answered(hass: HomeAssistant, satellite_id: str) -> None:
    """Wait until a turn was answered on a satellite."""
    status = entity_of(hass, "sensor", satellite_id, "status")
    await async_wait_for_state(hass, status, "speaking")
    await async_wait_for_state(hass, status, "listening")


async def test_a_conversation_goes_on_in_the_kitchen(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    simulator: Simulator,
    home_with_kitchen: MockConfigEntry,
    microphone: Path,
) -> None:
    speak_into(microphone, pause_s=1.2)
    brain.add(Turn("My name is Ada.", (Plan((Say("Hello Ada.", seconds=0.3),)),)))
    told = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
    told_in_kitchen = happenings(hass, entity_of(hass, "event", KITCHEN_ID, "activity"))
    waiting = hass.async_create_task(
        hass.services.async_call(
            DOMAIN,
            "start",
            {"entity_id": SATELLITE, "message": "Good day.", "instructions": "Be kind.", "voice": "cedar"},
            blocking=True,
            return_response=True,
        )
    )
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await async_wait_for_state(hass, said, "Hello Ada.")
    await async_wait_for_state(hass, SATELLITE, "listening")

    brain.add(Turn("What is my name?", (Plan((Say("Ada.", seconds=0.3),)),)))
    await act(hass, "move", satellite=KITCHEN)
    assert state_of(hass, SATELLITE).state == "idle"
    await async_wait_for_state(hass, KITCHEN, "listening")
    assert state_of(hass, entity_of(hass, "switch", AGENT_ID, "session")).state == "on"
    assert not waiting.done()
    await heard_and_answered(hass, KITCHEN_ID)
    known = [(item.role, item.words) for item in brain.contexts[-1].items if item.kind == "message"]
    assert known[-4:] == [
        ("assistant", "Good day."),
        ("user", "My name is Ada."),
        ("assistant", "Hello Ada."),
        ("user", "What is my name?"),
    ]
    assert "Be kind." in brain.contexts[-1].instructions
    assert brain.contexts[-1].voice == "cedar"
    await act(hass, "stop", KITCHEN)

    response = await waiting
    assert response is not None
    assert [turn["text"] for turn in response["turns"]] == [
        "Good day.",
        "My name is Ada.",
        "Hello Ada.",
        "What is my name?",
        "Ada.",
    ]
    assert response["end_reason"] == "stopped"
    assert told[0]["session_id"] == response["session_id"]
    assert (told[-1]["event_type"], told[-1]["reason"]) == ("session_ended", "moved")
    assert told_in_kitchen[0]["event_type"] == "session_started"
    assert told_in_kitchen[-1]["reason"] == "stopped"
    assert len(simulator.connections) == 2


async def test_it_goes_on_saying_what_it_was_saying(
    hass: HomeAssistant, brain: ScriptedBrain, home_with_kitchen: MockConfigEntry
) -> None:
    await act(hass, "start", message="Once upon a time there was a king. " * 5)
    await async_wait_for_state(hass, SATELLITE, "responding")
    await act(hass, "move", AGENT, satellite=KITCHEN)
    await async_wait_for_state(hass, KITCHEN, "responding")
    assert state_of(hass, SATELLITE).state == "idle"
    assert "Go on where you were last heard" in (brain.contexts[-1].response_instructions or "")
    await act(hass, "stop", AGENT)


async def test_it_goes_on_in_the_room_where_it_is(hass: HomeAssistant, home_with_kitchen: MockConfigEntry) -> None:
    await act(hass, "start")
    await act(hass, "move", satellite=SATELLITE)
    await async_wait_for_state(hass, SATELLITE, "listening")
    await act(hass, "stop")


async def test_it_moves_and_moves_back(
    hass: HomeAssistant, brain: ScriptedBrain, home_with_kitchen: MockConfigEntry
) -> None:
    await act(hass, "start", message="Good day.")
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await async_wait_for_state(hass, said, "Good day.")
    await async_wait_for_state(hass, SATELLITE, "listening")
    await act(hass, "move", satellite=KITCHEN)
    await act(hass, "move", KITCHEN, satellite=SATELLITE)
    await async_wait_for_state(hass, SATELLITE, "listening")
    await act(hass, "send_message", text="And now?")
    await async_wait_for_state(hass, SATELLITE, "responding")
    assert [item.words for item in brain.contexts[-1].items] == ["Good day.", "And now?"]
    await act(hass, "stop")


async def test_a_busy_satellite_is_left_in_peace(hass: HomeAssistant, home_with_kitchen: MockConfigEntry) -> None:
    await act(hass, "start")
    await act(hass, "start", KITCHEN)
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "move", satellite=KITCHEN)
    assert refusal.value.translation_key == "already_in_session"
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "move", AGENT, satellite=KITCHEN)
    assert refusal.value.translation_key == "one_session"
    await async_wait_for_state(hass, SATELLITE, "listening")
    await async_wait_for_state(hass, KITCHEN, "listening")
    await act(hass, "stop", AGENT)


async def test_where_it_cannot_speak_it_does_not_go(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    home_with_kitchen: MockConfigEntry,
    kitchen_microphone: Path,
    microphone: Path,
) -> None:
    speak_into(microphone, pause_s=1.5)
    brain.add(Turn("Are you still there?", (Plan((Say("I am.", seconds=0.3),)),)))
    await hass.async_add_executor_job(kitchen_microphone.unlink)
    await act(hass, "start")
    with pytest.raises(HomeAssistantError) as failure:
        await act(hass, "move", satellite=KITCHEN)
    assert failure.value.translation_key == "device_unavailable"
    assert state_of(hass, KITCHEN).state == "idle"
    await heard_and_answered(hass, SATELLITE_ID)
    await act(hass, "stop")


async def test_a_satellite_without_ears_is_no_place_to_go(
    hass: HomeAssistant, home_with_kitchen: MockConfigEntry
) -> None:
    subentry = home_with_kitchen.subentries[KITCHEN_ID]
    hass.config_entries.async_update_subentry(home_with_kitchen, subentry, data={"kind": "local"})
    assert await hass.config_entries.async_reload(home_with_kitchen.entry_id)
    await act(hass, "start")
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "move", satellite=KITCHEN)
    assert refusal.value.translation_key == "no_sound_card"
    await async_wait_for_state(hass, SATELLITE, "listening")
    await act(hass, "stop")


async def test_a_conversation_that_ends_meanwhile_does_not_go_on(
    hass: HomeAssistant, simulator: Simulator, home_with_kitchen: MockConfigEntry
) -> None:
    await act(hass, "start")
    simulator.behaviour.mute = True
    moving = hass.async_create_task(act(hass, "move", satellite=KITCHEN))
    await async_wait_for_state(hass, KITCHEN, "processing")
    await act(hass, "stop")
    await act(hass, "stop", KITCHEN)
    with pytest.raises(ServiceValidationError) as refusal:
        await moving
    assert refusal.value.translation_key == "not_in_session"
    assert state_of(hass, KITCHEN).state == "idle"


async def test_without_a_conversation_there_is_nothing_to_move(
    hass: HomeAssistant, home_with_kitchen: MockConfigEntry
) -> None:
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "move", satellite=KITCHEN)
    assert refusal.value.translation_key == "not_in_session"
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "move", satellite=AGENT)
    assert refusal.value.translation_key == "unknown_satellite"


async def test_who_may_not_control_the_other_satellite(
    hass: HomeAssistant, home_with_kitchen: MockConfigEntry, hass_read_only_user: MockUser
) -> None:
    await act(hass, "start")
    hass_read_only_user.mock_policy({"entities": {"entity_ids": {SATELLITE: True}}})
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            "move",
            {"entity_id": SATELLITE, "satellite": KITCHEN},
            blocking=True,
            context=context_of(hass_read_only_user),
        )
    await async_wait_for_state(hass, SATELLITE, "listening")
    await act(hass, "stop")


async def test_the_agent_moves_itself(
    hass: HomeAssistant, brain: ScriptedBrain, home_with_kitchen: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    class FollowTool(llm.Tool):
        name = "follow"
        integration = "follow"

        async def async_call(
            self, hass: HomeAssistant, tool_input: llm.ToolInput, llm_context: llm.LLMContext
        ) -> llm.ToolResult:
            await act(hass, "move", satellite=KITCHEN)
            return llm.ToolResult({})

    class FollowAPI(llm.API):
        async def async_get_api_instance(self, llm_context: llm.LLMContext) -> llm.APIInstance:
            return llm.APIInstance(self, "", llm_context, [FollowTool()])

    llm.async_register_api(hass, FollowAPI(hass=hass, id="follow", name="Follow"))
    subentry = home_with_kitchen.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(
        home_with_kitchen, subentry, data={**subentry.data, "llm_hass_api": ["follow"]}
    )
    brain.plans.extend((Plan((Call("follow"),)), Plan((Say("Here I am.", seconds=0.3),))))
    said = entity_of(hass, "sensor", KITCHEN_ID, "assistant_transcript")
    await act(hass, "start")
    await act(hass, "send_message", text="Come into the kitchen.")
    await async_wait_for_state(hass, said, "Here I am.")
    await async_wait_until(hass, lambda: state_of(hass, SATELLITE).state == "idle")
    assert "did not end in time" not in caplog.text
    await act(hass, "stop", KITCHEN)


async def test_a_question_is_asked_in_one_place(hass: HomeAssistant, home_with_kitchen: MockConfigEntry) -> None:
    with pytest.raises(ServiceValidationError) as refusal:
        await hass.services.async_call(
            DOMAIN,
            "ask",
            {"entity_id": [SATELLITE, KITCHEN], "question": "Where?"},
            blocking=True,
            return_response=True,
        )
    assert refusal.value.translation_key == "one_target"


async def test_a_question_goes_along(
    hass: HomeAssistant, brain: ScriptedBrain, home_with_kitchen: MockConfigEntry
) -> None:
    brain.add(Turn("Yes.", (Plan((Call("give_answer", {"answer_id": "close"}),)),)))
    asking = hass.async_create_task(ask(hass, answers=ANSWERS))
    await async_wait_for_state(hass, SATELLITE, "responding")
    await async_wait_for_state(hass, SATELLITE, "listening")
    await act(hass, "move", satellite=KITCHEN)
    assert await asking == {"answer_id": "close", "text": "Yes.", "data": None}
    assert state_of(hass, KITCHEN).state == "idle"


async def test_a_question_of_assist_goes_along(
    hass: HomeAssistant, brain: ScriptedBrain, home_with_kitchen: MockConfigEntry
) -> None:
    brain.add(Turn("A gong"))
    asking = hass.async_create_task(
        hass.services.async_call(
            "assist_satellite",
            "ask_question",
            {"entity_id": SATELLITE, "question": "What was that?", "preannounce": False},
            blocking=True,
            return_response=True,
        )
    )
    await async_wait_for_state(hass, SATELLITE, "responding")
    await async_wait_for_state(hass, SATELLITE, "listening")
    await act(hass, "move", satellite=KITCHEN)
    answer = await asking
    assert answer is not None
    assert answer["sentence"] == "A gong"
    await async_wait_until(hass, lambda: state_of(hass, KITCHEN).state == "idle")


def test_two_reports_become_one() -> None:
    usage = {"output_audio": 3, "cost_usd": 0.5, "is_complete": True, "notes": ["a"], "prices_as_of": None}
    first = SessionReport("one", EndReason.STOPPED, 1.5, usage=usage)
    second = SessionReport("two", EndReason.INACTIVITY, 2.0, usage={**usage, "is_complete": False})
    both = second.following(first)
    assert (both.session_id, both.end_reason, both.duration_s) == ("one", EndReason.INACTIVITY, 3.5)
    assert both.usage == {
        "output_audio": 6,
        "cost_usd": 1.0,
        "is_complete": False,
        "notes": ["a", "a"],
        "prices_as_of": None,
    }
    assert SessionReport("three", EndReason.ERROR).following(first).usage == usage
