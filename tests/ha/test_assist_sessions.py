"""A session that an Assist pipeline carries is seen, told, kept and ended as any other."""

import asyncio
import json
import wave
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
from homeassistant.components.assist_pipeline import async_update_pipeline
from homeassistant.components.assist_pipeline.models import PipelineStage
from homeassistant.components.conversation import async_converse
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_capture_events,
)
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.rtvoice.const import (
    CONF_ENDPOINTING,
    CONF_INACTIVITY_TIMEOUT,
    CONF_KEEP_TRANSCRIPTS,
    CONF_RECORDING,
    CONF_TURN_DETECTION,
    DOMAIN,
    ENDPOINTING_AGENT,
    EVENT_ACTIVITY,
)
from custom_components.rtvoice.logbook import async_describe_activity
from simulator import Call, Plan, Say, ScriptedBrain, Simulator, Turn, tone

from .conftest import AGENT_ID, SATELLITE_ID
from .house import AGENT, LIGHT, async_build_house, context_of, entity_of, happenings, state_of, states_seen
from .house import SATELLITE as OWN
from .pipelines import Satellite, async_create, speech
from .test_reachability import unavailable
from .test_session import start, stop
from .test_trigger import automate, holds, on
from .test_usage import change_agent

TURN_ON = Call("intent__HassTurnOn", {"name": "Kitchen light", "domain": ["light"]})
VOICE = tone(0.4, hz=500)
BOX = "assist_satellite.kitchen_box"


@pytest.fixture(autouse=True)
async def no_ffmpeg(hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is none, and what is kept is kept in a folder of the test."""
    (tmp_path / "config").mkdir()
    monkeypatch.setattr(hass.config, "config_dir", str(tmp_path / "config"))
    hass.config.media_dirs = {"local": str(tmp_path / "media")}
    assert await async_setup_component(hass, "ffmpeg", {"ffmpeg": {"ffmpeg_bin": str(tmp_path / "none")}})


@pytest.fixture
async def box(hass: HomeAssistant, setup_integration: MockConfigEntry) -> Satellite:
    """A satellite of another integration in the kitchen, whose voice assistant is the agent."""
    await async_build_house(hass)
    other = MockConfigEntry(domain="esphome")
    other.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("esphome", "box")}, name="Kitchen"
    )
    registered = er.async_get(hass).async_get_or_create(
        "assist_satellite", "esphome", "box", config_entry=other, device_id=device.id, suggested_object_id="kitchen_box"
    )
    assert registered.entity_id == BOX
    hass.states.async_set(BOX, "idle")
    return Satellite(hass, await async_create(hass), device_id=device.id, satellite_id=BOX)


@pytest.fixture
async def asked(brain: ScriptedBrain) -> None:
    """Somebody will ask for the light."""
    brain.add(Turn("Turn on the light.", (Plan((TURN_ON,)), Plan((Say("It is on.", audio=VOICE),)))))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def status(hass: HomeAssistant) -> str:
    return state_of(hass, entity_of(hass, "sensor", AGENT_ID, "status")).state


async def heard_out(hass: HomeAssistant) -> None:
    """Wait until the satellite has played all of the answer."""
    await until(lambda: status(hass) == "idle")


def kept(hass: HomeAssistant) -> list[Path]:
    """The transcripts."""
    return list(Path(hass.config.path(DOMAIN, "transcripts")).glob("*/*.txt"))


async def forgotten(hass: HomeAssistant) -> None:
    """Nobody says anything until the session ends, of an agent that does not wait long."""
    session = entity_of(hass, "binary_sensor", AGENT_ID, "session")
    await until(lambda: state_of(hass, session).state == "off")
    await hass.async_block_till_done()


@pytest.fixture
def impatient(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    """The agent waits for the next turn for a second."""
    change_agent(hass, setup_integration, **{CONF_INACTIVITY_TIMEOUT: 1.0})


@pytest.mark.parametrize("target", [AGENT, BOX])
async def test_it_triggers_automations(
    hass: HomeAssistant, box: Satellite, asked: None, target: str, impatient: None
) -> None:
    names = ("session_started", "user_started_speaking", "assistant_started_speaking", "session_ended")
    phrase = on("phrase_said", target, phrase="turn on the light")
    told = await automate(hass, *(on(name, target) for name in names), phrase)
    await box.run()
    await heard_out(hass)
    await forgotten(hass)
    assert sorted(trigger["idx"] for trigger in told) == ["0", "1", "2", "3", "4"]
    assert told[-1]["idx"] == "3"
    assert told[-1]["reason"] == "inactivity"
    assert {(trigger["entity_id"], trigger["agent"]) for trigger in told} == {(BOX, AGENT)}
    assert len({trigger["session_id"] for trigger in told}) == 1
    assert told[-1]["description"] == "session ended on Kitchen"


async def test_others_are_not_triggered(hass: HomeAssistant, box: Satellite, asked: None) -> None:
    told = await automate(hass, on("session_started", OWN), on("session_started", "assist_satellite.attic"))
    await box.run()
    await hass.async_block_till_done()
    assert told == []


async def test_where_there_is_no_satellite_it_is_told_by_the_agent(
    hass: HomeAssistant, box: Satellite, asked: None
) -> None:
    told = await automate(hass, on("session_started", AGENT))
    activities = async_capture_events(hass, EVENT_ACTIVITY)
    box.device_id = box.satellite_id = None
    await box.run()
    await hass.async_block_till_done()
    assert [(trigger["entity_id"], trigger["description"]) for trigger in told] == [(None, "session started on Assist")]
    assert {activity.data["entity_id"] for activity in activities} == {AGENT}


async def test_conditions_and_entities_see_it_between_two_turns(
    hass: HomeAssistant, brain: ScriptedBrain, box: Satellite, asked: None
) -> None:
    assert await holds(hass, "is_in_session", AGENT) is False
    seen = states_seen(hass, entity_of(hass, "sensor", AGENT_ID, "status"))
    switch = entity_of(hass, "switch", AGENT_ID, "session")
    brain.add(Turn("A story, please.", (Plan((Say("A long story.", seconds=20.0),)),)))
    await box.run()
    await heard_out(hass)
    (states,) = seen.values()
    assert states == ["listening", "thinking", "speaking", "idle"]
    assert await holds(hass, "is_in_session", AGENT) is True
    assert await holds(hass, "is_speaking", AGENT) is False
    assert state_of(hass, switch).state == "on"
    assert await holds(hass, "is_in_session", OWN) is False
    await box.ask()
    await until(lambda: status(hass) == "speaking")
    assert await holds(hass, "is_speaking", AGENT, who="assistant") is True
    await hass.services.async_call("switch", "turn_off", {"entity_id": switch}, blocking=True)
    await box.listen()
    assert await holds(hass, "is_in_session", AGENT) is False
    assert (state_of(hass, switch).state, status(hass)) == ("off", "idle")


async def test_the_user_is_seen_to_speak_while_the_satellite_listens(
    hass: HomeAssistant, brain: ScriptedBrain, box: Satellite, asked: None
) -> None:
    async def endless() -> AsyncGenerator[bytes]:
        yield speech()
        await released.wait()

    released = asyncio.Event()
    run = hass.async_create_background_task(box.ask(endless()), "run")
    await until(lambda: status(hass) == "listening")
    assert await holds(hass, "is_speaking", AGENT, who="user") is True
    released.set()
    await run
    assert await holds(hass, "is_speaking", AGENT, who="user") is False
    await box.listen()


async def test_what_is_done_is_in_the_logbook_under_the_satellite_s_name_and_by_its_user(
    hass: HomeAssistant, box: Satellite, asked: None, hass_admin_user: MockUser, impatient: None
) -> None:
    activities = async_capture_events(hass, EVENT_ACTIVITY)
    changes = async_capture_events(hass, "state_changed")
    box.context = context_of(hass_admin_user)
    await box.run()
    await heard_out(hass)
    await forgotten(hass)
    assert [async_describe_activity(activity)["message"] for activity in activities] == [
        "started a session",
        "turned on Kitchen light (asked by voice)",
        "ended a session",
    ]
    assert {(one.data["name"], one.data["entity_id"], one.data["agent"]) for one in activities} == {
        ("Kitchen", BOX, AGENT)
    }
    (context,) = {activity.context.id: activity.context for activity in activities}.values()
    assert (context.user_id, context.parent_id) == (hass_admin_user.id, box.context.id)
    (light,) = [
        one
        for one in changes
        if one.data["entity_id"] == LIGHT and one.data["new_state"] and one.data["new_state"].state == "on"
    ]
    assert context.id in (light.context.id, light.context.parent_id)
    event = entity_of(hass, "event", AGENT_ID, "activity")
    assert {change.context.id for change in changes if change.data["entity_id"] == event} == {context.id}


async def test_what_another_speech_to_text_has_heard_is_told_so_too(
    hass: HomeAssistant, brain: ScriptedBrain, box: Satellite, hass_admin_user: MockUser
) -> None:
    activities = async_capture_events(hass, EVENT_ACTIVITY)
    for device_id, satellite_id in ((box.device_id, BOX), (None, None)):
        brain.plans += [Plan((TURN_ON,)), Plan((Say("It is on."),))]
        await async_converse(
            hass,
            "Turn on the light.",
            None,
            context_of(hass_admin_user),
            language="en",
            agent_id=AGENT,
            device_id=device_id,
            satellite_id=satellite_id,
        )
    told = [async_describe_activity(activity) for activity in activities]
    assert [(one["name"], one["entity_id"], one["message"]) for one in told] == [
        ("Kitchen", BOX, "turned on Kitchen light (asked by voice)"),
        ("Assist", AGENT, "turned on Kitchen light (asked in writing)"),
    ]
    assert {activity.context.user_id for activity in activities} == {hass_admin_user.id}


async def test_it_is_written_down_when_it_has_ended(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    box: Satellite,
    asked: None,
    setup_integration: MockConfigEntry,
    impatient: None,
) -> None:
    change_agent(hass, setup_integration, **{CONF_KEEP_TRANSCRIPTS: 3})
    brain.add(Turn("Thank you.", (Plan((Say("Not at all.", audio=VOICE),)),)))
    await box.run()
    await heard_out(hass)
    await box.run()
    await heard_out(hass)
    await forgotten(hass)
    (file,) = kept(hass)
    assert file.name.endswith("_kitchen.txt")
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    assert head.startswith("Voice agent on Kitchen, ")
    assert head.endswith("(inactivity)")
    assert [line.partition(" ")[2] for line in lines] == [
        "User: Turn on the light.",
        "Voice agent: It is on.",
        "User: Thank you.",
        "Voice agent: Not at all.",
    ]


async def test_by_default_nothing_is_written_down(
    hass: HomeAssistant, box: Satellite, asked: None, impatient: None
) -> None:
    await box.run()
    await heard_out(hass)
    await forgotten(hass)
    assert kept(hass) == []


async def test_it_is_recorded_where_the_agent_s_sessions_are(
    hass: HomeAssistant,
    box: Satellite,
    asked: None,
    setup_integration: MockConfigEntry,
    tmp_path: Path,
    impatient: None,
) -> None:
    change_agent(hass, setup_integration, **{CONF_RECORDING: True})
    await box.run()
    await heard_out(hass)
    await forgotten(hass)
    (file,) = (tmp_path / "media" / DOMAIN / "kitchen").iterdir()
    with wave.open(str(file)) as recording:
        assert (recording.getnchannels(), recording.getsampwidth()) == (2, 2)
        frames = recording.readframes(recording.getnframes())
        rate = recording.getframerate()
    left, right = memoryview(frames).cast("h")[::2], memoryview(frames).cast("h")[1::2]
    assert sum(abs(sample) > 1000 for sample in left.tolist()) / rate > 0.2, "the user is heard"
    assert sum(abs(sample) > 1000 for sample in right.tolist()) / rate > 0.2, "the agent is heard"


async def test_diagnostics_show_how_it_went(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    box: Satellite,
    asked: None,
    setup_integration: MockConfigEntry,
    impatient: None,
) -> None:
    assert await async_setup_component(hass, "diagnostics", {})
    await box.run()
    await heard_out(hass)
    await forgotten(hass)
    shown = await get_diagnostics_for_config_entry(hass, hass_client, setup_integration)
    (session,) = shown["runtime"]["last_sessions"]
    assert (session["agent"], session["satellite"], session["end_reason"]) == (AGENT_ID, None, "inactivity")
    assert (session["turns_said"], session["tools_called"]) == (2, 1)
    (turn,) = session["turns"]
    assert 0 <= turn["response_ms"] <= turn["words_ms"]
    assert turn["audio_ms"] >= 0
    assert turn["tools_ms"] >= 0
    assert "Turn on the light" not in json.dumps(shown)


async def test_where_the_provider_hears_the_end_of_a_turn_it_is_shown_and_timed_from_there(
    hass: HomeAssistant, box: Satellite, asked: None, setup_integration: MockConfigEntry, impatient: None
) -> None:
    change_agent(hass, setup_integration, **{CONF_ENDPOINTING: ENDPOINTING_AGENT})
    told = await automate(hass, on("user_started_speaking", AGENT))
    await box.run(bytes(6400) + speech() + bytes(32_000))
    await heard_out(hass)
    await forgotten(hass)
    assert len(told) == 1
    (course,) = setup_integration.runtime_data.diagnostics()["last_sessions"]
    assert len(course["turns"]) == 1


@pytest.mark.parametrize("turn_detection", ["semantic_vad", "server_vad"])
async def test_where_somebody_else_answers_the_model_composes_nothing(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    simulator: Simulator,
    box: Satellite,
    setup_integration: MockConfigEntry,
    turn_detection: str,
) -> None:
    detection = {CONF_ENDPOINTING: ENDPOINTING_AGENT, CONF_TURN_DETECTION: turn_detection}
    change_agent(hass, setup_integration, **detection)
    brain.add(Turn("The blue one."))
    box.end_stage = PipelineStage.STT
    await box.run(bytes(6400) + speech() + bytes(64_000))
    assert box.text == "The blue one."
    async with asyncio.timeout(5):
        await simulator.connections[0].closed.wait()
    assert "response.created" not in {event["type"] for event in simulator.connections[0].server_events}


@pytest.mark.parametrize("words", ["Turn on the kitchen light", "What is the meaning of life?"])
async def test_the_model_is_asked_only_for_what_home_assistant_does_not_understand(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    simulator: Simulator,
    box: Satellite,
    setup_integration: MockConfigEntry,
    words: str,
) -> None:
    change_agent(hass, setup_integration, **{CONF_ENDPOINTING: ENDPOINTING_AGENT})
    await async_update_pipeline(hass, box.pipeline, prefer_local_intents=True)
    brain.add(Turn(words, (Plan((Say("It is 42.", audio=VOICE),)),)))
    await box.run(bytes(6400) + speech() + bytes(64_000))
    asked = "response.create" in {event["type"] for event in simulator.connections[0].client_events}
    understood = words.startswith("Turn")
    assert (state_of(hass, LIGHT).state == "on", "42" in box.answer, asked) == (
        understood,
        not understood,
        not understood,
    )


async def test_the_time_without_a_word_is_counted_from_the_end_of_the_answer(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, box: Satellite, impatient: None
) -> None:
    brain.add(Turn("A story, please.", (Plan((Say("A long story.", seconds=2.0),)),)))
    began_s = hass.loop.time()
    await box.run()
    await heard_out(hass)
    heard_s = hass.loop.time()
    assert heard_s - began_s > 2, "longer than the agent waits"
    assert await holds(hass, "is_in_session", AGENT) is True
    await forgotten(hass)
    assert hass.loop.time() - heard_s > 0.9
    async with asyncio.timeout(5):
        await simulator.connections[0].closed.wait()
    # Whoever goes on with the conversation gets another session, which knows what was said.
    brain.add(Turn("And then?", (Plan((Say("The end.", audio=VOICE),)),)))
    await box.run()
    assert box.answer == "The end."
    assert len(simulator.connections) == 2
    said = [str(item.body) for item in brain.contexts[-1].items]
    assert any("A story, please." in one for one in said)


async def test_an_agent_that_waits_for_ever_does_not_end_it_by_itself(
    hass: HomeAssistant, box: Satellite, asked: None, setup_integration: MockConfigEntry
) -> None:
    change_agent(hass, setup_integration, **{CONF_INACTIVITY_TIMEOUT: 0})
    await box.run()
    await heard_out(hass)
    await asyncio.sleep(0.3)
    assert await holds(hass, "is_in_session", AGENT) is True


async def test_actions_reach_it(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, box: Satellite
) -> None:
    brain.add(Turn("A story, please.", (Plan((Say("A long story.", seconds=20.0),)),)))
    run = hass.async_create_background_task(box.run(), "run")
    await until(lambda: status(hass) == "speaking")
    target = {"entity_id": AGENT}
    await hass.services.async_call(DOMAIN, "set_speech_speed", {**target, "speed": 1.25}, blocking=True)
    await hass.services.async_call(DOMAIN, "interrupt", target, blocking=True)
    await simulator.wait_for("conversation.item.truncate")
    # Nobody would hear what is said there, or see to what is written.
    for name, fields in (
        ("say", {"text": "Hello."}),
        ("send_message", {"text": "Hello."}),
        ("move", {"satellite": OWN}),
    ):
        with pytest.raises(ServiceValidationError) as refusal:
            await hass.services.async_call(DOMAIN, name, {**target, **fields}, blocking=True)
        assert refusal.value.translation_key == "not_in_session"
    await run
    await hass.services.async_call(DOMAIN, "stop", target, blocking=True)
    async with asyncio.timeout(5):
        await simulator.connections[0].closed.wait()
    assert await holds(hass, "is_in_session", AGENT) is False


async def test_its_link_that_is_made_anew_leaves_the_entities_available(
    hass: HomeAssistant, simulator: Simulator, box: Satellite, asked: None, setup_integration: MockConfigEntry
) -> None:
    await box.run()
    await heard_out(hass)
    runtime = setup_integration.runtime_data
    await simulator.stop()
    await until(lambda: status(hass) == "reconnecting")
    await until(lambda: not runtime.reachability.reachable)
    await hass.async_block_till_done()
    assert unavailable(hass, setup_integration) == {False, True}
    assert state_of(hass, AGENT).state != "unavailable"
    switch = entity_of(hass, "switch", AGENT_ID, "session")
    await hass.services.async_call("switch", "turn_off", {"entity_id": switch}, blocking=True)
    await hass.async_block_till_done()
    assert unavailable(hass, setup_integration) == {True}


async def test_of_two_sessions_the_one_is_shown_in_which_something_goes_on(
    hass: HomeAssistant, brain: ScriptedBrain, box: Satellite, asked: None
) -> None:
    await box.run()
    await heard_out(hass)
    await start(hass)
    await until(lambda: status(hass) == "listening")
    said = entity_of(hass, "sensor", AGENT_ID, "user_transcript")
    brain.add(Turn("Who are you?", (Plan((Say("Your agent.", audio=VOICE),)),)))
    await box.run()
    assert state_of(hass, said).state == "Who are you?"
    # Nobody speaks there any more, and the other one still listens.
    await until(lambda: status(hass) == "listening")
    await stop(hass)
    assert status(hass) == "idle"
    assert state_of(hass, said).state == "Who are you?"
    assert await holds(hass, "is_in_session", AGENT) is True
    assert await holds(hass, "is_in_session", OWN) is False
    assert state_of(hass, entity_of(hass, "sensor", SATELLITE_ID, "status")).state == "idle"


async def test_words_that_home_assistant_understands_by_itself_are_part_of_it(
    hass: HomeAssistant, brain: ScriptedBrain, box: Satellite, setup_integration: MockConfigEntry
) -> None:
    await async_update_pipeline(hass, box.pipeline, prefer_local_intents=True)
    told = happenings(hass, entity_of(hass, "event", AGENT_ID, "activity"))
    brain.add(Turn("Turn on the kitchen light"))
    await box.run()
    assert state_of(hass, LIGHT).state == "on"
    assert [one["event_type"] for one in told] == ["session_started", "user_turn"]
    assert len(setup_integration.runtime_data.sessions) == 1
