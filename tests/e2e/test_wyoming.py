"""A real Wyoming satellite, woken by its wake word, spoken to directly."""

import contextlib
import functools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.home_assistant import free_port
from demo.house import Furnishing
from demo.programs import Program, running
from demo.speech import trim

from .conftest import need
from .house import House
from .recogniser import recognise
from .wake_words import WAKE_VOICE, listens, wake_word_program
from .wyoming import PYTHON

SATELLITE = "assist_satellite.hall_satellite"
MICROPHONE = "parec --device=microphone --rate=16000 --channels=1 --format=s16le --latency-msec=20 --raw"
SPEAKER = "pacat --playback --device=speaker --rate=22050 --channels=1 --format=s16le --latency-msec=50 --raw"
SESSION = "switch.hall_satellite_session"
STATUS = "sensor.hall_satellite_status"


@contextlib.asynccontextmanager
async def satellite_program(house: House, folder: Path) -> AsyncIterator[tuple[int, Program]]:
    """A satellite with a wake word at the house's sound card: its port, and itself."""
    port = free_port()
    async with wake_word_program(folder) as wake_port:
        satellite = (
            *(PYTHON, "-m", "wyoming_satellite", "--name", "Hall", "--uri", f"tcp://127.0.0.1:{port}", "--no-zeroconf"),
            *("--mic-command", MICROPHONE, "--snd-command", SPEAKER),
            *("--wake-uri", f"tcp://127.0.0.1:{wake_port}", "--wake-word-name", "okay_nabu"),
        )
        environment = house.sound.environment
        async with running("satellite", satellite, log=folder / "satellite.log", environment=environment) as program:
            await program.ready(functools.partial(listens, port), within_s=30)
            yield port, program


@pytest.fixture
def satellite_python() -> None:
    need(PYTHON.exists(), "The Wyoming satellite (.venv-satellite)")


async def test_a_wyoming_satellite_turns_on_the_light_by_voice(
    house: House, satellite_python: None, tmp_path: Path
) -> None:
    furnishing = Furnishing(house.api)
    async with satellite_program(house, tmp_path) as (port, program):
        subentry = await furnishing.add_satellite(
            "wyoming", {"name": "Hall satellite", "host": "127.0.0.1", "port": port}
        )
        try:
            await house.until_state(SATELLITE, "idle")
            answer = tmp_path / "answer.wav"
            async with house.sound.recording(answer):
                await house.speak("okay nabu", voice=WAKE_VOICE)
                await house.until_state(SESSION, "on")
                await house.until_state(STATUS, "listening")
                await house.speak("turn on the kitchen lights")
                await house.until_state("light.kitchen_light", "on")
                await house.until_state(STATUS, "speaking")
                await house.until_state(STATUS, "listening")
            trim(answer)
            said = "i turned on the kitchen lights"
            assert recognise(answer, said, "sorry i did not understand that", "the front door is locked") == said
            await house.api.perform("rtvoice.stop", entity_id=SATELLITE)
            await house.until_state(STATUS, "idle")
            # It listens for its wake word again.
            await program.line(r"(?s)Waiting for wake word.*Waiting for wake word", within_s=20)
            await house.speak("okay nabu", voice=WAKE_VOICE)
            await house.until_state(SESSION, "on")
            await house.api.perform("rtvoice.stop", entity_id=SATELLITE)
        finally:
            await furnishing.remove_satellite(subentry)
