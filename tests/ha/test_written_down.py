"""Whether what the user says is written down, and what follows where it is not."""

from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import CONF_PROVIDER, CONF_TRANSCRIPTION_DEPLOYMENT, PROVIDER_AZURE_OPENAI
from custom_components.rtvoice.flows.defaults import default_agent
from simulator import Heard, ScriptedBrain, Simulator, Turn

from .conftest import AGENT_ID, SATELLITE_ID
from .house import async_wait_for_state, async_wait_until, entity_of, state_of
from .test_config_flow_azure import DEPLOYMENT, Azure, azure, filled  # noqa: F401 - a fixture
from .test_policy import LOCK, Schemer, async_build_locks, say, speak_turns, start, stop, unlock, unlock_with_token


async def set_up_at_azure(hass: HomeAssistant, entry: MockConfigEntry, account: dict[str, str]) -> None:
    """Make the account one at Azure OpenAI, with the agent that such an account comes with, and set it up."""
    hass.config_entries.async_update_entry(entry, data={CONF_PROVIDER: PROVIDER_AZURE_OPENAI, **account})
    agent = default_agent(PROVIDER_AZURE_OPENAI, DEPLOYMENT)
    hass.config_entries.async_update_subentry(entry, entry.subentries[AGENT_ID], data=agent)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def test_a_deployment_writes_down_at_azure(
    hass: HomeAssistant,
    mock_entry: MockConfigEntry,
    azure: Azure,  # noqa: F811 - a fixture
    brain: ScriptedBrain,
    microphone: Path,
) -> None:
    await set_up_at_azure(hass, mock_entry, filled(azure, **{CONF_TRANSCRIPTION_DEPLOYMENT: "whisper-1"}))
    await async_build_locks(hass)
    speak_turns(microphone, 0.2, 2.5)
    brain.add(Turn(Heard("Unlock the front door.")))
    brain.add(Turn(Heard("Yes.")))
    schemer = Schemer(brain, unlock(), say("Shall I unlock the front door?"), unlock_with_token(), say("Well."))
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await start(hass)
    await async_wait_for_state(hass, said, "Shall I unlock the front door?")
    assert state_of(hass, entity_of(hass, "sensor", SATELLITE_ID, "user_transcript")).state == "Unlock the front door."
    await async_wait_for_state(hass, said, "Well.")
    await stop(hass)
    assert schemer.told[0]["confirmation_required"] == "Front door"
    assert state_of(hass, LOCK).state == "unlocked"
    assert await hass.config_entries.async_unload(mock_entry.entry_id)


async def test_without_one_nobody_is_asked_for_leave_that_cannot_be_given(
    hass: HomeAssistant,
    mock_entry: MockConfigEntry,
    azure: Azure,  # noqa: F811 - a fixture
    brain: ScriptedBrain,
    microphone: Path,
) -> None:
    await set_up_at_azure(hass, mock_entry, filled(azure))
    await async_build_locks(hass)
    speak_turns(microphone, 0.2)
    brain.add(Turn(Heard("Unlock the front door.")))
    schemer = Schemer(brain, unlock(), say("I may not."))
    await start(hass)
    await async_wait_for_state(hass, entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript"), "I may not.")
    await stop(hass)
    assert schemer.told[0]["error"] == "denied"
    assert "not written down" in schemer.told[0]["error_text"]
    assert await hass.config_entries.async_unload(mock_entry.entry_id)


@pytest.mark.parametrize("unheard", [Heard("Yes.", written=False), Heard("Yes.", error="It was not understood.")])
async def test_a_server_that_writes_nothing_down_is_found_out(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    simulator: Simulator,
    setup_integration: MockConfigEntry,
    microphone: Path,
    monkeypatch: pytest.MonkeyPatch,
    unheard: Heard,
) -> None:
    monkeypatch.setattr("custom_components.rtvoice.bridge.policy.guard.WORDS_TIMEOUT_S", 0.3)
    await async_build_locks(hass)
    speak_turns(microphone, 0.2, 2.5)
    brain.add(Turn(unheard))
    brain.add(Turn(unheard))
    schemer = Schemer(brain, unlock(), say("Shall I unlock the front door?"), unlock_with_token(), say("Well."))
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await start(hass)
    await async_wait_until(hass, lambda: not schemer.steps and state_of(hass, said).state == "Well.")
    await stop(hass)
    assert schemer.told[-1]["error"] == "denied"
    assert "not written down" in schemer.told[-1]["error_text"]
    assert state_of(hass, LOCK).state == "locked"
