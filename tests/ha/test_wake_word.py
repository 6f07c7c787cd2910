"""A wake word that Home Assistant listens for at a satellite of its own begins sessions, and interrupts them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rtvoice.bridge.standby import detector as detector_module
from custom_components.rtvoice.bridge.standby import listening as listening_module
from custom_components.rtvoice.bridge.standby import stream as stream_module
from custom_components.rtvoice.bridge.standby import watch as watch_module
from custom_components.rtvoice.const import (
    CONF_ECHO,
    CONF_INPUT,
    CONF_WAKE_CUES,
    CONF_WAKE_ENGINE,
    CONF_WAKE_INTERRUPTS,
    CONF_WAKE_WORD,
    DOMAIN,
)
from simulator import Call, Heard, Plan, Say, ScriptedBrain, Simulator, Turn, tone

from .conftest import AGENT_ID, SATELLITE_ID, SoundLibrary
from .house import (
    LIGHT,
    SATELLITE,
    async_build_house,
    async_wait_for_state,
    entity_of,
    heard_from,
    loaded,
    state_of,
)
from .wake_rig import (
    ENGINE,
    Ears,
    Usb,
    add_local,
    hearing,
    pause,
    say_into,
    set_satellite,
    wake_tone,
)

STORY = Turn(Heard("Tell me a story."), (Plan((Say("Once upon a time.", seconds=20),)),))


@pytest.fixture
async def ears_entry(hass: HomeAssistant, mock_entry: MockConfigEntry) -> AsyncIterator[tuple[Ears, MockConfigEntry]]:
    """The engine, and its account; the satellite listens with it."""
    set_satellite(hass, mock_entry, SATELLITE_ID, **{CONF_WAKE_ENGINE: ENGINE})
    async with hearing(hass) as ears_entry:
        yield ears_entry


@pytest.fixture
def ears(ears_entry: tuple[Ears, MockConfigEntry]) -> Ears:
    """The engine."""
    return ears_entry[0]


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def session(hass: HomeAssistant, satellite: str = SATELLITE_ID) -> str:
    return entity_of(hass, "switch", satellite, "session")


async def mute(hass: HomeAssistant, *, muted: bool) -> None:
    target = {"entity_id": entity_of(hass, "switch", SATELLITE_ID, "mute")}
    await hass.services.async_call("switch", "turn_on" if muted else "turn_off", target, blocking=True)


async def stop(hass: HomeAssistant) -> None:
    await hass.services.async_call(DOMAIN, "stop", {"entity_id": SATELLITE}, blocking=True)


async def test_the_wake_word_begins_session_after_session(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    mock_entry: MockConfigEntry,
    ears: Ears,
    microphone: Path,
    speaker: Path,
) -> None:
    await async_build_house(hass)
    call = Call("intent__HassTurnOn", {"name": "Kitchen light", "domain": ["light"]})
    brain.add(Turn(Heard("Turn on the kitchen light."), (Plan((call,)), Plan((Say("It is on.", seconds=0.3),)))))
    command = tone(0.8)
    say_into(microphone, pause(0.5), wake_tone(), command, pause(5), wake_tone(), command)
    async with loaded(hass, mock_entry):
        await until(lambda: ears.listening)
        assert state_of(hass, SATELLITE).state == "idle"
        await async_wait_for_state(hass, LIGHT, "on")
        # In one breath with the wake word: nothing of what followed it is lost, at 24 kHz.
        audio, _ = brain.turns_heard[0]
        assert audio.count(command[4800:-4800]) == 1
        await stop(hass)
        assert any(heard_from(speaker)), "it has sounded that it listens"
        await until(lambda: ears.listening and state_of(hass, SATELLITE).state == "idle")
        await async_wait_for_state(hass, session(hass), "on")
        assert ears.armed[0] is None, "the engine's own choice"


async def test_there_need_not_be_a_sound(
    hass: HomeAssistant, mock_entry: MockConfigEntry, ears: Ears, microphone: Path, speaker: Path
) -> None:
    set_satellite(hass, mock_entry, SATELLITE_ID, **{CONF_WAKE_CUES: False})
    say_into(microphone, pause(0.5), wake_tone())
    async with loaded(hass, mock_entry):
        await async_wait_for_state(hass, SATELLITE, "listening")
        await stop(hass)
        assert not any(heard_from(speaker))


async def test_what_is_muted_is_heard_by_nobody(
    hass: HomeAssistant, mock_entry: MockConfigEntry, ears: Ears, microphone: Path
) -> None:
    say_into(microphone, pause(1), wake_tone())
    async with loaded(hass, mock_entry):
        await until(lambda: ears.listening)
        await mute(hass, muted=True)
        await until(lambda: not ears.listening)
        await asyncio.sleep(1.5)
        assert state_of(hass, session(hass)).state == "off"
        frames = ears.frames
        await mute(hass, muted=False)
        await until(lambda: ears.frames > frames)
        # The microphone was closed: its file is played from the beginning again.
        await async_wait_for_state(hass, session(hass), "on")
        await mute(hass, muted=True)
        await until(lambda: not ears.listening)
        assert state_of(hass, session(hass)).state == "on", "the session goes on, deaf"
        await stop(hass)
        await asyncio.sleep(0.3)
        assert not ears.listening
    assert len(ears.armed) >= 2


async def test_a_satellite_that_was_muted_stays_so_over_restarts(
    hass: HomeAssistant, mock_entry: MockConfigEntry, ears: Ears
) -> None:
    async with loaded(hass, mock_entry):
        await until(lambda: ears.listening)
        await mute(hass, muted=True)
    async with loaded(hass, mock_entry):
        await asyncio.sleep(0.3)
        assert not ears.listening
        assert len(ears.armed) == 1


@pytest.mark.parametrize("echo", ["off", "half_duplex"])
async def test_the_wake_word_silences_the_agent_which_hears_what_follows(
    hass: HomeAssistant,
    brain: ScriptedBrain,
    mock_entry: MockConfigEntry,
    ears: Ears,
    microphone: Path,
    echo: str,
) -> None:
    set_satellite(hass, mock_entry, SATELLITE_ID, **{CONF_ECHO: echo, CONF_WAKE_CUES: False})
    brain.add(STORY)
    brain.add(Turn(Heard("Stop."), (Plan((Say("All right.", seconds=0.3),)),)))
    say_into(microphone, pause(0.3), wake_tone(), tone(0.6), pause(4), wake_tone(), tone(0.8))
    async with loaded(hass, mock_entry):
        status = entity_of(hass, "sensor", SATELLITE_ID, "status")
        await async_wait_for_state(hass, status, "speaking")
        await async_wait_for_state(hass, status, "listening")
        await until(lambda: len(brain.turns_heard) == 2)
        assert not brain.heard
        assert state_of(hass, session(hass)).state == "on", "the same session goes on"
        await stop(hass)


async def test_it_need_not_interrupt(
    hass: HomeAssistant, brain: ScriptedBrain, mock_entry: MockConfigEntry, ears: Ears, microphone: Path
) -> None:
    set_satellite(
        hass, mock_entry, SATELLITE_ID, **{CONF_ECHO: "half_duplex", CONF_WAKE_INTERRUPTS: False, CONF_WAKE_CUES: False}
    )
    brain.add(STORY)
    say_into(microphone, pause(0.3), wake_tone(), tone(0.6), pause(3), wake_tone())
    async with loaded(hass, mock_entry):
        status = entity_of(hass, "sensor", SATELLITE_ID, "status")
        await async_wait_for_state(hass, status, "speaking")
        await until(lambda: not ears.listening)
        await asyncio.sleep(4)
        assert state_of(hass, status).state == "speaking"
        await stop(hass)
        await until(lambda: ears.listening)


async def test_it_silences_an_announcement_too(
    hass: HomeAssistant, mock_entry: MockConfigEntry, ears: Ears, microphone: Path
) -> None:
    say_into(microphone, pause(2.5), wake_tone())
    async with loaded(hass, mock_entry):
        await until(lambda: ears.listening)
        announcement = {"entity_id": SATELLITE, "message": "A long, long story. " * 20, "preannounce": False}
        async with asyncio.timeout(10):
            await hass.services.async_call("assist_satellite", "announce", announcement, blocking=True)
        assert state_of(hass, SATELLITE).state == "idle"


async def test_one_of_two_satellites_that_hear_the_same_words_answers(
    hass: HomeAssistant, mock_entry: MockConfigEntry, ears: Ears, microphone: Path, tmp_path: Path
) -> None:
    add_local(hass, mock_entry, "hall", microphone, tmp_path / "hall.wav", **{CONF_WAKE_ENGINE: ENGINE})
    say_into(microphone, pause(1), wake_tone())
    async with loaded(hass, mock_entry):
        await until(lambda: ears.listening == 2)
        switches = [session(hass), session(hass, "hall")]
        await until(lambda: "on" in [state_of(hass, switch).state for switch in switches])
        await until(lambda: ears.listening == 2)
        await asyncio.sleep(0.3)
        assert sorted(state_of(hass, switch).state for switch in switches) == ["off", "on"]


async def test_without_an_agent_nobody_answers_and_it_goes_on_listening(
    hass: HomeAssistant, mock_entry: MockConfigEntry, ears: Ears, microphone: Path
) -> None:
    hass.config_entries.async_remove_subentry(mock_entry, AGENT_ID)
    say_into(microphone, pause(0.3), wake_tone())
    async with loaded(hass, mock_entry):
        await until(lambda: len(ears.armed) == 2 and ears.listening)
        assert state_of(hass, session(hass)).state == "off"


async def test_a_session_that_never_comes_about_is_no_reason_to_stop_listening(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry, ears: Ears, microphone: Path, speaker: Path
) -> None:
    say_into(microphone, pause(0.5), wake_tone())
    async with loaded(hass, mock_entry):
        await until(lambda: ears.listening)
        simulator.behaviour.refusal = "insufficient_quota"
        await until(lambda: len(ears.armed) >= 2 and ears.listening and state_of(hass, session(hass)).state == "off")
        assert any(heard_from(speaker)), "that it failed is sounded"


async def test_while_the_engine_is_away_nothing_listens(
    hass: HomeAssistant,
    mock_entry: MockConfigEntry,
    ears_entry: tuple[Ears, MockConfigEntry],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch_module, "GRACE_S", 0.2)
    ears, account = ears_entry
    issue = (DOMAIN, f"wake_word_away_{SATELLITE_ID}")
    issues = ir.async_get(hass)
    async with loaded(hass, mock_entry):
        await until(lambda: ears.listening)
        assert await hass.config_entries.async_unload(account.entry_id)
        await until(lambda: not ears.listening)
        await until(lambda: issues.async_get_issue(*issue))
        # All the rest works.
        assert state_of(hass, SATELLITE).state == "idle"
        await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True)
        await stop(hass)
        assert await hass.config_entries.async_setup(account.entry_id)
        await until(lambda: ears.listening)
        assert issues.async_get_issue(*issue) is None
        assert await hass.config_entries.async_unload(account.entry_id)
        await until(lambda: issues.async_get_issue(*issue))
    assert issues.async_get_issue(*issue) is None


async def test_an_engine_that_fails_is_asked_again(
    hass: HomeAssistant,
    mock_entry: MockConfigEntry,
    ears: Ears,
    microphone: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    say_into(microphone, pause(4), wake_tone())
    ears.failures = [ZeroDivisionError("odd engine"), None]
    async with loaded(hass, mock_entry):
        await async_wait_for_state(hass, session(hass), "on")
        await stop(hass)
    assert caplog.text.count("The wake word is not heard for now") == 1
    assert "odd engine" in caplog.text


async def test_an_engine_that_hangs_is_asked_again(
    hass: HomeAssistant,
    mock_entry: MockConfigEntry,
    ears: Ears,
    microphone: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_module, "CAPACITY_FRAMES", 50)
    say_into(microphone, pause(4), wake_tone())
    ears.hangs = True
    async with loaded(hass, mock_entry):
        await until(lambda: ears.listening)
        ears.hangs = False
        await async_wait_for_state(hass, session(hass), "on")
        await stop(hass)
    assert "has not listened" in caplog.text


async def test_an_engine_that_does_not_let_go_is_left_to_itself(
    hass: HomeAssistant,
    mock_entry: MockConfigEntry,
    ears: Ears,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detector_module, "LEAVE_S", 0.1)
    go = asyncio.Event()

    async def clings(stream: object, wake_word_id: str | None) -> None:
        ears.listening += 1
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue
        ears.listening -= 1

    monkeypatch.setattr(ears, "async_process", clings)
    async with loaded(hass, mock_entry):
        await until(lambda: ears.listening)
        await mute(hass, muted=True)
        await until(lambda: "does not let go" in caplog.text)
        go.set()
        await until(lambda: not ears.listening)


async def test_a_microphone_that_is_gone_is_tried_until_it_is_back(
    hass: HomeAssistant,
    mock_entry: MockConfigEntry,
    ears: Ears,
    microphone: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening_module, "RETRY_S", 0.3)
    await hass.async_add_executor_job(microphone.unlink)
    async with loaded(hass, mock_entry):
        await async_wait_for_state(hass, SATELLITE, STATE_UNAVAILABLE)
        with pytest.raises(ServiceValidationError) as refused:
            await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True)
        assert refused.value.translation_key == "microphone_gone"
        await asyncio.sleep(0.7)
        # Muted, nobody tries the microphone, and nobody knows that it is gone.
        await mute(hass, muted=True)
        await async_wait_for_state(hass, SATELLITE, "idle")
        await mute(hass, muted=False)
        await async_wait_for_state(hass, SATELLITE, STATE_UNAVAILABLE)
        say_into(microphone, pause(0.3), wake_tone())
        await async_wait_for_state(hass, session(hass), "on")
        assert state_of(hass, SATELLITE).state != STATE_UNAVAILABLE
    assert caplog.text.count("The microphone of Local satellite is gone") == 2
    assert caplog.text.count("The microphone of Local satellite is back") == 1


async def test_a_sound_card_that_cannot_be_opened_is_tried_again(
    hass: HomeAssistant,
    sound_card: None,
    mock_entry: MockConfigEntry,
    ears: Ears,
    microphone: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening_module, "RETRY_S", 0.1)
    set_satellite(hass, mock_entry, SATELLITE_ID, **{CONF_INPUT: "Desk microphone"})
    async with loaded(hass, mock_entry):
        await async_wait_for_state(hass, SATELLITE, STATE_UNAVAILABLE)
        await asyncio.sleep(1)
        assert not ears.armed, "nothing was heard"


@pytest.mark.parametrize("interrupts", [True, False])
async def test_a_microphone_that_is_unplugged_while_it_listens_or_in_a_session(
    hass: HomeAssistant,
    sound_card: None,
    sound_library: SoundLibrary,
    mock_entry: MockConfigEntry,
    ears: Ears,
    monkeypatch: pytest.MonkeyPatch,
    interrupts: bool,
) -> None:
    monkeypatch.setattr(listening_module, "RETRY_S", 0.3)
    usb = Usb(sound_library)
    options = {CONF_INPUT: "Desk microphone", CONF_WAKE_INTERRUPTS: interrupts}
    set_satellite(hass, mock_entry, SATELLITE_ID, **options)
    async with loaded(hass, mock_entry):
        for in_session in (False, True):
            await until(lambda: ears.listening and state_of(hass, SATELLITE).state == "idle")
            if in_session:
                await hass.services.async_call(DOMAIN, "start", {"entity_id": SATELLITE}, blocking=True)
                assert usb.open_streams == 1, "the session hears with the same microphone"
            usb.plugged = False
            await async_wait_for_state(hass, SATELLITE, STATE_UNAVAILABLE)
            assert not ears.listening
            await until(lambda: state_of(hass, session(hass)).state != "on")
            usb.plugged = True
        await until(lambda: ears.listening and state_of(hass, SATELLITE).state == "idle")
    assert usb.open_streams == 0


async def test_nothing_listens_once_home_assistant_stops(
    hass: HomeAssistant, setup_integration: MockConfigEntry, ears: Ears
) -> None:
    await hass.config_entries.async_reload(setup_integration.entry_id)
    await until(lambda: ears.listening)
    await hass.async_stop(force=True)
    await until(lambda: not ears.listening)


async def test_the_wake_word_is_chosen_at_the_satellite(
    hass: HomeAssistant, mock_entry: MockConfigEntry, ears: Ears, hass_ws_client: WebSocketGenerator
) -> None:
    async with loaded(hass, mock_entry):
        await until(lambda: ears.listening)
        client = await hass_ws_client(hass)
        ask = {"type": "assist_satellite/get_configuration", "entity_id": SATELLITE}
        await client.send_json_auto_id(ask)
        assert (await client.receive_json())["result"] == {
            "active_wake_words": [],
            "available_wake_words": [
                {"id": "okay_nabu", "trained_languages": [], "wake_word": "okay nabu"},
                {"id": "hey_jarvis", "trained_languages": [], "wake_word": "Hey Jarvis"},
            ],
            "max_active_wake_words": 1,
            "pipeline_entity_id": None,
            "vad_entity_id": None,
        }
        choose = {"type": "assist_satellite/set_wake_words", "entity_id": SATELLITE}
        await client.send_json_auto_id({**choose, "wake_word_ids": ["hey_jarvis"]})
        assert (await client.receive_json())["success"]
        await until(lambda: ears.armed[-1] == "hey_jarvis")
        await client.send_json_auto_id(ask)
        assert (await client.receive_json())["result"]["active_wake_words"] == ["hey_jarvis"]
        await client.send_json_auto_id({**choose, "wake_word_ids": []})
        assert not (await client.receive_json())["success"]
        assert mock_entry.subentries[SATELLITE_ID].data[CONF_WAKE_WORD] == "hey_jarvis"
