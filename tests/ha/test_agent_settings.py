"""Speed and voice of an agent, changed on its device page; recordings and the longest session."""

import wave
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rtvoice.bridge.compose import echo_settings
from custom_components.rtvoice.const import CONF_MAX_DURATION, CONF_RECORDING, CONF_VOICE, DOMAIN
from simulator import ScriptedBrain

from .conftest import AGENT_ID, SATELLITE_ID
from .house import AGENT, SATELLITE, async_wait_for_state, entity_of, speak_into, state_of
from .test_session import start, stop
from .test_usage import change_agent, converse


async def choose(hass: HomeAssistant, key: str, value: object) -> None:
    """Change the speed or the voice."""
    domain, action, field = {
        "speech_speed": ("number", "set_value", "value"),
        "voice": ("select", "select_option", "option"),
    }[key]
    target = {"entity_id": entity_of(hass, domain, AGENT_ID, key), field: value}
    await hass.services.async_call(domain, action, target, blocking=True)


async def test_the_speed_is_kept_and_changes_a_running_session(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    number = entity_of(hass, "number", AGENT_ID, "speech_speed")
    runtime = setup_integration.runtime_data
    assert state_of(hass, number).state == "1.0"
    said = entity_of(hass, "sensor", AGENT_ID, "assistant_transcript")
    await start(hass, AGENT, message="One.")
    await async_wait_for_state(hass, said, "One.")
    assert brain.contexts[-1].speed == 1.0
    await choose(hass, "speech_speed", 1.25)
    assert state_of(hass, number).state == "1.25"
    await hass.services.async_call(DOMAIN, "say", {"entity_id": AGENT, "text": "Two."}, blocking=True)
    await async_wait_for_state(hass, said, "Two.")
    assert brain.contexts[-1].speed == 1.25
    await stop(hass)
    # Nothing was loaded anew for it.
    assert setup_integration.runtime_data is runtime

    assert await hass.config_entries.async_reload(setup_integration.entry_id)
    assert state_of(hass, number).state == "1.25"
    await start(hass, AGENT, message="Three.")
    await async_wait_for_state(hass, said, "Three.")
    assert brain.contexts[-1].speed == 1.25
    await stop(hass)


async def test_a_speed_out_of_bounds_is_refused(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    with pytest.raises(ServiceValidationError):
        await choose(hass, "speech_speed", 2)


async def test_the_voice_is_that_of_the_next_session(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry
) -> None:
    select = entity_of(hass, "select", AGENT_ID, "voice")
    said = entity_of(hass, "sensor", AGENT_ID, "assistant_transcript")
    assert state_of(hass, select).state == "default"
    assert state_of(hass, select).attributes["options"][:3] == ["default", "marin", "cedar"]
    assert "onyx" not in state_of(hass, select).attributes["options"]
    await start(hass, AGENT, message="One.")
    await async_wait_for_state(hass, said, "One.")
    await choose(hass, "voice", "cedar")
    assert state_of(hass, select).state == "cedar"
    await hass.services.async_call(DOMAIN, "say", {"entity_id": AGENT, "text": "Two."}, blocking=True)
    await async_wait_for_state(hass, said, "Two.")
    assert brain.contexts[-1].voice != "cedar"
    await stop(hass)
    await start(hass, AGENT, message="Three.")
    await async_wait_for_state(hass, said, "Three.")
    assert brain.contexts[-1].voice == "cedar"
    await stop(hass)

    await choose(hass, "voice", "default")
    assert CONF_VOICE not in setup_integration.subentries[AGENT_ID].data


async def test_a_voice_that_was_typed_in_can_be_chosen_again(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    change_agent(hass, mock_entry, **{CONF_VOICE: "ara"})
    assert await hass.config_entries.async_setup(mock_entry.entry_id)
    select = state_of(hass, entity_of(hass, "select", AGENT_ID, "voice"))
    assert select.state == "ara"
    assert select.attributes["options"][-1] == "ara"
    assert await hass.config_entries.async_unload(mock_entry.entry_id)


@pytest.fixture
def media(hass: HomeAssistant, tmp_path: Path) -> Path:
    """The media folder."""
    folder = tmp_path / "media"
    folder.mkdir()
    hass.config.media_dirs = {"local": str(folder)}
    return folder


def recordings_in(media: Path) -> list[Path]:
    """All recordings."""
    return list(media.rglob("*.wav"))


async def test_a_recorded_session_is_found_under_media(
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    media: Path,
    microphone: Path,
    setup_integration: MockConfigEntry,
) -> None:
    assert await async_setup_component(hass, "media_source", {})
    speak_into(microphone)
    change_agent(hass, setup_integration, **{CONF_RECORDING: True})
    response = await converse(hass)
    recording = Path(response["recording"])
    assert recording.parent == media / "rtvoice" / "local_satellite"
    with wave.open(str(recording), "rb") as file:
        assert file.getnchannels() == 2
        assert any(file.readframes(file.getnframes()))

    client = await hass_ws_client(hass)
    found = f"media-source://media_source/local/rtvoice/local_satellite/{recording.name}"
    await client.send_json_auto_id(
        {
            "type": "media_source/browse_media",
            "media_content_id": "media-source://media_source/local/rtvoice/local_satellite",
        }
    )
    answer = await client.receive_json()
    assert [child["media_content_id"] for child in answer["result"]["children"]] == [found]


@pytest.mark.parametrize(
    ("is_set", "asked", "recorded"), [(True, False, False), (False, True, True), (False, None, False)]
)
async def test_the_action_has_the_last_word_about_recording(
    hass: HomeAssistant,
    media: Path,
    setup_integration: MockConfigEntry,
    is_set: bool,
    asked: bool | None,
    recorded: bool,
) -> None:
    change_agent(hass, setup_integration, **{CONF_RECORDING: is_set})
    await start(hass, message="Hello.", **({} if asked is None else {"record": asked}))
    await async_wait_for_state(hass, entity_of(hass, "sensor", SATELLITE_ID, "status"), "speaking")
    await stop(hass)
    assert bool(recordings_in(media)) is recorded


async def test_announcements_are_not_recorded(
    hass: HomeAssistant, media: Path, setup_integration: MockConfigEntry
) -> None:
    change_agent(hass, setup_integration, **{CONF_RECORDING: True})
    announcement = {"entity_id": SATELLITE, "message": "Dinner.", "preannounce": False}
    await hass.services.async_call("assist_satellite", "announce", announcement, blocking=True)
    assert recordings_in(media) == []


async def test_without_a_media_folder_nothing_can_be_recorded(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    hass.config.media_dirs = {}
    with pytest.raises(ServiceValidationError) as refusal:
        await start(hass, record=True)
    assert refusal.value.translation_key == "no_media_folder"


async def test_a_session_ends_after_its_longest_time(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    change_agent(hass, setup_integration, **{CONF_MAX_DURATION: 0.005})
    response = await hass.services.async_call(
        DOMAIN, "start", {"entity_id": SATELLITE, "message": "Hello."}, blocking=True, return_response=True
    )
    assert response is not None
    assert response["end_reason"] == "max_length"
    assert [turn["text"] for turn in response["turns"]] == ["Hello."]


@pytest.mark.parametrize(
    ("data", "echo"),
    [
        ({}, "cancel"),
        ({"input": "Desk microphone", "output": "Desk speaker"}, "cancel"),
        ({"input": "file:/a.wav"}, "off"),
        ({"output": "file:/a.wav"}, "off"),
        ({"echo": "off"}, "off"),
        ({"echo": "cancel", "input": "file:/a.wav"}, "cancel"),
        ({"echo": "half_duplex"}, "half_duplex"),
        ({"echo": "klingon"}, "cancel"),
        ({"speaker": "media_player.hall"}, "half_duplex"),
        ({"speaker": "media_player.hall", "echo": "cancel"}, "cancel"),
        ({"kind": "browser"}, "off"),
        ({"kind": "browser", "echo": "half_duplex"}, "half_duplex"),
    ],
)
async def test_what_is_done_about_the_echo(
    hass: HomeAssistant, mock_entry: MockConfigEntry, data: dict[str, str], echo: str
) -> None:
    hass.config_entries.async_update_subentry(mock_entry, mock_entry.subentries[SATELLITE_ID], data=data)
    assert await hass.config_entries.async_setup(mock_entry.entry_id)
    assert mock_entry.runtime_data.satellites[SATELLITE_ID].place.echo_in_use == echo
    assert await hass.config_entries.async_unload(mock_entry.entry_id)


def test_what_that_means_to_the_engine() -> None:
    assert echo_settings("off") == {"echo_cancellation": False, "half_duplex": False}
    assert echo_settings("half_duplex") == {"echo_cancellation": False, "half_duplex": True}
    assert echo_settings("cancel") == {"echo_cancellation": True, "half_duplex": False}
