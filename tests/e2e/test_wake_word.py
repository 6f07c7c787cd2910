"""A wake word engine of Home Assistant wakes a satellite at this machine, by voice."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.house import Furnishing

from .conftest import need
from .house import House
from .wake_words import WAKE_VOICE, wake_word_program
from .wyoming import PYTHON

ENGINE = "wake_word.ears"
SATELLITE = "assist_satellite.nook"
SESSION = "switch.nook_session"
STATUS = "sensor.nook_status"
MUTE = "switch.nook_mute"


@pytest.fixture
def wake_word_python() -> None:
    need(PYTHON.exists(), "The wake word program (.venv-satellite)")


@contextlib.asynccontextmanager
async def wake_word_engine(house: House, port: int) -> AsyncIterator[None]:
    """Home Assistant's Wyoming integration knows the program at this port while the body runs."""
    entries = "/api/config/config_entries"
    done = await house.api.flow(f"{entries}/flow", {"handler": "wyoming"}, ({"host": "127.0.0.1", "port": port},))
    try:
        await house.api.until("The wake word engine", lambda: house.api.state(ENGINE) is not None, within_s=20)
        yield
    finally:
        await house.api.request("DELETE", f"{entries}/entry/{done['result']['entry_id']}")


async def test_okay_nabu_turns_on_the_light(house: House, wake_word_python: None, tmp_path: Path) -> None:
    furnishing = Furnishing(house.api)
    async with wake_word_program(tmp_path) as port, wake_word_engine(house, port):
        nook = {"name": "Nook", **house.sound.devices, "wake_engine": ENGINE, "wake_word": "okay_nabu"}
        subentry = await furnishing.add_satellite("local", nook)
        try:
            await house.until_state(SATELLITE, "idle")
            for _ in range(2):
                await house.speak("okay nabu, turn on the kitchen lights", voice=WAKE_VOICE)
                await house.until_state("light.kitchen_light", "on")
                await house.until_state(STATUS, "speaking")
                await house.until_state(STATUS, "listening")
                await house.api.perform("rtvoice.stop", entity_id=SATELLITE)
                await house.until_state(STATUS, "idle")
                await house.api.perform("light.turn_off", entity_id="light.kitchen_light")
            await house.api.perform("switch.turn_on", entity_id=MUTE)
            await house.speak("okay nabu, turn on the kitchen lights", voice=WAKE_VOICE)
            assert house.api.state(SESSION) == "off"
            await house.api.perform("switch.turn_off", entity_id=MUTE)
            await house.speak("okay nabu", voice=WAKE_VOICE)
            await house.until_state(SESSION, "on")
            await house.api.perform("rtvoice.stop", entity_id=SATELLITE)
        finally:
            await furnishing.remove_satellite(subentry)
