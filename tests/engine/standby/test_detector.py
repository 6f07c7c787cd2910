"""A detector that is a function runs in a thread of its own."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest

from custom_components.rtvoice.engine import Detection, InProcessDetector

from .fakes import number, numbered


async def counted(frames: int) -> AsyncIterator[bytes]:
    for n in range(frames):
        await asyncio.sleep(0)
        yield numbered(n, 320)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("rtvoice wake word")]


async def until_gone() -> None:
    async with asyncio.timeout(5):
        while threads():
            await asyncio.sleep(0.01)


async def test_the_function_is_made_anew_for_each_arming_and_called_in_one_thread() -> None:
    made: list[list[tuple[int, int]]] = []

    def make():
        heard: list[tuple[int, int]] = []
        made.append(heard)

        def hears(frame: bytes) -> bool:
            heard.append((number(frame), threading.get_ident()))
            return number(frame) == 7

        return hears

    detector = InProcessDetector(make, phrase="okay nabu")
    assert detector.sample_rate == 16_000
    for _ in range(2):
        assert await detector.detect(counted(20)) == Detection("okay nabu")
    assert [[n for n, _ in heard] for heard in made] == [[*range(8)]] * 2
    for heard in made:
        assert len({ident for _, ident in heard}) == 1
        assert threading.get_ident() not in {ident for _, ident in heard}
    await until_gone()


async def test_frames_that_end_end_it() -> None:
    assert await InProcessDetector(lambda: lambda _: False).detect(counted(5)) is None
    await until_gone()


@pytest.mark.parametrize("when", ["made", "called"])
async def test_what_the_function_raises_is_raised(when: str) -> None:
    def make():
        if when == "made":
            raise FileNotFoundError("no model")
        return lambda frame: 1 / 0

    with pytest.raises((FileNotFoundError, ZeroDivisionError)):
        await InProcessDetector(make).detect(counted(5))
    await until_gone()


async def test_it_may_be_cancelled_while_it_computes() -> None:
    computing = threading.Event()

    def hears(_: bytes) -> bool:
        computing.set()
        time.sleep(0.2)
        return True

    detecting = asyncio.create_task(InProcessDetector(lambda: hears).detect(counted(5)))
    await asyncio.to_thread(computing.wait)
    detecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await detecting
    await until_gone()
