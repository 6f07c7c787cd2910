import asyncio

import pytest

from custom_components.rtvoice.engine.bus import EventBus, Feed
from custom_components.rtvoice.engine.events import (
    AgentErrorEvent,
    AgentStartingEvent,
    AssistantTranscriptDeltaEvent,
    SessionEvent,
)

from .virtual_time import run


def test_base_classes_hear_everything() -> None:
    async def main():
        bus, heard = EventBus(), []

        async def hear(event):
            heard.append(event)

        bus.subscribe(SessionEvent, hear)
        bus.subscribe(AgentErrorEvent, hear)
        assert await bus.dispatch(AgentStartingEvent()) == AgentStartingEvent()
        assert heard == [AgentStartingEvent()]

    run(main())


def test_handlers_run_side_by_side_and_a_broken_one_concerns_nobody_else(caplog) -> None:
    async def main():
        bus, order = EventBus(), []

        async def slow(event):
            await asyncio.sleep(1)
            order.append("slow")

        async def broken(event):
            raise RuntimeError("Broken")

        async def quick(event):
            order.append("quick")

        for handler in (slow, broken, quick):
            bus.subscribe(AgentStartingEvent, handler)
        await bus.dispatch(AgentStartingEvent())
        assert order == ["quick", "slow"]

    run(main())
    assert "An observer of AgentStartingEvent failed" in caplog.text


def test_plain_functions_are_refused_at_once() -> None:
    with pytest.raises(TypeError, match="coroutine function"):
        EventBus().subscribe(AgentStartingEvent, lambda event: None)


def test_callable_objects_are_welcome() -> None:
    class Handler:
        count = 0

        async def __call__(self, event):
            self.count += 1

    async def main():
        bus, handler = EventBus(), Handler()
        bus.subscribe(AgentStartingEvent, handler)
        await bus.dispatch(AgentStartingEvent())
        bus.unsubscribe(AgentStartingEvent, handler)
        bus.unsubscribe(AgentStartingEvent, handler)
        await bus.dispatch(AgentStartingEvent())
        assert handler.count == 1

    run(main())


def test_slow_observer_loses_pieces_of_transcripts_but_no_transition() -> None:
    async def main():
        seen = []

        async def slow(event):
            await asyncio.sleep(0.01)
            seen.append(event)

        feed = Feed(slow, capacity=10)
        async with feed.running(drain_s=10):
            for n in range(100):
                feed.put(AssistantTranscriptDeltaEvent(str(n), "i1"))
            for _ in range(20):
                feed.put(AgentStartingEvent())
        assert feed.dropped_deltas == 90
        assert sum(isinstance(event, AgentStartingEvent) for event in seen) == 20

    run(main())


def test_observer_that_hangs_is_left_behind(caplog) -> None:
    async def main():
        async def hang(event):
            await asyncio.Event().wait()

        feed = Feed(hang)
        async with feed.running():
            feed.put(AgentStartingEvent())
            feed.put(AgentStartingEvent())
            await asyncio.sleep(1)

    run(main())
    assert "it missed 1 events" in caplog.text


def test_what_is_held_back_is_delivered_in_order_when_it_may_go_on() -> None:
    async def main():
        heard = []

        async def hear(event):
            heard.append(event)

        feed = Feed(hear)
        async with feed.running():
            feed.put(AgentStartingEvent())
            feed.hold_back(60)
            feed.put(AssistantTranscriptDeltaEvent("a", "i"))
            await asyncio.sleep(1)
            assert heard == []
            feed.go_on()
            await feed.drained()
            assert heard == [AgentStartingEvent(), AssistantTranscriptDeltaEvent("a", "i")]

    run(main())


def test_nothing_is_held_back_for_longer_than_was_said_first() -> None:
    async def main():
        told_s = []

        async def hear(_):
            told_s.append(asyncio.get_running_loop().time())

        feed = Feed(hear)
        async with feed.running():
            began_s = asyncio.get_running_loop().time()
            feed.hold_back(0.01)
            feed.put(AgentStartingEvent())
            await asyncio.sleep(0.005)
            feed.hold_back(0.01)
            await feed.drained()
            assert told_s == [pytest.approx(began_s + 0.01)]

    run(main())


def test_what_is_held_back_at_the_end_is_delivered_too() -> None:
    async def main():
        heard = []

        async def hear(event):
            heard.append(event)

        feed = Feed(hear)
        async with feed.running():
            feed.hold_back(0.5)
            feed.put(AgentStartingEvent())
        assert heard == [AgentStartingEvent()]

    run(main())
