"""A session on a satellite: through the actions, over a real socket, on file devices in real time."""

import asyncio
import logging
from pathlib import Path

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import llm
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.rtvoice.bridge.request import SessionRequest
from custom_components.rtvoice.const import DOMAIN, EVENT_ACTIVITY
from simulator import Call, Heard, Plan, Say, ScriptedBrain, Simulator, Turn

from .clinging import CLING, add_clinging_tool
from .conftest import AGENT_ID, SATELLITE_ID
from .house import (
    AGENT,
    LIGHT,
    SATELLITE,
    async_build_house,
    async_wait_for_state,
    async_wait_until,
    entity_of,
    happenings,
    heard_from,
    speak_into,
    state_of,
    states_seen,
)


async def start(hass: HomeAssistant, entity_id: str = SATELLITE, **fields: object) -> None:
    await hass.services.async_call(DOMAIN, "start", {"entity_id": entity_id, **fields}, blocking=True)


async def stop(hass: HomeAssistant, entity_id: str = SATELLITE) -> None:
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": entity_id}, blocking=True)


async def test_a_spoken_command_turns_on_the_light(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    microphone: Path,
    speaker: Path,
) -> None:
    await async_build_house(hass)
    speak_into(microphone)
    call = Call("intent__HassTurnOn", {"name": "Kitchen light", "domain": ["light"]})
    brain.add(Turn(Heard("Turn on the kitchen light."), (Plan((call,)), Plan((Say("The light is on.", seconds=0.4),)))))
    status = entity_of(hass, "sensor", SATELLITE_ID, "status")
    speaking = entity_of(hass, "binary_sensor", SATELLITE_ID, "assistant_speaking")
    user = entity_of(hass, "binary_sensor", SATELLITE_ID, "user_speaking")
    seen = states_seen(hass, status, SATELLITE, speaking, user)
    told = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
    told_of_agent = happenings(hass, entity_of(hass, "event", AGENT_ID, "activity"))

    waiting = hass.async_create_task(
        hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True, return_response=True)
    )
    await async_wait_for_state(hass, status, "speaking")
    await async_wait_for_state(hass, status, "listening")
    assert state_of(hass, entity_of(hass, "binary_sensor", AGENT_ID, "session")).state == "on"
    await stop(hass)
    response = await waiting

    assert state_of(hass, LIGHT).state == "on"
    assert response is not None
    assert response["end_reason"] == "stopped"
    assert [(turn["role"], turn["text"]) for turn in response["turns"]] == [
        ("user", "Turn on the kitchen light."),
        ("assistant", "The light is on."),
    ]
    assert response["tools"] == [
        {
            "name": "intent__HassTurnOn",
            "arguments": {"name": "Kitchen light", "domain": ["light"]},
            "ok": True,
        }
    ]
    assert response["usage"]["output_audio"] > 0
    assert response["duration"] > 0
    assert response["recording"] is None
    assert seen[status][0] == "connecting"
    assert seen[status][-1] == "idle"
    assert {"listening", "thinking", "speaking"} <= set(seen[status])
    assert {"listening", "processing", "responding"} <= set(seen[SATELLITE])
    assert seen[SATELLITE][-1] == "idle"
    assert seen[speaking] == ["on", "off"]
    assert seen[user] == ["on", "off"]
    assert [one["event_type"] for one in told] == [
        "session_started",
        "user_turn",
        "tool_called",
        "assistant_turn",
        "session_ended",
    ]
    assert [one["event_type"] for one in told_of_agent] == [one["event_type"] for one in told]
    assert told[1]["text"] == "Turn on the kitchen light."
    assert told[2]["tool"] == "intent__HassTurnOn"
    assert told[4]["reason"] == "stopped"
    for party in (AGENT_ID, SATELLITE_ID):
        assert state_of(hass, entity_of(hass, "sensor", party, "user_transcript")).state == "Turn on the kitchen light."
        assert state_of(hass, entity_of(hass, "sensor", party, "assistant_transcript")).state == "The light is on."
        last_tool = state_of(hass, entity_of(hass, "sensor", party, "last_tool"))
        assert last_tool.state == "intent__HassTurnOn"
        assert last_tool.attributes["ok"] is True
        assert int(state_of(hass, entity_of(hass, "sensor", party, "response_latency")).state) >= 0
        assert state_of(hass, entity_of(hass, "binary_sensor", party, "session")).state == "off"
    assert any(heard_from(speaker))
    instructions = brain.contexts[0].instructions
    assert "You are the voice of this home." in instructions
    assert "Kitchen light" in instructions


async def test_a_failing_tool_ends_nothing(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    await async_build_house(hass)
    speak_into(microphone)
    brain.add(
        Turn(
            "Turn on the moon.",
            (
                Plan(
                    (Call("intent__HassTurnOn", {"name": "Moon"}), Call("intent__HassTurnOn", {"nom": 1}), Call("nix"))
                ),
                Plan((Say("I know no moon.", seconds=0.3),)),
            ),
        )
    )
    told = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
    status = entity_of(hass, "sensor", SATELLITE_ID, "status")
    await start(hass)
    await async_wait_for_state(hass, status, "speaking")
    await async_wait_for_state(hass, status, "listening")
    await stop(hass)
    assert [one["tool"] for one in told if one["event_type"] == "tool_failed"].count("intent__HassTurnOn") == 2
    outputs = [item.body["output"] for item in brain.contexts[-1].items if item.kind == "function_call_output"]
    assert any("MatchFailedError" in output for output in outputs)


async def test_the_agent_opens_with_a_message(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await start(hass, message="Good morning.", instructions="You are speaking to a child.", voice="cedar")
    await async_wait_for_state(hass, said, "Good morning.")
    assert "You are speaking to a child." in brain.contexts[0].instructions
    assert brain.contexts[0].voice == "cedar"
    await stop(hass)


async def test_the_agent_opens_in_its_own_words(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    brain.plans.append(Plan((Say("Shall I turn off the lights?", seconds=0.3),)))
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await start(hass, prompt="Ask whether the lights should go out.")
    await async_wait_for_state(hass, said, "Shall I turn off the lights?")
    assert "Ask whether the lights should go out." in (brain.contexts[0].response_instructions or "")
    await stop(hass)


async def test_say_send_message_interrupt_and_speed(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    said = entity_of(hass, "sensor", AGENT_ID, "assistant_transcript")
    typed = entity_of(hass, "sensor", AGENT_ID, "user_transcript")
    speaking = entity_of(hass, "binary_sensor", SATELLITE_ID, "assistant_speaking")
    told = happenings(hass, entity_of(hass, "event", AGENT_ID, "activity"))
    seen = states_seen(hass, speaking)
    await start(hass, AGENT)
    await hass.services.async_call(DOMAIN, "say", {"entity_id": AGENT, "text": "Dinner is ready."}, blocking=True)
    await async_wait_for_state(hass, said, "Dinner is ready.")
    await async_wait_until(hass, lambda: seen[speaking] == ["on", "off"])

    brain.plans.append(Plan((Say("It is the postman with a very long story.", seconds=30.0),)))
    await hass.services.async_call(DOMAIN, "send_message", {"entity_id": AGENT, "text": "Someone rang."}, blocking=True)
    await async_wait_for_state(hass, typed, "Someone rang.")
    await async_wait_for_state(hass, speaking, "on")
    await hass.services.async_call(DOMAIN, "interrupt", {"entity_id": AGENT}, blocking=True)
    await async_wait_for_state(hass, speaking, "off")
    assert "interrupted" in [one["event_type"] for one in told]

    await hass.services.async_call(DOMAIN, "set_speech_speed", {"entity_id": AGENT, "speed": 1.25}, blocking=True)
    await hass.services.async_call(DOMAIN, "say", {"entity_id": AGENT, "text": "Bye."}, blocking=True)
    await async_wait_for_state(hass, said, "Bye.")
    assert brain.contexts[-1].speed == 1.25
    await stop(hass, AGENT)
    assert state_of(hass, entity_of(hass, "sensor", AGENT_ID, "status")).state == "idle"


async def test_start_while_a_session_runs_is_refused(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    await start(hass)
    with pytest.raises(ServiceValidationError) as refusal:
        await start(hass)
    assert refusal.value.translation_key == "already_in_session"
    await stop(hass)
    await start(hass)
    await stop(hass)


async def test_two_starts_at_once_make_one_session(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    results = await asyncio.gather(start(hass), start(hass), return_exceptions=True)
    assert sum(isinstance(result, ServiceValidationError) for result in results) == 1
    await stop(hass)


async def test_stop_without_a_session_does_nothing(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    await stop(hass)
    assert state_of(hass, SATELLITE).state == "idle"


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("say", {"text": "Hi"}),
        ("send_message", {"text": "Hi"}),
        ("interrupt", {}),
        ("set_speech_speed", {"speed": 1.0}),
    ],
)
async def test_actions_need_a_session(
    hass: HomeAssistant, setup_integration: MockConfigEntry, action: str, fields: dict[str, object]
) -> None:
    with pytest.raises(ServiceValidationError) as refusal:
        await hass.services.async_call(DOMAIN, action, {"entity_id": SATELLITE, **fields}, blocking=True)
    assert refusal.value.translation_key == "not_in_session"


async def test_stop_while_connecting(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    simulator.behaviour.mute = True
    starting = hass.async_create_task(start(hass))
    await async_wait_for_state(hass, SATELLITE, "processing")
    await stop(hass)
    await starting
    assert state_of(hass, SATELLITE).state == "idle"


async def test_inactivity_ends_a_session(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    response = await hass.services.async_call(
        DOMAIN,
        "start",
        {"entity_id": SATELLITE, "inactivity_timeout": 0.2},
        blocking=True,
        return_response=True,
    )
    assert response is not None
    assert response["end_reason"] == "inactivity"
    assert response["turns"] == []


async def test_a_wrong_key_in_a_session_asks_for_a_new_one(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    told = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
    simulator.behaviour.refusal = "invalid_api_key"
    with pytest.raises(HomeAssistantError) as failure:
        await start(hass)
    assert failure.value.translation_key == "invalid_auth"
    await hass.async_block_till_done()
    flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert [flow["context"]["source"] for flow in flows] == ["reauth"]
    assert [one["event_type"] for one in told] == ["error"]
    assert state_of(hass, SATELLITE).state == "idle"


async def test_no_credit_is_a_repair_issue_until_a_session_works(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry, issue_registry
) -> None:
    issue = f"quota_exceeded_{setup_integration.entry_id}"
    simulator.behaviour.refusal = "insufficient_quota"
    with pytest.raises(HomeAssistantError) as failure:
        await start(hass)
    assert failure.value.translation_key == "quota_exceeded"
    assert issue_registry.async_get_issue(DOMAIN, issue) is not None
    simulator.behaviour.refusal = None
    await start(hass)
    assert issue_registry.async_get_issue(DOMAIN, issue) is None
    await stop(hass)


async def test_an_unreachable_provider_is_said(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    await simulator.stop()
    with pytest.raises(HomeAssistantError) as failure:
        await start(hass)
    assert failure.value.translation_key == "provider_unreachable"


async def test_a_broken_link_is_made_anew(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    status = entity_of(hass, "sensor", SATELLITE_ID, "status")
    session = entity_of(hass, "binary_sensor", SATELLITE_ID, "session")
    told = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
    await start(hass)
    simulator.connections[-1].cut()
    await async_wait_for_state(hass, status, "reconnecting")
    assert state_of(hass, SATELLITE).state == "processing"
    assert state_of(hass, session).state == "on"
    await async_wait_for_state(hass, status, "listening")
    await stop(hass)
    assert [one["event_type"] for one in told if one["event_type"] != "error"] == ["session_started", "session_ended"]


async def test_a_key_that_is_revoked_in_the_middle(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    told = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
    waiting = hass.async_create_task(
        hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True, return_response=True)
    )
    await async_wait_for_state(hass, SATELLITE, "listening")
    simulator.behaviour.refusal = "invalid_api_key"
    simulator.connections[-1].cut()
    response = await waiting
    assert response is not None
    assert response["end_reason"] == "authentication_failed"
    assert told[0]["event_type"] == "session_started"
    assert told[-2]["event_type"] == "error"
    assert told[-1]["event_type"] == "session_ended"
    assert told[-1]["reason"] == "authentication_failed"
    await hass.async_block_till_done()
    assert hass.config_entries.flow.async_progress_by_handler(DOMAIN)


async def test_a_file_that_is_not_allowed(
    hass: HomeAssistant, setup_integration: MockConfigEntry, tmp_path: Path
) -> None:
    hass.config.allowlist_external_dirs = {str(tmp_path / "elsewhere")}
    with pytest.raises(HomeAssistantError) as failure:
        await start(hass)
    assert failure.value.translation_key == "device_unavailable"
    with pytest.raises(HomeAssistantError) as failure:
        await hass.services.async_call(
            "assist_satellite",
            "announce",
            {"entity_id": SATELLITE, "message": "Hi", "preannounce": False},
            blocking=True,
        )
    assert failure.value.translation_key == "device_unavailable"


async def test_a_missing_file(hass: HomeAssistant, setup_integration: MockConfigEntry, microphone: Path) -> None:
    await hass.async_add_executor_job(microphone.unlink)
    with pytest.raises(HomeAssistantError) as failure:
        await start(hass)
    assert failure.value.translation_key == "device_unavailable"
    assert state_of(hass, SATELLITE).state == "idle"


async def test_unload_in_the_middle_of_an_answer(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    speaking = entity_of(hass, "binary_sensor", SATELLITE_ID, "assistant_speaking")
    before = asyncio.all_tasks()
    await start(hass, message="A long story. " * 20)
    await async_wait_for_state(hass, speaking, "on")
    assert await hass.config_entries.async_unload(setup_integration.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    await simulator.connections[-1].closed.wait()
    assert state_of(hass, SATELLITE).state == "unavailable"
    left = [task for task in asyncio.all_tasks() - before if "rtvoice" in task.get_name()]
    assert left == []


async def test_reload_in_the_middle_of_a_session(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    waiting = hass.async_create_task(
        hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True, return_response=True)
    )
    await async_wait_for_state(hass, SATELLITE, "listening")
    assert await hass.config_entries.async_reload(setup_integration.entry_id)
    response = await waiting
    assert response is not None
    assert response["end_reason"] == "stopped"
    await start(hass)
    await stop(hass)


@pytest.mark.parametrize("removed", [AGENT_ID, SATELLITE_ID])
async def test_an_agent_or_a_satellite_is_removed_while_it_speaks(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    simulator: Simulator,
    setup_integration: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    removed: str,
) -> None:
    brain.plans.append(Plan((Say("Once upon a time there was a very long story.", seconds=30.0),)))
    ended = async_capture_events(hass, EVENT_ACTIVITY)
    waiting = hass.async_create_task(
        hass.services.async_call(
            DOMAIN, "start", {"entity_id": SATELLITE, "prompt": "Tell a story."}, blocking=True, return_response=True
        )
    )
    await async_wait_for_state(hass, SATELLITE, "responding")
    hass.config_entries.async_remove_subentry(setup_integration, removed)
    response = await waiting
    await hass.async_block_till_done(wait_background_tasks=True)
    assert response is not None
    assert response["end_reason"] == "stopped"
    assert simulator.connections[-1].closed.is_set()
    assert ended[-1].data["activity"] == "session_ended"
    assert setup_integration.state is ConfigEntryState.LOADED
    assert setup_integration.runtime_data.sessions == []
    assert er.async_get(hass).async_get_entity_id("sensor", DOMAIN, f"{removed}_status") is None
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING and record.name != "asyncio"]
    assert [record.message for record in warnings] == []


async def test_home_assistant_stops_in_the_middle_of_a_session(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    call = {"entity_id": SATELLITE, "message": "Good night."}
    waiting = hass.async_create_task(
        hass.services.async_call(DOMAIN, "start", call, blocking=True, return_response=True)
    )
    await async_wait_for_state(hass, said, "Good night.")
    await hass.async_stop(force=True)
    response = await waiting
    assert response is not None
    assert response["end_reason"] == "stopped"
    assert [turn["role"] for turn in response["turns"]] == ["assistant"]
    assert state_of(hass, SATELLITE).state == "idle"
    await simulator.connections[-1].closed.wait()


async def test_switch_button_and_mute(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    session = entity_of(hass, "switch", SATELLITE_ID, "session")
    agent_session = entity_of(hass, "switch", AGENT_ID, "session")
    mute = entity_of(hass, "switch", SATELLITE_ID, "mute")
    speaking = entity_of(hass, "binary_sensor", SATELLITE_ID, "assistant_speaking")

    async def flip(entity_id: str, service: str) -> None:
        await hass.services.async_call("switch", service, {"entity_id": entity_id}, blocking=True)

    await flip(mute, "turn_on")
    assert state_of(hass, mute).state == "on"
    await flip(session, "turn_on")
    await flip(session, "turn_on")
    assert state_of(hass, session).state == "on"
    assert state_of(hass, agent_session).state == "on"
    await flip(mute, "turn_off")
    assert state_of(hass, mute).state == "off"
    await hass.services.async_call(DOMAIN, "say", {"entity_id": SATELLITE, "text": "A story. " * 20}, blocking=True)
    await async_wait_for_state(hass, speaking, "on")
    await hass.services.async_call(
        "button", "press", {"entity_id": entity_of(hass, "button", AGENT_ID, "interrupt")}, blocking=True
    )
    await async_wait_for_state(hass, speaking, "off")
    await flip(agent_session, "turn_off")
    assert state_of(hass, session).state == "off"
    await flip(agent_session, "turn_on")
    assert state_of(hass, session).state == "on"
    await flip(session, "turn_off")
    await async_wait_until(hass, lambda: state_of(hass, agent_session).state == "off")


async def test_a_muted_satellite_hears_nothing(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone, pause_s=0.0, seconds=0.4)
    user = entity_of(hass, "binary_sensor", SATELLITE_ID, "user_speaking")
    seen = states_seen(hass, user)
    mute = entity_of(hass, "switch", SATELLITE_ID, "mute")
    await hass.services.async_call("switch", "turn_on", {"entity_id": mute}, blocking=True)
    response = await hass.services.async_call(
        DOMAIN,
        "start",
        {"entity_id": SATELLITE, "inactivity_timeout": 1.0},
        blocking=True,
        return_response=True,
    )
    assert response is not None
    assert response["end_reason"] == "inactivity"
    assert response["turns"] == []
    assert seen[user] == []


async def test_mute_survives_a_reload(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    mute = entity_of(hass, "switch", SATELLITE_ID, "mute")
    await hass.services.async_call("switch", "turn_on", {"entity_id": mute}, blocking=True)
    assert await hass.config_entries.async_reload(setup_integration.entry_id)
    assert state_of(hass, mute).state == "on"
    assert setup_integration.runtime_data.diagnostics()["satellites"][0]["muted"] is True


async def test_a_tool_that_clings_is_left_behind(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("custom_components.rtvoice.bridge.ending.STOP_TIMEOUT_S", 0.05)
    clinging = add_clinging_tool(hass, setup_integration)
    brain.plans.append(Plan((CLING,)))
    await start(hass, prompt="Do it.")
    await clinging.running.wait()
    await stop(hass)
    assert "did not end in time" in caplog.text
    clinging.released.set()
    await async_wait_for_state(hass, SATELLITE, "idle")


async def test_arguments_that_are_no_json_are_reported_as_they_are(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    brain.plans.extend((Plan((Call("intent__HassTurnOn", "{not json"),)), Plan((Say("I could not.", seconds=0.2),))))
    waiting = hass.async_create_task(
        hass.services.async_call(
            DOMAIN, "start", {"entity_id": SATELLITE, "prompt": "Do it."}, blocking=True, return_response=True
        )
    )
    await async_wait_for_state(hass, SATELLITE, "responding")
    await stop(hass)
    response = await waiting
    assert response is not None
    assert response["tools"] == [{"name": "intent__HassTurnOn", "arguments": "{not json", "ok": False}]


async def test_long_words_fit_into_a_state(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    story = "Once upon a time. " * 20
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await start(hass, message=story.strip())
    await async_wait_until(hass, lambda: state_of(hass, said).state.startswith("Once"))
    assert len(state_of(hass, said).state) == 255
    assert state_of(hass, said).attributes["text"] == story.strip()
    await stop(hass)


async def test_a_button_while_connecting_does_nothing(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    simulator.behaviour.mute = True
    starting = hass.async_create_task(start(hass))
    await async_wait_for_state(hass, SATELLITE, "processing")
    button = entity_of(hass, "button", SATELLITE_ID, "interrupt")
    await hass.services.async_call("button", "press", {"entity_id": button}, blocking=True)
    with pytest.raises(HomeAssistantError) as failure:
        await hass.services.async_call(DOMAIN, "say", {"entity_id": SATELLITE, "text": "Hi"}, blocking=True)
    assert failure.value.translation_key == "not_in_session"
    await stop(hass)
    await starting


async def test_muted_while_it_is_being_made_ready(
    hass: HomeAssistant, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone, pause_s=0.0, seconds=0.4)
    runtime = setup_integration.runtime_data
    satellite = runtime.satellites[SATELLITE_ID]
    user = entity_of(hass, "binary_sensor", SATELLITE_ID, "user_speaking")
    seen = states_seen(hass, user)
    session = runtime.begin(satellite, SessionRequest(context=Context(), inactivity_timeout_s=1.0))
    await runtime.async_set_muted(satellite, muted=True)
    report = await session.async_wait_ended()
    assert report.end_reason == "inactivity"
    assert seen[user] == []


async def test_stopped_while_it_is_being_made_ready(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    runtime = setup_integration.runtime_data
    session = runtime.begin(runtime.satellites[SATELLITE_ID], SessionRequest(context=Context()))
    await stop(hass)
    report = await session.async_wait_ended()
    assert report.end_reason == "stopped"
    assert await session.async_first_user_turn() is None
    await session.async_stop()
    assert state_of(hass, SATELLITE).state == "idle"
    assert simulator.connections == []


async def test_a_broken_template_makes_a_session_impossible(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    told = happenings(hass, entity_of(hass, "event", SATELLITE_ID, "activity"))
    subentry = setup_integration.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(
        setup_integration, subentry, data={**subentry.data, "instructions": "{{ 1 / 0 }}"}
    )
    with pytest.raises(HomeAssistantError) as failure:
        await start(hass)
    assert failure.value.translation_key == "template_error"
    await hass.async_block_till_done()
    assert [one["event_type"] for one in told] == ["error"]


async def test_whoever_waits_owns_the_session(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    waiting = hass.async_create_task(
        hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True, return_response=True)
    )
    await async_wait_for_state(hass, SATELLITE, "listening")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert state_of(hass, SATELLITE).state == "idle"
    await simulator.connections[-1].closed.wait()


async def test_what_nobody_expected_makes_a_session_impossible(
    hass: HomeAssistant, setup_integration: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    class BrokenAPI(llm.API):
        async def async_get_api_instance(self, llm_context: llm.LLMContext) -> llm.APIInstance:
            return llm.APIInstance(self, 5, llm_context, [])  # type: ignore[arg-type]  # that is what is broken

    llm.async_register_api(hass, BrokenAPI(hass=hass, id="broken", name="Broken"))
    subentry = setup_integration.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(
        setup_integration, subentry, data={**subentry.data, "llm_hass_api": ["broken"]}
    )
    with pytest.raises(HomeAssistantError) as failure:
        await start(hass)
    assert failure.value.translation_key == "session_failed"
    assert "failed unexpectedly" in caplog.text
    assert state_of(hass, SATELLITE).state == "idle"
