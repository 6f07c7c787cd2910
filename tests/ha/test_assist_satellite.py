"""The satellite as Assist and other integrations use it."""

import wave
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.components.assist_satellite import AssistSatelliteEntityFeature
from homeassistant.components.assist_satellite.const import DATA_COMPONENT, PREANNOUNCE_URL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import DOMAIN
from simulator import Heard, ScriptedBrain, Simulator, Turn, tone
from tests.engine.mcp.rig import free_port

from .conftest import AGENT_ID, SATELLITE_ID
from .house import (
    SATELLITE,
    async_add_stream,
    async_wait_for_state,
    entity_of,
    heard_from,
    speak_into,
    state_of,
    states_seen,
)


async def call(hass: HomeAssistant, action: str, **fields: object) -> None:
    await hass.services.async_call("assist_satellite", action, {"entity_id": SATELLITE, **fields}, blocking=True)


async def test_features(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    features = state_of(hass, SATELLITE).attributes["supported_features"]
    assert features == AssistSatelliteEntityFeature.ANNOUNCE | AssistSatelliteEntityFeature.START_CONVERSATION


async def test_there_are_no_wake_words_where_nothing_listens(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    satellite = hass.data[DATA_COMPONENT].get_entity(SATELLITE)
    assert satellite is not None
    configuration = satellite.async_get_configuration()
    assert configuration.available_wake_words == []
    await satellite.async_set_configuration(configuration)
    satellite.on_pipeline_event(None)
    assert satellite.state == "idle"


async def test_an_announcement_is_spoken_by_the_agent_with_its_ears_closed(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry, microphone: Path, speaker: Path
) -> None:
    speak_into(microphone, pause_s=0.0)
    seen = states_seen(hass, SATELLITE, entity_of(hass, "binary_sensor", SATELLITE_ID, "session"))
    await call(hass, "announce", message="The washing is done.", preannounce=False)
    assert seen[SATELLITE][-2:] == ["responding", "idle"]
    assert list(seen.values())[1] == []
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    assert state_of(hass, said).state == "The washing is done."
    assert any(heard_from(speaker))
    assert not [event for event in simulator.client_events if event["type"] == "input_audio_buffer.append"]


async def test_an_announcement_begins_with_a_chime(
    hass: HomeAssistant, setup_integration: MockConfigEntry, speaker: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await call(hass, "announce", media_id=PREANNOUNCE_URL, preannounce=False)
    chime = heard_from(speaker)
    assert any(chime)
    await call(hass, "announce", message="Hello.")
    assert "could not be played" not in caplog.text
    assert heard_from(speaker) != chime


async def test_a_chime_that_cannot_be_played_is_left_out(
    hass: HomeAssistant, setup_integration: MockConfigEntry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await call(hass, "announce", message="Hello.", preannounce_media_id=str(tmp_path / "nothing.mp3"))
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    assert state_of(hass, said).state == "Hello."
    assert "could not be played" in caplog.text


@pytest.fixture
async def media(hass: HomeAssistant, tmp_path: Path) -> str:
    """A second of sound in Home Assistant's media folder."""
    folder = tmp_path / "media"
    folder.mkdir()
    hass.config.media_dirs = {"local": str(folder)}
    with wave.open(str(folder / "gong.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(tone(0.5))
    assert await async_setup_component(hass, "media_source", {})
    return "media-source://media_source/local/gong.wav"


async def test_media_is_played(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry, media: str, speaker: Path
) -> None:
    await call(hass, "announce", media_id=media, preannounce=False)
    assert len(heard_from(speaker)) >= 24_000 * 2 * 0.5
    assert any(heard_from(speaker))
    assert simulator.connections == []


async def test_what_is_no_media_is_said_to_be_none(
    hass: HomeAssistant, setup_integration: MockConfigEntry, media: str, tmp_path: Path
) -> None:
    await hass.async_add_executor_job((tmp_path / "media" / "gong.wav").write_text, "This is no sound.")
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, "announce", media_id=media, preannounce=False)
    assert refusal.value.translation_key == "media_unsupported"


async def test_the_signature_of_an_address_is_not_told(
    hass: HomeAssistant, setup_integration: MockConfigEntry, media: str
) -> None:
    address = f"http://127.0.0.1:{free_port()}/gong.mp3"
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, "announce", media_id=f"{address}?authSig=secret", preannounce=False)
    assert refusal.value.translation_placeholders == {"media": address}


async def test_without_ffmpeg_no_media_is_played(
    hass: HomeAssistant, setup_integration: MockConfigEntry, media: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, "announce", media_id=media, preannounce=False)
    assert refusal.value.translation_key == "media_unsupported"


async def test_media_and_sessions_do_not_mix(
    hass: HomeAssistant, setup_integration: MockConfigEntry, media: str
) -> None:
    await call(hass, "start_conversation", start_message="Hello.", preannounce=False)
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, "announce", media_id=media)
    assert refusal.value.translation_key == "already_in_session"
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await call(hass, "announce", message="This goes into the session.")
    await async_wait_for_state(hass, said, "This goes into the session.")
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)


async def test_a_conversation_begins_with_media(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, media: str
) -> None:
    await call(
        hass, "start_conversation", start_media_id=media, preannounce=False, extra_system_prompt="Speak of the gong."
    )
    await async_wait_for_state(hass, SATELLITE, "listening")
    await hass.services.async_call(
        DOMAIN, "send_message", {"entity_id": SATELLITE, "text": "What was that?"}, blocking=True
    )
    await async_wait_for_state(hass, SATELLITE, "responding")
    assert "Speak of the gong." in brain.contexts[0].instructions
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)


async def test_a_failed_announcement_is_said(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    simulator.behaviour.refusal = "server_error"
    with pytest.raises(HomeAssistantError):
        await call(hass, "announce", message="Hello.", preannounce=False)


async def ask(hass: HomeAssistant, **fields: object) -> dict[str, object]:
    answer = await hass.services.async_call(
        "assist_satellite",
        "ask_question",
        {"entity_id": SATELLITE, "preannounce": False, **fields},
        blocking=True,
        return_response=True,
    )
    assert answer is not None
    return answer


async def test_a_question_is_answered(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path
) -> None:
    speak_into(microphone, pause_s=1.5)
    brain.add(Turn(Heard("Play some jazz")))
    answers = [
        {"id": "jazz", "sentences": ["[play] [some] jazz"]},
        {"id": "rock", "sentences": ["[play] [some] rock"]},
    ]
    answer = await ask(hass, question="Music?", answers=answers)
    assert answer["id"] == "jazz"
    assert answer["sentence"] == "Play some jazz"
    assert state_of(hass, SATELLITE).state == "idle"


async def test_an_answer_may_be_anything(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, microphone: Path, media: str
) -> None:
    speak_into(microphone, pause_s=0.2)
    brain.add(Turn(Heard("A gong")))
    answer = await ask(hass, question_media_id=media)
    assert answer == {"id": None, "sentence": "A gong", "slots": {}}


async def test_a_question_without_an_answer(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    subentry = setup_integration.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(
        setup_integration, subentry, data={**subentry.data, "inactivity_timeout": 0.5}
    )
    with pytest.raises(HomeAssistantError) as failure:
        await ask(hass, question="Anybody there?")
    assert failure.value.translation_key == "no_answer"


async def test_a_question_whose_answer_is_not_written_down(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    subentry = setup_integration.subentries[AGENT_ID]
    hass.config_entries.async_update_subentry(
        setup_integration, subentry, data={**subentry.data, "transcription_model": None}
    )
    with pytest.raises(ServiceValidationError) as refusal:
        await ask(hass, question="Anybody there?")
    assert refusal.value.translation_key == "no_transcripts"
    assert refusal.value.translation_placeholders == {"agent": "Voice agent"}
    assert simulator.connections == []


async def test_an_announcement_that_is_cut_off_is_said(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    announcing = hass.async_create_task(call(hass, "announce", message="A long story. " * 20, preannounce=False))
    await async_wait_for_state(hass, SATELLITE, "responding")
    simulator.behaviour.refusal = "insufficient_quota"
    simulator.connections[-1].cut()
    with pytest.raises(HomeAssistantError) as failure:
        await announcing
    assert failure.value.translation_key == "session_failed"


async def test_an_empty_announcement_is_none(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    await call(hass, "announce", message="", preannounce=False)
    assert simulator.connections == []


async def test_media_of_a_web_server_is_played(
    hass: HomeAssistant, setup_integration: MockConfigEntry, media: str, tmp_path: Path, speaker: Path
) -> None:
    app = web.Application()
    app.router.add_static("/", tmp_path / "media")
    async with TestServer(app) as server:
        address = str(server.make_url("/gong.wav"))
        for media_id in (address, await async_add_stream(hass, address)):
            await call(hass, "announce", media_id=media_id, preannounce=False)
            assert any(heard_from(speaker))
            await hass.async_add_executor_job(speaker.unlink)
