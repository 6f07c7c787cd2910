"""A detector hears all frames, in its rate, and what it says about time is found in the microphone's."""

import asyncio
from array import array

import pytest

from custom_components.rtvoice.engine import Detection, OpenMicrophone
from custom_components.rtvoice.engine.standby.ear import Ear

from ..virtual_time import run
from .fakes import RATE, CountingMicrophone, number


def test_it_hears_from_when_it_is_opened() -> None:
    async def main():
        microphone = OpenMicrophone(CountingMicrophone())
        async with microphone.kept_open():
            await asyncio.sleep(1.01)
            ear = await Ear.open(microphone, RATE)
            await asyncio.sleep(0.1)
            assert [number(await anext(ear)) for _ in range(10)] == [*range(51, 61)]
            assert ear.position_of(Detection()) == 60 * 480
            assert ear.position_of(Detection(noticed_ms=100)) == 55 * 480
            assert ear.position_of(Detection(noticed_ms=-5)) == 50 * 480
            assert ear.position_of(Detection(noticed_ms=10**6)) == microphone.position

    run(main())


def test_another_rate_is_followed_without_drift() -> None:
    async def main():
        microphone = OpenMicrophone(CountingMicrophone(voice=range(90, 110)))
        async with microphone.kept_open():
            ear = await Ear.open(microphone, 16_000)
            frames = [await anext(ear) for _ in range(100)]
            assert {len(frame) for frame in frames} == {640}
            assert array("h", frames[-1])[160] == pytest.approx(20_000, abs=2)
            assert ear.position_of(Detection()) == pytest.approx(100 * 480, abs=50)
            assert ear.position_of(Detection(noticed_ms=1000)) == 50 * 480

    run(main())


def test_what_it_missed_is_part_of_the_time() -> None:
    async def main():
        microphone = OpenMicrophone(CountingMicrophone())
        async with microphone.kept_open():
            ear = await Ear.open(microphone, RATE)
            assert number(await anext(ear)) == 1
            await asyncio.sleep(29.99)
            assert number(await anext(ear)) == 501
            assert ear.position_of(Detection(noticed_ms=40)) == 501 * 480

    run(main())


@pytest.mark.parametrize("how", ["closed", "failed", "over"])
def test_frames_end(how: str) -> None:
    async def main():
        device = CountingMicrophone()
        microphone = OpenMicrophone(device)
        async with microphone.kept_open():
            ear = await Ear.open(microphone, RATE)
            waiting = asyncio.create_task(_all(ear))
            await asyncio.sleep(0.1)
            if how == "closed":
                ear.close()
            elif how == "failed":
                device.unplug()
            if how != "over":
                assert await waiting in (4, 5)
        assert await waiting in (4, 5)
        with pytest.raises(StopAsyncIteration):
            await anext(ear)

    async def _all(ear: Ear) -> int:
        return len([frame async for frame in ear])

    run(main())
