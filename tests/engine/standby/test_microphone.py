"""A microphone that several listen to: open while anybody does, and nothing is lost in between."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from custom_components.rtvoice.engine import AudioInputDevice, OpenMicrophone
from custom_components.rtvoice.engine.errors import SourceError

from ..virtual_time import run
from .fakes import FRAME, RATE, CountingMicrophone, number


async def numbers(microphone: OpenMicrophone, frames: int) -> list[int]:
    heard = []
    async for chunk in microphone.stream_chunks():
        assert len(chunk) == FRAME
        heard.append(number(chunk))
        if len(heard) == frames:
            break
    return heard


def test_it_is_a_microphone_like_any_other_where_nobody_keeps_it_open() -> None:
    async def main():
        device = CountingMicrophone()
        microphone = OpenMicrophone(device)
        assert isinstance(microphone, AudioInputDevice)
        assert (microphone.sample_rate, microphone.is_active) == (RATE, False)
        await microphone.start()
        assert microphone.is_active
        await asyncio.sleep(0.085)
        assert await numbers(microphone, 4) == [1, 2, 3, 4]
        await microphone.stop()
        await microphone.stop()
        assert (device.is_active, microphone.is_active, device.starts, device.stops) == (False, False, 1, 1)
        await microphone.start()
        assert await numbers(microphone, 2) == [5, 6]
        await microphone.stop()

    run(main())


def test_sessions_do_not_close_it_while_it_is_kept_open() -> None:
    async def main():
        device = CountingMicrophone()
        microphone = OpenMicrophone(device)
        async with microphone.kept_open():
            assert not microphone.is_active
            for _ in range(3):
                await microphone.start()
                assert await numbers(microphone, 2)
                await microphone.stop()
                assert (device.is_active, microphone.is_active) == (True, False)
            await microphone.start()
        assert device.is_active, "the session still listens"
        await microphone.stop()
        assert (device.is_active, device.starts, device.stops) == (False, 1, 1)

    run(main())


def test_a_session_hears_from_where_it_is_told_to() -> None:
    async def main():
        microphone = OpenMicrophone(CountingMicrophone())
        async with microphone.kept_open():
            await asyncio.sleep(1.01)
            position = microphone.position
            assert position == 50 * RATE // 50
            await asyncio.sleep(1)

            async def there() -> int:
                await asyncio.sleep(0.5)
                return position - 240

            microphone.hear_from(there)
            await microphone.start()
            heard = b""
            async for chunk in microphone.stream_chunks():
                heard += chunk
                if len(heard) >= 81 * FRAME:
                    break
            assert [number(heard[at : at + 2]) for at in range(480, 80 * FRAME, FRAME)] == [*range(51, 131)]
            await microphone.stop()
            await microphone.start()
            assert await numbers(microphone, 1) == [132]
            await microphone.stop()
            microphone.hear_from(there)
            microphone.hear_from_now()
            await microphone.start()
            assert await numbers(microphone, 1) == [133]
            await microphone.stop()

    run(main())


def test_stopping_ends_whoever_listens() -> None:
    async def main():
        microphone = OpenMicrophone(CountingMicrophone())
        async with microphone.kept_open():
            await microphone.start()
            listening = asyncio.create_task(numbers(microphone, 1000))
            await asyncio.sleep(0.1)
            await microphone.stop()
            assert len(await listening) in (4, 5)

    run(main())


def test_a_late_reader_loses_the_oldest_and_they_are_counted() -> None:
    async def main():
        microphone = OpenMicrophone(CountingMicrophone())
        async with microphone.kept_open():
            await asyncio.sleep(30.01)
            position, pcm = await microphone.read(0)
            assert number(pcm) == 1500 - 1000 + 1, "10 s at 48 kHz are 20 s at 24"
            assert position == 501 * 480
            assert microphone.dropped_samples == 500 * 480

    run(main())


@pytest.mark.parametrize("how", ["raises", "ends", "breaks"])
def test_a_device_that_fails_is_told_to_all(how: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main():
        device = CountingMicrophone()
        microphone = OpenMicrophone(device)
        async with microphone.kept_open():
            await microphone.start()
            listening = asyncio.create_task(numbers(microphone, 1000))
            await asyncio.sleep(0.1)
            match how:
                case "raises":
                    device.unplug()
                case "ends":
                    device.ends = True
                case _:
                    device.failure = ZeroDivisionError("odd driver")
            with pytest.raises(SourceError) as caught:
                await listening
            assert caught.value is microphone.failure
            assert not microphone.is_active
            with pytest.raises(SourceError):
                await microphone.read(microphone.position)
            await microphone.stop()
        device.failure, device.ends = None, False
        async with microphone.kept_open():
            assert microphone.failure is None
            assert (await microphone.read(microphone.position))[1]

    run(main())
    assert ("odd driver" in caplog.text) == (how == "breaks")


def test_what_was_captured_between_two_times_is_there_when_it_is_over() -> None:
    async def main():
        microphone = OpenMicrophone(CountingMicrophone())
        async with microphone.kept_open():
            await asyncio.sleep(1.01)
            begin, pcm = await microphone.between(40 * 480, 45 * 480 + 7)
            assert (begin, number(pcm), len(pcm) // 2) == (40 * 480, 41, 5 * 480 + 7)
            assert microphone.position == 50 * 480
            _, pcm = await microphone.between(40 * 480, 60 * 480)
            assert len(pcm) == 20 * FRAME
            assert microphone.position == 60 * 480
            begin, pcm = await microphone.between(60 * 480, 60 * 480)
            assert (begin, pcm) == (60 * 480, b"")
            waiting = asyncio.create_task(microphone.between(microphone.position, 10**9))
            await asyncio.sleep(0.1)
        begin, pcm = await waiting
        assert len(pcm) in (4 * FRAME, 5 * FRAME, 6 * FRAME)

    run(main())


def test_nothing_comes_from_a_closed_one() -> None:
    async def main():
        microphone = OpenMicrophone(CountingMicrophone())
        async with microphone.kept_open():
            waiting = asyncio.create_task(microphone.read(10**9))
            await asyncio.sleep(0.1)
        assert await waiting == (10**9, b"")

    run(main())


def test_a_device_that_does_not_open_is_closed_and_may_be_tried_again() -> None:
    async def main():
        device = CountingMicrophone(start_s=100)
        microphone = OpenMicrophone(device)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(microphone.start(), 1)
        assert device.stops == 1
        await microphone.stop()
        device.start_s = 0
        await microphone.start()
        assert await numbers(microphone, 1) == [1]
        await microphone.stop()

    run(main())


def test_a_device_that_does_not_close_is_left_to_itself(caplog: pytest.LogCaptureFixture) -> None:
    async def main():
        device = CountingMicrophone()
        microphone = OpenMicrophone(device)
        async with asyncio.timeout(10):
            async with microphone.kept_open():
                device.stop_s = 1000

    with caplog.at_level(logging.WARNING):
        run(main())
    assert "did not close cleanly" in caplog.text


def test_two_may_open_it_at_once() -> None:
    async def main():
        device = CountingMicrophone(start_s=1)
        microphone = OpenMicrophone(device)

        async def listen() -> AsyncIterator[None]:
            async with microphone.kept_open():
                await asyncio.sleep(1)

        await asyncio.gather(listen(), listen())
        assert (device.starts, device.stops) == (1, 1)

    run(main())
