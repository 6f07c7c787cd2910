"""Of several satellites that hear the same wake word, one answers: whoever looks after them, and whatever hears it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.bridge import wakes as wakes_module
from custom_components.rtvoice.const import CONF_WAKE_ENGINE
from simulator import ScriptedBrain, Simulator, Turn

from .conftest import SATELLITE_ID
from .house import async_wait_for_state, entity_of, loaded, state_of
from .pipelines import Satellite, async_create
from .test_wyoming import HALL_ID, add_wyoming, async_ready, hall
from .wake_rig import ENGINE, Ears, hearing, pause, say_into, set_satellite, wake_tone
from .wyoming_rig import RigSatellite


@pytest.fixture(autouse=True)
async def no_ffmpeg(hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is none, and recordings are kept in a folder of the test."""
    (tmp_path / "config").mkdir()
    monkeypatch.setattr(hass.config, "config_dir", str(tmp_path / "config"))
    assert await async_setup_component(hass, "ffmpeg", {"ffmpeg": {"ffmpeg_bin": str(tmp_path / "none")}})


@pytest.fixture
async def rig() -> AsyncIterator[RigSatellite]:
    """A Wyoming satellite that listens for a wake word by itself."""
    async with RigSatellite().serving() as rig:
        yield rig


@pytest.fixture
async def entry(hass: HomeAssistant, mock_entry: MockConfigEntry, rig: RigSatellite) -> AsyncIterator[MockConfigEntry]:
    """An account with a local satellite and that one, which is ready."""
    add_wyoming(hass, mock_entry, rig)
    async with loaded(hass, mock_entry):
        await async_ready(hass)
        yield mock_entry


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def in_session(hass: HomeAssistant, subentry_id: str) -> bool:
    return state_of(hass, entity_of(hass, "switch", subentry_id, "session")).state == "on"


async def test_a_wyoming_satellite_and_a_local_one_whose_words_an_engine_hears(
    hass: HomeAssistant, mock_entry: MockConfigEntry, microphone: Path, rig: RigSatellite
) -> None:
    add_wyoming(hass, mock_entry, rig)
    say_into(microphone, pause(1), wake_tone())
    async with hearing(hass) as (ears, _):
        set_satellite(hass, mock_entry, SATELLITE_ID, **{CONF_WAKE_ENGINE: ENGINE})
        async with loaded(hass, mock_entry):
            await _both_hear_it(hass, ears, rig)
            assert in_session(hass, HALL_ID)
            assert not in_session(hass, SATELLITE_ID)


async def _both_hear_it(hass: HomeAssistant, ears: Ears, rig: RigSatellite) -> None:
    await async_ready(hass)
    await until(lambda: ears.listening)
    await rig.wake()
    # It listens anew once it has heard the wake word.
    await until(lambda: len(ears.armed) == 2)


@pytest.mark.parametrize("words", ["Okay Nabu", "okay nabu", "okay_nabu"])
async def test_a_satellite_of_home_assistant_s_answers_and_ours_does_not(
    hass: HomeAssistant, entry: MockConfigEntry, brain: ScriptedBrain, rig: RigSatellite, words: str
) -> None:
    other = Satellite(hass, await async_create(hass), wake_word=words)
    brain.add(Turn("Hello."))
    run = hass.async_create_background_task(other.run(), "run")
    await until(lambda: other.events)
    await rig.wake()
    await run
    assert other.errors == []
    await rig.until("transcript")
    assert not in_session(hass, HALL_ID)


@pytest.mark.parametrize("words", ["Okay Nabu", "okay nabu"])
async def test_ours_answers_and_a_satellite_of_home_assistant_s_does_not(
    hass: HomeAssistant, entry: MockConfigEntry, simulator: Simulator, rig: RigSatellite, words: str
) -> None:
    other = Satellite(hass, await async_create(hass), wake_word=words)
    await rig.wake()
    await async_wait_for_state(hass, hall(hass), "listening")
    await other.run()
    assert other.errors == ["duplicate_wake_up_detected"]
    assert len(simulator.connections) == 1


async def test_another_word_and_the_same_place_are_answered(
    hass: HomeAssistant, entry: MockConfigEntry, brain: ScriptedBrain, rig: RigSatellite
) -> None:
    pipeline = await async_create(hass)
    brain.add(Turn("Hello."))
    other = Satellite(hass, pipeline, wake_word="hey jarvis")
    await other.run()
    for _ in range(2):
        await rig.wake()
        await until(lambda: in_session(hass, HALL_ID))
        switch = entity_of(hass, "switch", HALL_ID, "session")
        await hass.services.async_call("switch", "turn_off", {"entity_id": switch}, blocking=True)


async def test_the_same_words_later_are_answered(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    brain: ScriptedBrain,
    rig: RigSatellite,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wakes_module, "SAME_WORDS_S", 0.0)
    brain.add(Turn("Hello."))
    await Satellite(hass, await async_create(hass), wake_word="Okay Nabu").run()
    await rig.wake()
    await until(lambda: in_session(hass, HALL_ID))


async def test_home_assistant_may_keep_its_own_wakes_as_it_likes(
    hass: HomeAssistant, entry: MockConfigEntry, rig: RigSatellite
) -> None:
    hass.data["assist_pipeline.last_wake_up"] = None
    await rig.wake()
    await until(lambda: in_session(hass, HALL_ID))
