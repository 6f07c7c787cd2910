"""A real satellite of another integration, unmodified: its voice assistant is the agent, from the ear to the mouth."""

import asyncio

from demo.house import ENTRIES

from .assist import STATUS, create_voice_assistant
from .conftest import OpenHouse, need
from .recogniser import recognise
from .test_voice import DECOYS
from .wyoming import PYTHON, wyoming_satellite

SATELLITE = "assist_satellite.hall_box"


async def test_a_wyoming_satellite_turns_on_a_light_and_plays_the_model_s_own_voice(own_house: OpenHouse) -> None:
    need(PYTHON.exists(), "wyoming-satellite (.venv-satellite)")
    async with own_house(files=True) as house, wyoming_satellite(house.folder / "satellite") as satellite:
        await create_voice_assistant(house.api)
        address = {"host": "127.0.0.1", "port": satellite.port}
        step = await house.api.flow(f"{ENTRIES}/flow", {"handler": "wyoming"}, (address,))
        assert step["type"] == "create_entry", step
        await satellite.program.line("Waiting for wake word", within_s=60)

        await satellite.call("turn on the kitchen lights")
        await house.until_state("light.kitchen_light", "on", within_s=60)
        await house.until_state(STATUS, "speaking", within_s=30)
        await house.until_state(STATUS, "idle", within_s=30)
        await asyncio.sleep(1)

        assert satellite.heard(house.answer) > 0.5
        said = "i turned on the kitchen lights"
        assert recognise(house.answer, said, *DECOYS) == said
        house.check()
