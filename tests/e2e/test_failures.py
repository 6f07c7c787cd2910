"""Things that break in the middle of a session."""

import asyncio
from typing import Any

import pytest

from demo.api import ApiError
from demo.talk import SATELLITE, STATUS

from .conftest import OpenHouse
from .house import House


async def test_the_sound_card_is_unplugged(own_house: OpenHouse) -> None:
    async with own_house() as house:
        session = await in_session(house)
        house.card.program.kill()
        report = await session
        assert report["end_reason"] == "device_failed"
        await is_healthy(house)


async def test_the_provider_goes_away_in_the_middle_of_an_answer(own_house: OpenHouse) -> None:
    async with own_house() as house:
        session = await in_session(house)
        await house.speak("tell me a story")
        await house.until_state(STATUS, "speaking")
        house.simulator.program.kill()
        report = await session
        assert report["end_reason"] == "connection_lost"
        assert [turn["role"] for turn in report["turns"]] == ["user", "assistant"]
        await is_healthy(house, reachable=False)
        with pytest.raises(ApiError, match=r"127\.0\.0\.1"):
            await house.api.perform("rtvoice.start", within_s=60, entity_id=SATELLITE)
        await is_healthy(house, reachable=False)
        assert house.home.program.log.stat().st_size < 100_000


async def in_session(house: House) -> asyncio.Task[dict[str, Any]]:
    session = asyncio.create_task(house.api.perform("rtvoice.start", response=True, within_s=60, entity_id=SATELLITE))
    await house.until_state(STATUS, "listening")
    return session


async def is_healthy(house: House, *, reachable: bool = True) -> None:
    """No session is left, Home Assistant works, nobody saw a traceback; without a provider no satellite is there."""
    await house.until_state(STATUS, "idle" if reachable else "unavailable")
    await house.until_state("switch.local_satellite_session", "off" if reachable else "unavailable")
    assert (await house.api.call("get_config"))["state"] == "RUNNING"
    await house.api.perform("light.turn_on", entity_id="light.hall_light")
    await house.until_state("light.hall_light", "on")
    assert "Traceback" not in house.home.program.log_text()
    assert not [line for line in house.complaints() if "ERROR" in line]
    # Libraries complain for ever about a sound card that is gone, a thousand times a second, unless it is let go.
    complained = house.home.program.log.stat().st_size
    await asyncio.sleep(1)
    assert house.home.program.log.stat().st_size == complained
