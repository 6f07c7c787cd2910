"""`rtvoice.ask`: a question, and what becomes of the answer."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import probatio
import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import DOMAIN
from simulator import Call, Context, Heard, Plan, Say, ScriptedBrain, Simulator, Turn

from .conftest import AGENT_ID, SATELLITE_ID
from .house import AGENT, SATELLITE, async_wait_for_state, entity_of, speak_into, state_of

QUESTION = "Close it?"
ANSWERS = [
    {"id": "close", "sentences": ["yes [please]", "close it"]},
    {"id": "leave", "sentences": ["no [thanks]", "leave it [open]"]},
]


async def ask(hass: HomeAssistant, entity_id: str = SATELLITE, **fields: object) -> dict[str, object]:
    answer = await hass.services.async_call(
        DOMAIN,
        "ask",
        {"entity_id": entity_id, "question": QUESTION, **fields},
        blocking=True,
        return_response=True,
    )
    assert answer is not None
    return answer


def answering(*calls: Call | Say) -> Callable[[Context], Plan | None]:
    """What the model does about the user's words, which are the only thing that it answers."""
    plans = [Plan((call,)) for call in calls]
    return lambda context: plans.pop(0) if plans else None


async def test_the_agent_chooses_the_answer_by_its_meaning(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone, pause_s=1.0)
    call = Call("give_answer", {"answer_id": "close"})
    brain.add(Turn("Better safe than sorry.", (Plan((call,)),)))
    answer = await ask(hass, answers=ANSWERS)
    assert answer == {"answer_id": "close", "text": "Better safe than sorry.", "data": None}
    assert state_of(hass, SATELLITE).state == "idle"
    told = brain.contexts[-1]
    assert [tool["name"] for tool in told.tools] == ["give_answer", "decline_to_answer"]
    assert told.tools[0]["parameters"]["properties"]["answer_id"]["enum"] == ["close", "leave"]
    assert QUESTION in told.instructions


async def test_an_agent_is_asked_on_its_own_satellite(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone, pause_s=1.0)
    brain.add(Turn("No.", (Plan((Call("give_answer", {"answer_id": "leave"}),)),)))
    assert (await ask(hass, AGENT, answers=ANSWERS))["answer_id"] == "leave"


async def test_a_sentence_answers_where_the_model_only_chats(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone, pause_s=1.0)
    brain.add(Turn("Yes, please!", (Plan((Say("Right away.", seconds=0.3),)),)))
    assert await ask(hass, answers=ANSWERS) == {"answer_id": "close", "text": "Yes, please!", "data": None}


async def test_a_sentence_answers_where_the_model_is_silent(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    microphone: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("custom_components.rtvoice.bridge.question.PATIENCE_S", 0.1)
    speak_into(microphone, pause_s=1.0)
    brain.add(Turn("It can stay for 3 hours.", (Plan((Say("Well."),), delay_s=60.0),)))
    answers = [*ANSWERS, {"id": "later", "sentences": ["it can stay for {time}"]}]
    answer = await ask(hass, answers=answers)
    assert answer == {"answer_id": "later", "text": "It can stay for 3 hours.", "data": {"time": "3 hours"}}


async def test_an_answer_that_is_none_is_asked_for_again(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone, pause_s=1.0)
    wrong, right = Call("give_answer", {"answer_id": "maybe"}), Call("give_answer", {"answer_id": "leave"})
    brain.add(Turn("Hm, not now.", (Plan((wrong,)), Plan((right,)))))
    assert (await ask(hass, answers=ANSWERS))["answer_id"] == "leave"
    outputs = [item.body["output"] for item in brain.contexts[-1].items if item.kind == "function_call_output"]
    assert "no answer to the question" in outputs[0]


async def test_who_declines_gives_no_answer(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone, pause_s=1.0)
    brain.add(Turn("Leave me alone.", (Plan((Call("decline_to_answer"),)),)))
    assert await ask(hass, answers=ANSWERS) == {"answer_id": None, "text": "Leave me alone.", "data": None}


async def test_fields_are_filled_in(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone, pause_s=1.0)
    schema = {
        "guests": {
            "description": "How many guests come",
            "required": True,
            "selector": {"number": {"min": 0, "max": 20}},
        },
        "dish": {"description": "What they like"},
    }
    brain.add(
        Turn(
            "Four people, and they like fish.",
            (
                Plan((Call("give_answer", {"guests": 40}),)),
                Plan((Call("give_answer", {"guests": 4, "dish": "fish"}),)),
            ),
        )
    )
    answer = await ask(hass, schema=schema)
    assert answer["data"] == {"guests": 4, "dish": "fish"}
    assert answer["answer_id"] is None
    assert answer["text"] == "Four people, and they like fish."
    parameters = brain.contexts[-1].tools[0]["parameters"]
    assert parameters["required"] == ["guests"]
    assert parameters["properties"]["guests"]["description"] == "How many guests come"


async def test_an_answer_may_be_anything(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    subentry = setup_integration.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(
        setup_integration, subentry, data={**subentry.data, "transcription_model": None}
    )
    speak_into(microphone, pause_s=1.0)
    brain.add(Turn("Some jazz", (Plan((Call("give_answer", {"answer": "Some jazz"}),)),)))
    assert await ask(hass) == {"answer_id": None, "text": "Some jazz", "data": None}


async def test_nobody_answers(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    assert await ask(hass, answers=ANSWERS, timeout=0.3) == {"answer_id": None, "text": None, "data": None}
    assert state_of(hass, SATELLITE).state == "idle"


async def test_whoever_is_speaking_when_the_time_is_up_may_finish(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone, pause_s=0.2, seconds=1.0)
    brain.add(Turn("No.", (Plan((Call("give_answer", {"answer_id": "leave"}),), delay_s=0.5),)))
    assert (await ask(hass, answers=ANSWERS, timeout=0.05))["answer_id"] == "leave"


async def test_words_that_fit_nothing_are_told_at_the_end(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone, pause_s=1.0)
    brain.add(Turn("What did you say?", (Plan((Say("I asked about the garage.", seconds=0.2),)),)))
    answer = await ask(hass, answers=ANSWERS, timeout=2.0)
    assert answer == {"answer_id": None, "text": "What did you say?", "data": None}


async def test_words_that_cannot_be_written_down(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone, pause_s=1.0)
    brain.add(Turn(Heard("", error="Too loud"), (Plan((Call("give_answer", {"answer_id": "close"}),)),)))
    assert await ask(hass, answers=ANSWERS) == {"answer_id": "close", "text": None, "data": None}


async def test_words_that_are_never_written_down(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    microphone: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("custom_components.rtvoice.bridge.ask.WRITING_S", 0.05)
    speak_into(microphone, pause_s=1.0)
    brain.add(Turn(Heard("Yes.", written=False), (Plan((Call("give_answer", {"answer_id": "close"}),)),)))
    assert await ask(hass, answers=ANSWERS) == {"answer_id": "close", "text": None, "data": None}


async def test_a_question_in_a_session_is_refused(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True)
    with pytest.raises(ServiceValidationError) as refusal:
        await ask(hass)
    assert refusal.value.translation_key == "already_in_session"
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)


async def test_a_question_that_is_stopped_has_no_answer(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    asking = hass.async_create_task(ask(hass, answers=ANSWERS))
    await async_wait_for_state(hass, SATELLITE, "responding")
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)
    assert await asking == {"answer_id": None, "text": None, "data": None}


async def test_whoever_asks_owns_the_question(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    asking = hass.async_create_task(ask(hass, answers=ANSWERS))
    await async_wait_for_state(hass, SATELLITE, "responding")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert state_of(hass, SATELLITE).state == "idle"


async def test_a_question_that_breaks_is_said(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    asking = hass.async_create_task(ask(hass, answers=ANSWERS))
    await async_wait_for_state(hass, SATELLITE, "responding")
    simulator.behaviour.refusal = "insufficient_quota"
    simulator.connections[-1].cut()
    with pytest.raises(HomeAssistantError) as failure:
        await asking
    assert failure.value.translation_key == "session_failed"


async def test_a_question_that_cannot_be_asked_is_said(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    simulator.behaviour.refusal = "insufficient_quota"
    with pytest.raises(HomeAssistantError) as failure:
        await ask(hass)
    assert failure.value.translation_key == "quota_exceeded"
    assert state_of(hass, entity_of(hass, "switch", SATELLITE_ID, "session")).state == "off"


@pytest.mark.parametrize(
    "fields",
    [
        {"question": ""},
        {"answers": []},
        {"answers": [{"id": "yes", "sentences": ["(yes"]}]},
        {"answers": [{"id": "yes", "sentences": ["?"]}]},
        {"answers": [{"id": "yes", "sentences": ["yes"]}, {"id": "yes", "sentences": ["sure"]}]},
        {"schema": {}},
        {"schema": {"guests": {"selector": {"nonsense": {}}}}},
        {"schema": {"guests": {}}, "answers": ANSWERS},
        {"timeout": 0},
    ],
)
async def test_what_ask_does_not_take(
    hass: HomeAssistant, setup_integration: MockConfigEntry, fields: dict[str, object]
) -> None:
    with pytest.raises(probatio.Invalid):
        await ask(hass, **fields)


async def test_a_question_needs_one_place(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    with pytest.raises(ServiceValidationError) as refusal:
        await hass.services.async_call(
            DOMAIN,
            "ask",
            {"entity_id": [SATELLITE, "light.kitchen"], "question": QUESTION},
            blocking=True,
            return_response=True,
        )
    assert refusal.value.translation_key == "unknown_target"
