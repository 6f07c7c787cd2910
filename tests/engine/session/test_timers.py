"""Deadlines on a loop, and what becomes of them when the machine sleeps."""

import asyncio

from custom_components.rtvoice.engine.conversation.facts import Timer, TimerFired
from custom_components.rtvoice.engine.session.timers import GRACE_S, Timers

from .virtual_time import in_virtual_time


def sleep_as_a_machine(seconds: float) -> None:
    """Time goes by in which nothing happens at all."""
    asyncio.get_running_loop()._jumping.now_s += seconds


@in_virtual_time
async def test_a_deadline_passes_once() -> None:
    posted = []
    timers = Timers(posted.append)
    timers.arm(Timer.RESPONSE_REQUEST, 10)
    await asyncio.sleep(9.9)
    assert posted == []
    await asyncio.sleep(30)
    assert posted == [TimerFired(Timer.RESPONSE_REQUEST)]


@in_virtual_time
async def test_what_came_while_the_machine_slept_is_seen_before_the_deadline_passes() -> None:
    posted = []
    timers = Timers(posted.append)
    timers.arm(Timer.RESPONSE_PROGRESS, 30)
    timers.arm(Timer.INACTIVITY, 1)
    sleep_as_a_machine(60)
    await asyncio.sleep(0)
    await asyncio.sleep(0.9)
    assert posted == []
    await asyncio.sleep(0.2)
    assert posted == [TimerFired(Timer.INACTIVITY)]
    timers.disarm(Timer.RESPONSE_PROGRESS)
    await asyncio.sleep(60)
    assert posted == [TimerFired(Timer.INACTIVITY)]


@in_virtual_time
async def test_after_that_time_it_passes_all_the_same() -> None:
    posted = []
    timers = Timers(posted.append)
    timers.arm(Timer.RESPONSE_PROGRESS, 30)
    sleep_as_a_machine(60)
    await asyncio.sleep(GRACE_S + 0.1)
    assert posted == [TimerFired(Timer.RESPONSE_PROGRESS)]
    timers.arm(Timer.RESPONSE_PROGRESS, 30)
    timers.close()
    await asyncio.sleep(60)
    assert len(posted) == 1
