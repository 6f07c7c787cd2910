"""Facts are decided on in order, and nothing overtakes an effect that takes its time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.effects import ClearPlayout, Close, Effect, Play
from custom_components.rtvoice.engine.errors import EndReason, SinkError
from custom_components.rtvoice.engine.session.decisions import Decisions

CLEARS, CLOSES = "clears", "closes"


class Desk:
    """A conversation that plays each delta; two items silence it or close the session as well."""

    def __init__(self, capacity: int = 256) -> None:
        self.done: list[str] = []
        self.clearing = asyncio.Event()
        self.silent = asyncio.Event()
        self.failure: SinkError | None = None
        self.follows: dict[str, str] = {}
        """What is taken in the very step in which something is played, as of a tool that takes no time."""
        self.decisions = Decisions(self._decide, clear=self._clear, capacity=capacity)
        self.run = asyncio.create_task(self.decisions.run(self._act))

    def _decide(self, fact: f.Fact) -> list[Effect]:
        assert isinstance(fact, f.AudioDelta)
        effects: list[Effect] = [Play(fact.item_id, 0, fact.pcm)]
        if fact.item_id == CLEARS:
            effects = [*effects, ClearPlayout(), Play("after", 0, b"")]
        if fact.item_id == CLOSES:
            effects = [*effects, Close(EndReason.STOPPED), Play("never", 0, b"")]
        return effects

    def _act(self, effect: Effect) -> None:
        assert isinstance(effect, Play)
        self.done.append(effect.item_id)
        if (following := self.follows.get(effect.item_id)) is not None:
            self.decisions.take(delta(following))

    async def _clear(self) -> None:
        self.clearing.set()
        await self.silent.wait()
        if self.failure is not None:
            raise self.failure
        self.done.append("silence")


@asynccontextmanager
async def desk(capacity: int = 256) -> AsyncIterator[Desk]:
    made = Desk(capacity)
    await asyncio.sleep(0)
    try:
        yield made
    finally:
        made.run.cancel()
        await asyncio.gather(made.run, return_exceptions=True)


def delta(item_id: str) -> f.AudioDelta:
    return f.AudioDelta("r", item_id, 0, b"")


async def test_a_fact_of_the_provider_is_decided_on_in_the_step_in_which_it_comes() -> None:
    async with desk() as d:
        await d.decisions.offer(delta("a"))
        assert d.done == ["a"]
        assert not d.decisions.waiting


async def test_nothing_overtakes_a_fact_of_our_own() -> None:
    async with desk() as d:
        d.decisions.post(delta("own"))
        await d.decisions.offer(delta("b"))
        assert d.done == []
        await d.decisions.settled()
        assert d.done == ["own", "b"]


async def test_nothing_overtakes_silencing() -> None:
    async with desk() as d:
        await d.decisions.offer(delta(CLEARS))
        assert d.done == [CLEARS]
        await d.decisions.offer(delta("b"))
        await d.clearing.wait()
        await d.decisions.offer(delta("c"))
        assert d.decisions.waiting
        assert d.done == [CLEARS]
        d.silent.set()
        await d.decisions.settled()
        assert d.done == [CLEARS, "silence", "after", "b", "c"]


async def test_a_speaker_that_takes_no_time_is_silenced_in_the_same_step() -> None:
    async with desk() as d:
        d.silent.set()
        await d.decisions.offer(delta(CLEARS))
        assert d.done == [CLEARS, "silence", "after"]
        assert not d.decisions.waiting


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_speaker_that_fails_to_fall_silent_ends_it(*, at_once: bool) -> None:
    async with desk() as d:
        d.failure = SinkError("unplugged")
        if at_once:
            d.silent.set()
        await d.decisions.offer(delta(CLEARS))
        d.silent.set()
        with pytest.raises(SinkError, match="unplugged"):
            await d.run


async def test_silencing_is_given_up_with_all_else() -> None:
    async with desk() as d:
        await d.decisions.offer(delta(CLEARS))
        await d.clearing.wait()
        d.run.cancel()
        await asyncio.gather(d.run, return_exceptions=True)
        assert len(asyncio.all_tasks()) == 1, "nothing goes on"


async def test_nothing_is_done_behind_a_close() -> None:
    async with desk() as d:
        await d.decisions.offer(delta(CLOSES))
        await d.decisions.offer(delta("late"))
        assert (await d.run).reason is EndReason.STOPPED
        await d.decisions.offer(delta("later"))
        assert d.done == [CLOSES]


async def test_facts_that_come_before_it_runs_wait_for_it() -> None:
    made = Desk()
    await made.decisions.offer(delta("early"))
    assert made.done == []
    await asyncio.sleep(0)
    assert made.done == ["early"]
    made.run.cancel()


async def test_the_socket_waits_while_too_much_is_queued() -> None:
    async with desk(capacity=2) as d:
        await d.decisions.offer(delta(CLEARS))
        await d.clearing.wait()
        for name in "ab":
            await d.decisions.offer(delta(name))
        third = asyncio.create_task(d.decisions.offer(delta("c")))
        await asyncio.sleep(0.01)
        assert not third.done()
        d.decisions.post(delta("own"))
        d.silent.set()
        await third
        while d.decisions.waiting:
            await d.decisions.settled()
        assert d.done == [CLEARS, "silence", "after", "a", "b", "own", "c"]


async def test_a_fact_that_is_waited_for_is_decided_on_in_the_step_in_which_it_came() -> None:
    async with desk() as d:
        d.decisions.take(delta("own"))
        assert d.done == ["own"]
        assert not d.decisions.waiting


async def test_a_fact_that_is_waited_for_comes_behind_what_waits() -> None:
    async with desk() as d:
        d.decisions.post(delta("first"))
        d.decisions.take(delta("second"))
        assert d.done == []
        await d.decisions.settled()
        assert d.done == ["first", "second"]


async def test_a_fact_that_follows_from_an_effect_comes_behind_all_effects_of_the_same() -> None:
    async with desk() as d:
        d.follows[CLEARS] = "b"
        d.silent.set()
        await d.decisions.offer(delta(CLEARS))
        assert d.done == [CLEARS, "silence", "after", "b"]
