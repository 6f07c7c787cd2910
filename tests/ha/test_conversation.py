"""Typed text through Home Assistant's conversation, over a real socket."""

import pytest
from homeassistant.components import conversation
from homeassistant.components.conversation import ConversationEntityFeature, async_get_chat_log
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import chat_session
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.rtvoice.bridge.prompt import SPEAKING_RULES, WRITING_RULES
from custom_components.rtvoice.const import CONF_INSTRUCTIONS, DOMAIN
from simulator import Call, Cut, Fail, Plan, Say, ScriptedBrain, Simulator, Stall

from .conftest import AGENT_ID
from .house import (
    AGENT,
    LIGHT,
    async_build_house,
    context_of,
    entity_of,
    happenings,
    state_of,
    states_seen,
)


async def converse(
    hass: HomeAssistant, text: str, conversation_id: str | None = None, context: Context | None = None
) -> conversation.ConversationResult:
    return await conversation.async_converse(
        hass, text, conversation_id, context or Context(), language="en", agent_id=AGENT
    )


def speech_of(result: conversation.ConversationResult) -> str:
    return result.response.as_dict()["speech"]["plain"]["speech"]


async def test_a_typed_command_turns_on_the_light(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    await async_build_house(hass)
    brain.plans.extend(
        (
            Plan((Say("One moment."), Call("intent__HassTurnOn", {"name": "Kitchen light"}, call_id="call_1"))),
            Plan((Say("The kitchen light is on. Anything else?"),)),
        )
    )
    status = entity_of(hass, "sensor", AGENT_ID, "status")
    session = entity_of(hass, "binary_sensor", AGENT_ID, "session")
    seen = states_seen(hass, status, session)
    told = happenings(hass, entity_of(hass, "event", AGENT_ID, "activity"))

    result = await converse(hass, "Turn on the kitchen light")

    assert state_of(hass, LIGHT).state == "on"
    assert speech_of(result) == "The kitchen light is on. Anything else?"
    assert result.continue_conversation is True
    assert brain.contexts[0].modality == "text"
    assert seen[status][0] == "thinking"
    assert seen[status][-1] == "idle"
    assert seen[session] == []
    assert [one["event_type"] for one in told] == [
        "user_turn",
        "assistant_turn",
        "tool_called",
        "assistant_turn",
    ]
    with (
        chat_session.async_get_chat_session(hass, result.conversation_id) as current,
        async_get_chat_log(hass, current) as log,
    ):
        system, user, preamble, call, outcome, answer = log.content
    assert "Kitchen light" in system.content
    assert user.content == "Turn on the kitchen light"
    assert preamble.content == "One moment."
    assert [(one.id, one.tool_name, one.external) for one in call.tool_calls] == [
        ("call_1", "intent__HassTurnOn", True)
    ]
    assert outcome.tool_call_id == "call_1"
    assert outcome.result.error is False
    assert answer.content == "The kitchen light is on. Anything else?"


async def test_what_was_said_before_is_known(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    brain.plans.extend((Plan((Say("Hello Ada."),)), Plan((Say("You are Ada."),))))
    first = await converse(hass, "My name is Ada")
    second = await converse(hass, "Who am I?", first.conversation_id)
    assert first.conversation_id == second.conversation_id
    assert speech_of(second) == "You are Ada."
    told = [
        "".join(part.get("text", "") for part in item.body["content"])
        for item in brain.contexts[-1].items
        if item.kind == "message"
    ]
    assert told == ["My name is Ada", "Hello Ada.", "Who am I?"]


async def test_two_tools_at_once(hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry) -> None:
    await async_build_house(hass)
    brain.plans.extend(
        (
            Plan(
                (
                    Call("intent__HassTurnOn", {"name": "Kitchen light"}, call_id="good"),
                    Call("intent__HassTurnOn", {"name": "Moon"}, call_id="bad"),
                )
            ),
            Plan((Say("The light is on, but I know no moon."),)),
        )
    )
    result = await converse(hass, "Turn on the light and the moon")
    assert speech_of(result) == "The light is on, but I know no moon."
    with (
        chat_session.async_get_chat_session(hass, result.conversation_id) as current,
        async_get_chat_log(hass, current) as log,
    ):
        outcomes = {one.tool_call_id: one.result for one in log.content if one.role == "tool_result"}
    assert outcomes["good"].error is False
    assert outcomes["bad"].error is True
    assert outcomes["bad"].data["error"] == "MatchFailedError"


async def test_deltas_are_streamed(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    brain.plans.append(Plan((Say("This answer comes in more than one piece, as it should."),)))
    pieces: list[str] = []
    with (
        chat_session.async_get_chat_session(hass) as current,
        async_get_chat_log(
            hass, current, chat_log_delta_listener=lambda _, delta: pieces.append(delta.get("content", ""))
        ),
    ):
        await converse(hass, "Tell me something", current.conversation_id)
    assert "".join(pieces) == "This answer comes in more than one piece, as it should."
    assert len([piece for piece in pieces if piece]) > 1


async def test_an_administrator_is_known_by_name(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, hass_admin_user: MockUser
) -> None:
    await converse(hass, "Who am I?", context=context_of(hass_admin_user))
    assert f"The user's name is {hass_admin_user.name}." in brain.contexts[0].instructions


@pytest.mark.parametrize("plan", [Plan((Fail(message="It burns."),)), Plan(())])
async def test_no_answer_is_said_to_be_none(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, plan: Plan
) -> None:
    brain.plans.append(plan)
    result = await converse(hass, "Hello")
    assert result.response.error_code is not None
    assert "session failed" in speech_of(result)


async def test_a_link_cut_in_the_middle_is_made_anew(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    brain.plans.extend((Plan((Cut(),)), Plan((Say("Here I am again."),))))
    result = await converse(hass, "Hello")
    assert speech_of(result) == "Here I am again."
    assert len(simulator.connections) == 2


async def test_a_link_that_cannot_be_made_anew_is_said(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    brain.plans.append(Plan((Stall(),)))
    asking = hass.async_create_task(converse(hass, "Hello"))
    await simulator.wait_for_sent("response.created")
    simulator.behaviour.refusal = "insufficient_quota"
    simulator.connections[-1].cut()
    result = await asking
    assert result.response.error_code is not None
    assert "session failed" in speech_of(result)


async def test_a_refused_key_is_said_and_asked_for(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    simulator.behaviour.refusal = "invalid_api_key"
    result = await converse(hass, "Hello")
    assert "refuses the API key" in speech_of(result)
    await hass.async_block_till_done()
    assert hass.config_entries.flow.async_progress_by_handler(DOMAIN)


async def test_a_broken_template_is_said(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    subentry = setup_integration.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(
        setup_integration, subentry, data={**subentry.data, CONF_INSTRUCTIONS: "{{ 1 / 0 }}"}
    )
    result = await converse(hass, "Hello")
    assert "not a valid template" in speech_of(result)


async def test_settings_that_make_no_sense_are_said(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    subentry = setup_integration.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(
        setup_integration, subentry, data={**subentry.data, "reasoning_effort": "enormous"}
    )
    result = await converse(hass, "Hello")
    assert "settings" in speech_of(result)


async def test_unload_in_the_middle_of_a_message(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    brain.plans.append(Plan((Say("Later."),), delay_s=30.0))
    asking = hass.async_create_task(converse(hass, "Hello"))
    await simulator.wait_for("response.create")
    assert await hass.config_entries.async_unload(setup_integration.entry_id)
    result = await asking
    assert result.response.error_code is not None


async def test_all_languages_are_spoken(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    assert conversation.async_get_conversation_languages(hass, AGENT) == "*"


async def test_an_agent_without_tools_controls_nothing(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    assert state_of(hass, AGENT).attributes["supported_features"] == ConversationEntityFeature.CONTROL
    subentry = setup_integration.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(setup_integration, subentry, data={**subentry.data, "llm_hass_api": []})
    assert await hass.config_entries.async_reload(setup_integration.entry_id)
    assert state_of(hass, AGENT).attributes["supported_features"] == 0


async def test_a_server_that_sends_its_answer_in_one_piece(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    brain.plans.append(Plan((Stall(),)))
    asking = hass.async_create_task(converse(hass, "Hello"))
    created = await simulator.wait_for_sent("response.created")
    response = created["response"]
    item = {"id": "item_whole", "type": "message", "role": "assistant", "status": "completed", "content": []}
    where = {"response_id": response["id"], "item_id": "item_whole", "output_index": 0, "content_index": 0}
    connection = simulator.connections[-1]
    connection.send({"type": "conversation.item.added", "previous_item_id": None, "item": item})
    connection.send({"type": "response.output_text.done", **where, "text": "All at once."})
    connection.send({"type": "response.done", "response": {**response, "status": "completed", "output": [item]}})
    assert speech_of(await asking) == "All at once."


async def test_what_comes_from_a_satellite_is_answered_for_the_ear(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    for satellite_id in (None, "assist_satellite.kitchen_box"):
        await conversation.async_converse(
            hass, "Hello", None, Context(), language="en", agent_id=AGENT, satellite_id=satellite_id
        )
    typed, spoken = (context.instructions for context in brain.contexts)
    assert (WRITING_RULES in typed, SPEAKING_RULES in typed) == (True, False)
    assert (WRITING_RULES in spoken, SPEAKING_RULES in spoken) == (False, True)
