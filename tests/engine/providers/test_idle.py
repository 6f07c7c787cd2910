"""A wait is interrupted when it takes too long, and a thousand short ones cost one timer."""

import asyncio
from contextlib import closing

import pytest

from custom_components.rtvoice.engine.providers.openai.idle import IdleLimit
from tests.engine.session.virtual_time import in_virtual_time


async def never() -> None:
    await asyncio.Event().wait()


async def after(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


@in_virtual_time
async def test_a_wait_that_takes_too_long_is_cancelled() -> None:
    began_s = asyncio.get_running_loop().time()
    with closing(IdleLimit(5)) as limit:
        with pytest.raises(TimeoutError):
            await limit.within(never())
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(5)
        assert await limit.within(after(1)) == 1, "the next may take its time again"


@in_virtual_time
async def test_each_wait_counts_from_its_own_beginning() -> None:
    loop = asyncio.get_running_loop()
    with closing(IdleLimit(5)) as limit:
        for _ in range(10):
            assert await limit.within(after(4)) == 4
            await asyncio.sleep(3)
        began_s = loop.time()
        with pytest.raises(TimeoutError):
            await limit.within(never())
        assert loop.time() - began_s == pytest.approx(5)


@in_virtual_time
async def test_what_is_done_between_waits_is_never_interrupted() -> None:
    with closing(IdleLimit(5)) as limit:
        await limit.within(after(1))
        await asyncio.sleep(60)
        assert await limit.within(after(4)) == 4


@in_virtual_time
async def test_many_waits_share_a_timer() -> None:
    timers = 0
    loop = asyncio.get_running_loop()
    call_later = loop.call_later

    def counting(*args):
        nonlocal timers
        timers += 1
        return call_later(*args)

    loop.call_later = counting
    with closing(IdleLimit(5)) as limit:
        for _ in range(1000):
            await limit.within(asyncio.sleep(0))
    assert timers == 1


@in_virtual_time
async def test_who_cancels_the_waiting_task_is_obeyed() -> None:
    with closing(IdleLimit(5)) as limit:
        waiting = asyncio.create_task(limit.within(never()))
        await asyncio.sleep(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


@in_virtual_time
async def test_a_limit_and_a_cancellation_at_the_same_moment_are_a_cancellation() -> None:
    with closing(IdleLimit(5)) as limit:
        waiting = asyncio.create_task(limit.within(never()))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(5, waiting.cancel)
        with pytest.raises(asyncio.CancelledError):
            await waiting


@in_virtual_time
async def test_a_limit_within_a_shorter_one_leaves_that_its_own() -> None:
    with closing(IdleLimit(5)) as limit:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await limit.within(never())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await limit.within(never())
        current = asyncio.current_task()
        assert current is not None
        assert current.cancelling() == 0
