"""Setting up, reloading and taking away an account."""

import sys
from pathlib import Path

import pytest
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import CONF_INPUT, CONF_OUTPUT, DOMAIN, FILE_PREFIX
from simulator import Simulator

from .conftest import AGENT_ID, SATELLITE_ID, SoundLibrary
from .house import SATELLITE, device_of, entity_of, state_of

BOTH = {
    ("binary_sensor", "assistant_speaking"),
    ("binary_sensor", "session"),
    ("binary_sensor", "user_speaking"),
    ("button", "interrupt"),
    ("event", "activity"),
    ("sensor", "assistant_transcript"),
    ("sensor", "last_tool"),
    ("sensor", "response_latency"),
    ("sensor", "status"),
    ("sensor", "user_transcript"),
    ("switch", "mute"),
    ("switch", "session"),
}


async def test_every_agent_and_satellite_is_a_device_with_its_entities(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    entities = er.async_entries_for_config_entry(er.async_get(hass), setup_integration.entry_id)
    expected = {(platform, f"{party}_{key}") for party in (AGENT_ID, SATELLITE_ID) for platform, key in BOTH}
    expected |= {
        ("conversation", AGENT_ID),
        ("stt", f"{AGENT_ID}_stt"),
        ("tts", f"{AGENT_ID}_tts"),
        ("button", f"{AGENT_ID}_create_pipeline"),
        ("assist_satellite", SATELLITE_ID),
        ("select", f"{SATELLITE_ID}_agent"),
        ("number", f"{AGENT_ID}_speech_speed"),
        ("select", f"{AGENT_ID}_voice"),
        ("sensor", f"{AGENT_ID}_tokens"),
        ("sensor", f"{AGENT_ID}_cost"),
        ("sensor", f"{AGENT_ID}_cost_today"),
    }
    assert {(entity.domain, entity.unique_id) for entity in entities} == expected
    agent = device_of(hass, setup_integration.entry_id, AGENT_ID)
    satellite = device_of(hass, setup_integration.entry_id, SATELLITE_ID)
    assert agent.entry_type is dr.DeviceEntryType.SERVICE
    assert satellite.entry_type is None
    for entity in entities:
        party = agent if entity.config_subentry_id == AGENT_ID else satellite
        assert entity.device_id == party.id
        assert entity.has_entity_name
    # That somebody speaks changes several times a turn; of an agent it is shown to those who want that.
    noisy = {f"{AGENT_ID}_user_speaking"}
    assert {entity.unique_id for entity in entities if entity.disabled_by is not None} == noisy
    for entity in entities:
        if entity.unique_id not in noisy:
            assert state_of(hass, entity.entity_id).state != "unavailable"


async def test_a_noisy_entity_can_be_enabled(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    speaking = entity_of(hass, "binary_sensor", AGENT_ID, "user_speaking")
    assert hass.states.get(speaking) is None
    er.async_get(hass).async_update_entity(speaking, disabled_by=None)
    assert await hass.config_entries.async_reload(setup_integration.entry_id)
    assert state_of(hass, speaking).state == "off"


async def test_a_refused_key_asks_for_a_new_one(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    hass.config_entries.async_update_entry(mock_entry, data={**mock_entry.data, "api_key": "wrong"})
    assert not await hass.config_entries.async_setup(mock_entry.entry_id)
    await hass.async_block_till_done()
    assert mock_entry.state is ConfigEntryState.SETUP_ERROR
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == "reauth"


async def test_an_unreachable_provider_is_tried_again(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    await simulator.stop()
    assert not await hass.config_entries.async_setup(mock_entry.entry_id)
    assert mock_entry.state is ConfigEntryState.SETUP_RETRY
    assert mock_entry.error_reason_translation_key == "provider_unreachable"


async def test_an_account_that_cannot_work_is_not_tried_again(hass: HomeAssistant, mock_entry: MockConfigEntry) -> None:
    hass.config_entries.async_update_entry(mock_entry, data={**mock_entry.data, "dialect": "klingon"})
    assert not await hass.config_entries.async_setup(mock_entry.entry_id)
    assert mock_entry.state is ConfigEntryState.SETUP_ERROR
    assert mock_entry.error_reason_translation_key == "configuration"


async def test_the_account_of_openai_at_another_address(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(mock_entry, data={**mock_entry.data, "provider": "openai"})
    assert await hass.config_entries.async_setup(mock_entry.entry_id)
    assert await hass.config_entries.async_unload(mock_entry.entry_id)


@pytest.fixture
def satellite_with_a_sound_card(hass: HomeAssistant, mock_entry: MockConfigEntry) -> MockConfigEntry:
    subentry = mock_entry.subentries[SATELLITE_ID]
    hass.config_entries.async_update_subentry(mock_entry, subentry, data={CONF_INPUT: "", CONF_OUTPUT: ""})
    return mock_entry


async def test_without_a_sound_card(
    hass: HomeAssistant,
    satellite_with_a_sound_card: MockConfigEntry,
    microphone: Path,
    speaker: Path,
) -> None:
    entry = satellite_with_a_sound_card
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    for entity_id in (SATELLITE, entity_of(hass, "switch", SATELLITE_ID, "session")):
        assert state_of(hass, entity_id).state == "unavailable"
    assert state_of(hass, entity_of(hass, "switch", AGENT_ID, "session")).state == "off"
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"sound_{SATELLITE_ID}")
    assert issue is not None
    assert issue.translation_key == "no_sound_card"
    for target in (SATELLITE, "conversation.voice_agent"):
        with pytest.raises(ServiceValidationError) as refusal:
            await hass.services.async_call(DOMAIN, "start", {"entity_id": target}, blocking=True)
        assert refusal.value.translation_key == "no_sound_card"
    assert entry.runtime_data.diagnostics()["satellites"][0]["problem"] == "no_sound_card"

    data = {CONF_INPUT: f"{FILE_PREFIX}{microphone}", CONF_OUTPUT: f"{FILE_PREFIX}{speaker}"}
    hass.config_entries.async_update_subentry(entry, entry.subentries[SATELLITE_ID], data=data)
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert state_of(hass, SATELLITE).state == "idle"
    assert ir.async_get(hass).async_get_issue(DOMAIN, f"sound_{SATELLITE_ID}") is None
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_sound_card_that_does_not_work(
    hass: HomeAssistant,
    sound_card: None,
    sound_library: SoundLibrary,
    satellite_with_a_sound_card: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class PortAudioError(Exception):
        pass

    def fail(**_: object) -> None:
        raise PortAudioError("Device unavailable", -9985)

    for name, value in (("PortAudioError", PortAudioError), ("RawInputStream", fail), ("RawOutputStream", fail)):
        monkeypatch.setattr(sound_library, name, value, raising=False)
    entry = satellite_with_a_sound_card
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, SATELLITE).state == "idle"
    with pytest.raises(HomeAssistantError) as failure:
        await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True)
    assert failure.value.translation_key == "device_unavailable"
    assert state_of(hass, SATELLITE).state == "idle"
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_without_portaudio(
    hass: HomeAssistant, satellite_with_a_sound_card: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    entry = satellite_with_a_sound_card
    assert await hass.config_entries.async_setup(entry.entry_id)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"sound_{SATELLITE_ID}")
    assert issue is not None
    assert issue.translation_key == "missing_portaudio"
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert ir.async_get(hass).async_get_issue(DOMAIN, f"sound_{SATELLITE_ID}") is None


async def test_a_new_agent_appears_by_itself(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    hass.config_entries.async_add_subentry(setup_integration, _copy_of(setup_integration, AGENT_ID, "Butler"))
    await hass.async_block_till_done()
    assert setup_integration.state is ConfigEntryState.LOADED
    assert state_of(hass, "conversation.butler").state == "unknown"
    assert state_of(hass, "select.local_satellite_agent").attributes["options"] == ["Voice agent", "Butler"]


async def test_a_removed_agent_disappears_by_itself(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    hass.config_entries.async_remove_subentry(setup_integration, AGENT_ID)
    await hass.async_block_till_done()
    assert setup_integration.state is ConfigEntryState.LOADED
    assert hass.states.get("conversation.voice_agent") is None
    with pytest.raises(ServiceValidationError) as refusal:
        await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True)
    assert refusal.value.translation_key == "no_agent"
    assert state_of(hass, "select.local_satellite_agent").state == "unknown"


async def test_choosing_an_agent(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    for title in ("Butler", "Butler"):
        hass.config_entries.async_add_subentry(setup_integration, _copy_of(setup_integration, AGENT_ID, title))
    await hass.async_block_till_done()
    select = entity_of(hass, "select", SATELLITE_ID, "agent")
    assert state_of(hass, select).attributes["options"] == ["Voice agent", "Butler", "Butler (2)"]
    assert state_of(hass, select).state == "Voice agent"
    await hass.services.async_call(
        "select", "select_option", {"entity_id": select, "option": "Butler (2)"}, blocking=True
    )
    assert state_of(hass, select).state == "Butler (2)"
    assert await hass.config_entries.async_reload(setup_integration.entry_id)
    assert state_of(hass, select).state == "Butler (2)"
    with pytest.raises(ServiceValidationError) as refusal:
        await hass.services.async_call(DOMAIN, "start", {"entity_id": "conversation.voice_agent"}, blocking=True)
    assert refusal.value.translation_key == "no_satellite"
    with pytest.raises(ServiceValidationError) as refusal:
        await hass.services.async_call(
            "switch", "turn_on", {"entity_id": entity_of(hass, "switch", AGENT_ID, "session")}, blocking=True
        )
    assert refusal.value.translation_key == "no_satellite"


@pytest.mark.parametrize(
    ("version", "minor_version", "loads", "then"),
    [(1, 0, True, (1, 1)), (1, 1, True, (1, 1)), (1, 7, True, (1, 7)), (2, 1, False, (2, 1))],
)
async def test_an_entry_of_another_version(
    hass: HomeAssistant,
    mock_entry: MockConfigEntry,
    version: int,
    minor_version: int,
    loads: bool,
    then: tuple[int, int],
) -> None:
    hass.config_entries.async_update_entry(mock_entry, version=version, minor_version=minor_version)
    assert await hass.config_entries.async_setup(mock_entry.entry_id) is loads
    expected = ConfigEntryState.LOADED if loads else ConfigEntryState.MIGRATION_ERROR
    assert mock_entry.state is expected
    assert (mock_entry.version, mock_entry.minor_version) == then
    if loads:
        assert await hass.config_entries.async_unload(mock_entry.entry_id)


def _copy_of(entry: MockConfigEntry, subentry_id: str, title: str) -> ConfigSubentry:
    original = entry.subentries[subentry_id]
    return ConfigSubentry(
        data=original.data, subentry_type=original.subentry_type, title=title, unique_id=original.unique_id
    )
