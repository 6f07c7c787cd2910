"""An agent behind a real Assist pipeline: it hears the stream, does what it was told and speaks itself."""

import asyncio
import io
import json
import wave
from collections.abc import AsyncGenerator, AsyncIterator
from decimal import Decimal

import pytest
from homeassistant.components.assist_pipeline import PipelineEventType, async_get_pipelines, async_update_pipeline
from homeassistant.components.assist_pipeline.models import PipelineStage
from homeassistant.components.conversation import async_converse
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.components.tts import ResultStream, async_create_stream
from homeassistant.components.tts.entity import TTSAudioRequest
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
    async_mock_service,
)

from custom_components.rtvoice.bridge.assist import exchange as exchange_module
from custom_components.rtvoice.bridge.assist import exchanges as exchanges_module
from custom_components.rtvoice.bridge.assist import utterance as utterance_module
from custom_components.rtvoice.bridge.history import async_chat_log
from custom_components.rtvoice.const import (
    CONF_DAY_BUDGET,
    CONF_ENDPOINTING,
    CONF_INACTIVITY_TIMEOUT,
    ENDPOINTING_AGENT,
)
from simulator import Call, Heard, Plan, Say, ScriptedBrain, Simulator, Stall, Turn, tone

from .clinging import CLING, add_clinging_tool
from .conftest import AGENT_ID
from .house import AGENT, LIGHT, async_build_house, context_of, entity_of, happenings, state_of, states_seen
from .pipelines import CREATE, STT, TTS, Satellite, async_create, microphone, speech
from .test_usage import change_agent

TURN_ON = Call("intent__HassTurnOn", {"name": "Kitchen light", "domain": ["light"]})
VOICE = tone(0.5, hz=500)


@pytest.fixture
async def no_ffmpeg(hass: HomeAssistant, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is none, and recordings are kept in a folder of the test."""
    (tmp_path / "config").mkdir()
    monkeypatch.setattr(hass.config, "config_dir", str(tmp_path / "config"))
    assert await async_setup_component(hass, "ffmpeg", {"ffmpeg": {"ffmpeg_bin": str(tmp_path / "none")}})


@pytest.fixture
async def satellite(hass: HomeAssistant, no_ffmpeg: None, setup_integration: MockConfigEntry) -> Satellite:
    """One whose voice assistant is the agent."""
    await async_build_house(hass)
    return Satellite(hass, await async_create(hass))


def said_to(brain: ScriptedBrain) -> list[str]:
    """What the model was told when it last answered, turn by turn."""
    return [
        item.heard or "".join(part.get("text") or part.get("transcript") or "" for part in item.body["content"])
        for item in brain.contexts[-1].items
        if item.kind == "message"
    ]


async def heard_out(hass: HomeAssistant) -> None:
    """Wait until the satellite has played all of the answer."""
    status = entity_of(hass, "sensor", AGENT_ID, "status")
    await until(lambda: state_of(hass, status).state == "idle")


async def until(condition) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_light_is_turned_on_by_voice_and_the_model_answers_with_its_own(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    brain.add(Turn("Turn on the kitchen light.", (Plan((TURN_ON,)), Plan((Say("It is on.", audio=VOICE),)))))
    await satellite.run()
    assert satellite.errors == []
    assert satellite.text == "Turn on the kitchen light."
    assert state_of(hass, LIGHT).state == "on"
    assert satellite.answer == "It is on."
    assert satellite.streamed
    assert satellite.wav() == (24_000, 1, VOICE)
    ((heard, _),) = brain.turns_heard
    assert len(heard) / 48_000 == pytest.approx(0.5, abs=0.03)


async def test_the_second_turn_is_part_of_the_same_session(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    brain.add(Turn("My name is Ada.", (Plan((Say("Hello Ada. How are you?", audio=VOICE),)),)))
    brain.add(Turn("Who am I?", (Plan((Say("You are Ada.", audio=tone(0.3)),)),)))
    await satellite.run()
    assert satellite.of(PipelineEventType.INTENT_END)[0]["intent_output"]["continue_conversation"] is True
    await heard_out(hass)
    await satellite.run()
    assert satellite.answer == "You are Ada."
    assert satellite.wav()[2] == tone(0.3)
    assert said_to(brain) == ["My name is Ada.", "Hello Ada. How are you?", "Who am I?"]
    assert len(simulator.connections) == 1


async def test_words_before_a_tool_are_heard_before_it_and_make_no_message_with_blank_lines(
    hass: HomeAssistant, brain: ScriptedBrain, satellite: Satellite
) -> None:
    first, last = tone(0.3, hz=300), tone(0.3, hz=600)
    brain.add(
        Turn("Light, please.", (Plan((Say("One moment.", audio=first), TURN_ON)), Plan((Say("Done.", audio=last),))))
    )
    await satellite.run()
    assert satellite.answer == "Done."
    assert satellite.wav()[2] == first + last
    log = async_chat_log(hass, satellite.conversation_id)
    assert [(one.role, getattr(one, "content", None)) for one in log.content[1:]] == [
        ("user", "Light, please."),
        ("assistant", "One moment."),
        ("assistant", None),
        ("tool_result", None),
        ("assistant", "Done."),
    ]
    assert "Kitchen light" in log.content[0].content


async def test_a_new_run_interrupts_and_what_was_heard_is_told(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    brain.add(Turn("Tell me a story.", (Plan((Say("Once upon a time. " * 20, seconds=20.0),)),)))
    brain.add(Turn("Stop.", (Plan((Say("As you like.", audio=VOICE),)),)))
    told = happenings(hass, entity_of(hass, "event", AGENT_ID, "activity"))
    asked_s = hass.loop.time()
    await satellite.ask()
    await until(lambda: len(satellite.heard) > 5 * 48_000)
    first = satellite._playing
    await asyncio.sleep(0.6)
    playing_ms = (hass.loop.time() - asked_s) * 1000
    await satellite.run()
    await first
    assert satellite.answer == "As you like."
    assert satellite.wav()[2] == VOICE
    (cut,) = [event for event in simulator.client_events if event["type"] == "conversation.item.truncate"]
    # It stops as the next run begins, which is told to the session in a moment.
    assert 100 < cut["audio_end_ms"] < playing_ms + 1000
    (interrupted,) = [one for one in told if one["event_type"] == "interrupted"]
    assert interrupted["played_ms"] == cut["audio_end_ms"]


async def test_a_satellite_that_listens_again_has_heard_the_question_to_its_end(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    brain.add(Turn("Unlock the door.", (Plan((Say("Shall I do it?", seconds=1.0),)),)))
    brain.add(Turn("Yes.", (Plan((Say("Done.", audio=VOICE),)),)))
    await satellite.ask()
    await satellite._playing
    # By the reckoning, a little is missing.
    await asyncio.sleep(0.8)
    await satellite.run()
    assert satellite.answer == "Done."
    assert "conversation.item.truncate" not in {event["type"] for event in simulator.client_events}


async def test_two_satellites_with_the_same_sentence_never_mix(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    voices = {}

    def answer(context) -> Plan:
        number = len(voices)
        voices[number] = tone(0.5, hz=300 + 200 * number)
        return Plan((Say(f"Answer {number}.", audio=voices[number]),))

    brain.respond_with = answer
    for _ in range(2):
        brain.add(Turn("What time is it?"))
    other = Satellite(hass, satellite.pipeline)
    await asyncio.gather(satellite.run(), other.run())
    for one in (satellite, other):
        assert one.errors == []
        number = int(one.answer.removeprefix("Answer ").removesuffix("."))
        assert one.wav()[2] == voices[number]
    assert {satellite.answer, other.answer} == {"Answer 0.", "Answer 1."}
    assert satellite.conversation_id != other.conversation_id


async def test_what_home_assistant_understands_by_itself_is_not_asked_of_the_agent(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    await async_update_pipeline(hass, satellite.pipeline, prefer_local_intents=True)
    brain.add(Turn("Turn on the kitchen light"))
    await satellite.run()
    assert satellite.of(PipelineEventType.INTENT_END)[0]["processed_locally"] is True
    assert state_of(hass, LIGHT).state == "on"
    assert "response.create" not in {event["type"] for event in simulator.connections[0].client_events}

    brain.add(Turn("What did I just do?", (Plan((Say("You turned on the light.", audio=VOICE),)),)))
    await satellite.run()
    assert satellite.answer == "You turned on the light."
    assert any("user: Turn on the kitchen light" in said for said in said_to(brain))
    assert len({event.connection for event in simulator.client_events}) == 2


async def test_what_an_automation_answers_is_not_done_twice(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    simulator: Simulator,
    satellite: Satellite,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exchange_module, "CLAIM_TIMEOUT_S", 0.3)
    automation = {
        "id": "good_night",
        "alias": "Good night",
        "triggers": [{"trigger": "conversation", "command": "good night"}],
        "actions": [{"set_conversation_response": "Sleep well."}],
    }
    assert await async_setup_component(hass, "automation", {"automation": [automation]})
    brain.add(Turn("good night", (Plan((TURN_ON,)),)))
    await satellite.run()
    assert satellite.answer == "Sleep well."
    await simulator.wait_for("conversation.item.create", count=1)
    (refused,) = [event for event in simulator.client_events if event["type"] == "conversation.item.create"]
    assert "not_asked" in refused["item"]["output"]
    assert state_of(hass, LIGHT).state == "off"


async def test_a_run_that_is_cancelled_while_it_listens_leaves_nothing_behind(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        async for chunk in microphone(speech()):
            yield chunk
        await asyncio.Event().wait()

    run = asyncio.create_task(satellite.ask(endless()))
    await simulator.wait_for("input_audio_buffer.append")
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    async with asyncio.timeout(5):
        await simulator.connections[0].closed.wait()
    assert state_of(hass, entity_of(hass, "sensor", AGENT_ID, "status")).state == "idle"

    brain.add(Turn("Hello.", (Plan((Say("Hello.", audio=VOICE),)),)))
    await satellite.run()
    assert satellite.answer == "Hello."
    ((heard, _),) = brain.turns_heard
    assert len(heard) / 48_000 == pytest.approx(0.5, abs=0.03)


async def test_a_run_that_is_cancelled_while_the_agent_thinks_silences_it(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    brain.add(Turn("Think.", (Plan((Stall(),)),)))
    run = asyncio.create_task(satellite.ask())
    await until(lambda: satellite.of(PipelineEventType.INTENT_START))
    await simulator.wait_for_sent("response.created")
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await simulator.wait_for("response.cancel")
    assert state_of(hass, entity_of(hass, "sensor", AGENT_ID, "status")).state == "idle"
    brain.add(Turn("Hello.", (Plan((Say("Hello.", audio=VOICE),)),)))
    await satellite.run()
    assert satellite.answer == "Hello."


async def test_the_session_ends_with_the_conversation(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    for _ in range(2):
        brain.add(Turn("Hello."))
    await satellite.run()
    assert simulator.connections[0].close_code is None
    async_fire_time_changed(hass, dt_util.utcnow() + dt_util.dt.timedelta(minutes=6), fire_all=True)
    async with asyncio.timeout(5):
        await simulator.connections[0].closed.wait()
    await satellite.run()
    assert satellite.errors == []
    assert len(simulator.connections) == 2


async def test_unloading_ends_it(
    hass: HomeAssistant, setup_integration: MockConfigEntry, simulator: Simulator, satellite: Satellite
) -> None:
    runtime = setup_integration.runtime_data
    await satellite.run()
    assert len(runtime.sessions) == 1
    assert await hass.config_entries.async_unload(setup_integration.entry_id)
    async with asyncio.timeout(5):
        await simulator.connections[0].closed.wait()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert runtime.sessions == []


async def test_ending_waits_for_no_tool_that_clings(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    satellite: Satellite,
    setup_integration: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("custom_components.rtvoice.bridge.ending.STOP_TIMEOUT_S", 0.05)
    clinging = add_clinging_tool(hass, setup_integration)
    brain.add(Turn("Do it.", (Plan((CLING,)),)))
    run = hass.async_create_background_task(satellite.run(), "run")
    await clinging.running.wait()
    try:
        async with asyncio.timeout(5):
            await setup_integration.runtime_data.async_close()
    finally:
        clinging.released.set()
    assert "exchange with Voice agent did not end in time" in caplog.text
    run.cancel()
    await asyncio.wait((run,))


async def test_where_somebody_else_answers_it_only_writes_down(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    await async_update_pipeline(
        hass, satellite.pipeline, conversation_engine="conversation.home_assistant", conversation_language="en"
    )
    brain.add(Turn("Turn on the kitchen light"))
    await satellite.run()
    assert satellite.text == "Turn on the kitchen light"
    assert state_of(hass, LIGHT).state == "on"
    assert simulator.connections[0].closed.is_set()
    hearing = [event["type"] for event in simulator.connections[0].client_events]
    assert "response.create" not in hearing
    # The answer of the other is spoken in the agent's voice.
    assert satellite.answer == "Turned on the light"
    assert [event.get("response", {}).get("instructions", "") for event in simulator.connections[1].client_events][
        -1
    ].endswith('Say exactly: "Turned on the light"')
    assert satellite.wav()[2]


async def test_the_entities_follow_it(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    satellite: Satellite,
    simulator: Simulator,
    setup_integration: MockConfigEntry,
) -> None:
    status = entity_of(hass, "sensor", AGENT_ID, "status")
    session = entity_of(hass, "binary_sensor", AGENT_ID, "session")
    user = entity_of(hass, "binary_sensor", AGENT_ID, "user_speaking")
    er.async_get(hass).async_update_entity(user, disabled_by=None)
    assert await hass.config_entries.async_reload(setup_integration.entry_id)
    change_agent(hass, setup_integration, **{CONF_INACTIVITY_TIMEOUT: 1})
    seen = states_seen(hass, status, session, user)
    told = happenings(hass, entity_of(hass, "event", AGENT_ID, "activity"))
    brain.add(Turn("Turn on the kitchen light.", (Plan((TURN_ON,)), Plan((Say("It is on.", audio=VOICE),)))))
    await satellite.run()
    await until(lambda: state_of(hass, status).state == "idle")
    await until(lambda: state_of(hass, session).state == "off")
    assert seen[status][0] == "listening"
    assert [one for one in seen[status] if one in ("thinking", "speaking")][-2:] == ["thinking", "speaking"]
    assert seen[session] == ["on", "off"]
    assert state_of(hass, entity_of(hass, "sensor", AGENT_ID, "user_transcript")).state == "Turn on the kitchen light."
    assert state_of(hass, entity_of(hass, "sensor", AGENT_ID, "assistant_transcript")).state == "It is on."
    assert state_of(hass, entity_of(hass, "sensor", AGENT_ID, "last_tool")).state == "intent__HassTurnOn"
    assert 0 < float(state_of(hass, entity_of(hass, "sensor", AGENT_ID, "response_latency")).state) < 5000
    assert [one["event_type"] for one in told] == [
        "session_started",
        "user_turn",
        "tool_called",
        "assistant_turn",
        "session_ended",
    ]
    assert told[-1]["reason"] == "inactivity"
    assert float(state_of(hass, entity_of(hass, "sensor", AGENT_ID, "tokens")).state) > 0


async def test_the_satellite_s_room_and_user_are_known(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    satellite: Satellite,
    setup_integration: MockConfigEntry,
    hass_admin_user: MockUser,
) -> None:
    area = ar.async_get(hass).async_create("Pantry")
    other = MockConfigEntry(domain="test")
    other.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(config_entry_id=other.entry_id, identifiers={("test", "box")})
    dr.async_get(hass).async_update_device(device.id, area_id=area.id)
    satellite.device_id, satellite.context = device.id, context_of(hass_admin_user)
    calls = []
    hass.bus.async_listen("call_service", calls.append)
    brain.add(Turn("Turn on the kitchen light.", (Plan((TURN_ON,)),)))
    await satellite.run()
    assert "You are in the area Pantry." in brain.contexts[0].instructions
    assert f"The user's name is {hass_admin_user.name}." in brain.contexts[0].instructions
    (call,) = [call for call in calls if call.data["domain"] == "light"]
    assert call.context.user_id == hass_admin_user.id


async def test_somebody_else_in_the_same_conversation_gets_another_session(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    brain.add(Turn("I am Ada.", (Plan((Say("Hello Ada.", audio=VOICE),)),)))
    await satellite.run()
    await heard_out(hass)
    satellite.device_id = "another"
    brain.add(Turn("Who am I?", (Plan((Say("Ada, I think.", audio=VOICE),)),)))
    await satellite.run()
    assert satellite.answer == "Ada, I think."
    assert len(simulator.connections) == 2
    assert said_to(brain) == ["I am Ada.", "Hello Ada.", "Who am I?"]


async def test_instructions_that_come_with_the_run_are_heeded(
    hass: HomeAssistant, brain: ScriptedBrain, satellite: Satellite
) -> None:
    satellite.extra = "The door bell has rung. Ask who it is."
    brain.respond_with = lambda context: Plan(
        (Say("New." if any("door bell" in str(item.body) for item in context.items) else "Old."),)
    )
    brain.add(Turn("Yes?"))
    await satellite.run()
    assert satellite.answer == "New."
    brain.add(Turn("And?"))
    await satellite.run()
    assert satellite.answer == "New."


async def test_silence_is_no_turn(hass: HomeAssistant, brain: ScriptedBrain, satellite: Satellite) -> None:
    brain.add(Turn(""))
    await satellite.run()
    assert satellite.errors == ["stt-no-text-recognized"]
    await satellite.run(b"")
    assert satellite.errors == ["stt-no-text-recognized"]
    assert state_of(hass, entity_of(hass, "sensor", AGENT_ID, "status")).state == "idle"


async def test_a_muted_agent_hears_nothing(hass: HomeAssistant, simulator: Simulator, satellite: Satellite) -> None:
    mute = entity_of(hass, "switch", AGENT_ID, "mute")
    await hass.services.async_call("switch", "turn_on", {"entity_id": mute}, blocking=True)
    await satellite.run()
    assert satellite.errors == ["stt-no-text-recognized"]
    assert simulator.connections == []


async def test_a_provider_that_refuses_is_an_error_at_the_satellite(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    told = happenings(hass, entity_of(hass, "event", AGENT_ID, "activity"))
    simulator.behaviour.refusal = "insufficient_quota"
    await satellite.run()
    assert satellite.errors == ["stt-stream-failed"]
    assert [one["event_type"] for one in told] == ["error"]
    simulator.behaviour.refusal = None
    brain.add(Turn("Hello."))
    await satellite.run()
    assert satellite.errors == []


async def test_an_answer_without_words_is_said_to_be_none(
    hass: HomeAssistant, brain: ScriptedBrain, satellite: Satellite
) -> None:
    brain.add(Turn("Hello?", (Plan(()),)))
    await satellite.run()
    assert "no answer" in satellite.answer
    assert not satellite.streamed
    assert satellite.wav()[2]


async def test_the_provider_finds_the_end_of_a_turn_where_it_is_left_to_it(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, satellite: Satellite
) -> None:
    subentry = setup_integration.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(
        setup_integration, subentry, data={**subentry.data, CONF_ENDPOINTING: ENDPOINTING_AGENT}
    )
    brought = 0

    async def open_microphone() -> AsyncIterator[bytes]:
        nonlocal brought
        async for chunk in microphone(bytes(6400) + speech() + bytes(32_000 * 60)):
            brought += len(chunk)
            yield chunk
            await asyncio.sleep(0.002)

    brain.add(Turn("Turn on the kitchen light.", (Plan((TURN_ON,)), Plan((Say("It is on.", audio=VOICE),)))))
    await satellite.run(open_microphone())
    assert satellite.errors == []
    assert satellite.of(PipelineEventType.STT_START)[0]["audio_processing"]["requires_external_vad"] is False
    assert brought < 32_000 * 30
    assert state_of(hass, LIGHT).state == "on"
    assert satellite.wav()[2] == VOICE
    # What ends before the person has been silent for long enough is waited out.
    brain.add(Turn("Thank you.", (Plan((Say("Not at all.", audio=VOICE),)),)))
    await heard_out(hass)
    await satellite.run(bytes(6400) + speech())
    assert satellite.answer == "Not at all."


async def test_a_lock_opens_only_with_the_person_s_next_word(
    hass: HomeAssistant, brain: ScriptedBrain, satellite: Satellite
) -> None:
    hass.states.async_set("lock.front_door", "locked", {"friendly_name": "Front door"})
    async_expose_entity(hass, "conversation", "lock.front_door", True)
    unlocks = async_mock_service(hass, "lock", "unlock")

    def answer(context) -> Plan:
        outputs = [json.loads(item.body["output"]) for item in context.items if item.kind == "function_call_output"]
        arguments = {"name": "Front door", "domain": ["lock"]}
        if not outputs:
            return Plan((Call("intent__HassTurnOff", arguments),))
        if context.items[-1].kind == "function_call_output":
            return Plan((Say("Shall I unlock the front door?" if "token" in outputs[-1] else "It is open."),))
        return Plan((Call("intent__HassTurnOff", {**arguments, "confirmation_token": outputs[0]["token"]}),))

    brain.respond_with = answer
    brain.add(Turn("Unlock the front door."))
    await satellite.run()
    assert satellite.answer == "Shall I unlock the front door?"
    assert unlocks == []
    await heard_out(hass)
    brain.add(Turn("Yes."))
    await satellite.run()
    assert satellite.answer == "It is open."
    assert len(unlocks) == 1


async def test_the_button_makes_one_voice_assistant(
    hass: HomeAssistant, setup_integration: MockConfigEntry, satellite: Satellite
) -> None:
    assert satellite.pipeline.name == "Voice agent"
    (pipeline,) = [one for one in async_get_pipelines(hass) if one.name == "Voice agent"]
    assert (pipeline.stt_engine, pipeline.conversation_engine, pipeline.tts_engine) == (STT, AGENT, TTS)
    assert (pipeline.conversation_language, pipeline.stt_language, pipeline.tts_language) == ("*", "en", "en")
    with pytest.raises(ServiceValidationError) as refusal:
        await async_create(hass)
    assert refusal.value.translation_key == "pipeline_exists"
    await async_update_pipeline(hass, pipeline, conversation_engine="conversation.home_assistant")
    await hass.services.async_call("button", "press", {"entity_id": CREATE}, blocking=True)
    assert [one.name for one in async_get_pipelines(hass)][-1] == "Voice agent 2"


async def test_any_text_is_spoken_in_the_agent_s_voice(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    stream = async_create_stream(hass, TTS, options={"preferred_format": "wav", "voice": "cedar"})
    stream.async_set_message("Dinner is ready.")
    data = b"".join([chunk async for chunk in stream.async_stream_result()])
    assert data[:4] == b"RIFF"
    assert len(data) > 10_000
    assert brain.contexts[-1].voice == "cedar"
    assert brain.contexts[-1].response_instructions.endswith('Say exactly: "Dinner is ready."')
    await until(simulator.connections[-1].closed.is_set)
    simulator.behaviour.handshake_status = 503
    stream = async_create_stream(hass, TTS, options={"preferred_format": "wav"})
    stream.async_set_message("Nobody hears this.")
    with pytest.raises(HomeAssistantError):
        _ = [chunk async for chunk in stream.async_stream_result()]


async def test_wav_is_at_the_rate_that_is_asked_for(hass: HomeAssistant, satellite: Satellite) -> None:
    entity = hass.data["tts"].get_entity(TTS)
    for rate_hz, channels in ((16_000, 1), (22_050, 1), (48_000, 2)):

        async def words() -> AsyncGenerator[str]:
            yield "Hello."

        options = {
            "preferred_format": "wav",
            "preferred_sample_rate": rate_hz,
            "preferred_sample_channels": channels,
            "preferred_sample_bytes": 2,
        }
        response = await entity.async_stream_tts_audio(TTSAudioRequest("en", options, words()))
        data = b"".join([chunk async for chunk in response.data_gen])
        with wave.open(io.BytesIO(data)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (rate_hz, channels, 2)
            samples = len(file.readframes(file.getnframes())) / 2 / channels
        assert samples / rate_hz == pytest.approx(0.4, abs=0.01)


async def test_speech_that_comes_by_http_is_written_down(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite, hass_client
) -> None:
    brain.add(Turn("Hello there."))
    client = await hass_client()
    header = "format=wav; codec=pcm; sample_rate=16000; bit_rate=16; channel=1; language=en"
    answer = await client.post(f"/api/stt/{STT}", data=speech(), headers={"X-Speech-Content": header})
    assert await answer.json() == {"text": "Hello there.", "result": "success"}
    assert simulator.connections[-1].closed.is_set()


async def test_a_satellite_that_plays_late_is_taken_to_have_heard_nothing_before(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    other = MockConfigEntry(domain="voip")
    other.add_to_hass(hass)
    registry = er.async_get(hass)
    phone = registry.async_get_or_create("assist_satellite", "voip", "phone", config_entry=other)
    satellite.satellite_id = phone.entity_id
    simulator.behaviour.speed = 0
    brain.add(Turn("Tell me.", (Plan((Say("A long story.", seconds=3.0), Stall())),)))
    run = asyncio.create_task(satellite.ask())
    await until(lambda: len(satellite.heard) > 3 * 48_000 - 1000)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await simulator.wait_for("conversation.item.delete")
    assert "conversation.item.truncate" not in {event["type"] for event in simulator.client_events}


async def test_what_cannot_be_written_down_is_answered_all_the_same(
    hass: HomeAssistant, brain: ScriptedBrain, satellite: Satellite
) -> None:
    brain.add(Turn(Heard("", error="too noisy"), (Plan((Say("I heard you.", audio=VOICE),)),)))
    await satellite.run()
    assert satellite.text == "…"
    assert satellite.answer == "I heard you."


async def test_an_answer_that_nobody_fetches_is_taken_back(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    simulator: Simulator,
    satellite: Satellite,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exchange_module, "FETCH_TIMEOUT_S", 0.2)
    monkeypatch.setattr(ResultStream, "async_set_message_stream", lambda stream, message: None)
    brain.add(Turn("Hello?", (Plan((Say("Hello.", audio=VOICE),)),)))
    await satellite.ask()
    assert satellite.answer == "Hello."
    await simulator.wait_for("conversation.item.delete")
    await heard_out(hass)
    assert satellite.heard == b""
    satellite._playing.cancel()


async def test_a_question_of_home_assistant_s_own_is_only_written_down(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, satellite: Satellite
) -> None:
    brain.add(Turn("The blue one."))
    satellite.end_stage = PipelineStage.STT
    await satellite.run()
    assert satellite.text == "The blue one."
    assert "response.create" not in {event["type"] for event in simulator.client_events}
    assert simulator.connections[0].closed.is_set()


async def test_nobody_speaks_where_the_provider_would_find_the_end(
    hass: HomeAssistant,
    simulator: Simulator,
    setup_integration: MockConfigEntry,
    satellite: Satellite,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(utterance_module, "ONSET_TIMEOUT_S", 1.0)
    subentry = setup_integration.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(
        setup_integration, subentry, data={**subentry.data, CONF_ENDPOINTING: ENDPOINTING_AGENT}
    )
    for length in (320_000, 16_000):
        await satellite.run(bytes(length))
        assert satellite.errors == ["stt-no-text-recognized"]


async def test_a_spent_budget_is_an_error_at_the_satellite(
    hass: HomeAssistant, setup_integration: MockConfigEntry, simulator: Simulator, satellite: Satellite
) -> None:
    subentry = setup_integration.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(setup_integration, subentry, data={**subentry.data, CONF_DAY_BUDGET: 0.5})
    setup_integration.runtime_data.ledger.add(AGENT_ID, 10, Decimal(1))
    told = happenings(hass, entity_of(hass, "event", AGENT_ID, "activity"))
    await satellite.run()
    assert satellite.errors == ["stt-stream-failed"]
    assert [one["event_type"] for one in told] == ["error"]
    assert simulator.connections == []


async def test_too_many_conversations_are_not_kept(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    setup_integration: MockConfigEntry,
    simulator: Simulator,
    satellite: Satellite,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exchanges_module, "MAX_EXCHANGES", 1)
    for text in ("One.", "Two."):
        brain.add(Turn(text))
    await satellite.run()
    await Satellite(hass, satellite.pipeline).run()
    async with asyncio.timeout(5):
        await simulator.connections[0].closed.wait()
    assert not simulator.connections[1].closed.is_set()


async def test_what_is_written_in_between_is_answered_in_writing_and_known_later(
    hass: HomeAssistant, brain: ScriptedBrain, satellite: Satellite
) -> None:
    brain.add(Turn("Hello.", (Plan((Say("Hello.", audio=VOICE),)),)))
    await satellite.run()
    await heard_out(hass)
    mute = entity_of(hass, "switch", AGENT_ID, "mute")
    for action in ("turn_on", "turn_off"):
        await hass.services.async_call("switch", action, {"entity_id": mute}, blocking=True)
    brain.plans.append(Plan((Say("Noted."),)))
    result = await async_converse(
        hass, "My name is Ada.", satellite.conversation_id, Context(), language="en", agent_id=AGENT
    )
    assert result.response.speech["plain"]["speech"] == "Noted."
    assert brain.contexts[-1].modality == "text"
    brain.add(Turn("Who am I?", (Plan((Say("Ada.", audio=VOICE),)),)))
    await satellite.run()
    assert satellite.answer == "Ada."
    assert any("user: My name is Ada.\nassistant: Noted." in said for said in said_to(brain))


async def test_without_all_three_entities_there_is_no_voice_assistant(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    er.async_get(hass).async_remove(TTS)
    await hass.async_block_till_done()
    with pytest.raises(ServiceValidationError) as refusal:
        await hass.services.async_call("button", "press", {"entity_id": CREATE}, blocking=True)
    assert refusal.value.translation_key == "no_pipeline"


async def test_text_that_the_model_does_not_speak_and_speech_that_nobody_can_write_down_fail(
    hass: HomeAssistant, simulator: Simulator, satellite: Satellite, brain: ScriptedBrain
) -> None:
    satellite.end_stage = PipelineStage.STT
    simulator.behaviour.refusal = "server_error"
    await satellite.run()
    assert satellite.errors == ["stt-stream-failed"]
    simulator.behaviour.refusal = None
    stream = async_create_stream(hass, TTS, options={"preferred_format": "wav"})
    stream.async_set_message("   ")
    assert len(b"".join([chunk async for chunk in stream.async_stream_result()])) == 44
