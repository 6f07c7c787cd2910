"""Work begins in the step in which it is wanted."""

import asyncio

from custom_components.rtvoice.engine.eager import begin, succeeded


async def test_what_waits_for_nothing_is_done_at_once() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("work")

    assert succeeded(begin(work(), "work"))
    assert done == ["work"]


async def test_what_waits_goes_on_by_itself() -> None:
    ready = asyncio.Event()
    done: list[str] = []

    async def work() -> None:
        done.append("begun")
        await ready.wait()
        done.append("ended")

    working = begin(work(), "work")
    assert done == ["begun"]
    assert not succeeded(working)
    ready.set()
    await working
    assert done == ["begun", "ended"]
    assert succeeded(working)


async def test_what_fails_has_not_succeeded() -> None:
    async def work() -> None:
        raise OSError("gone")

    async def give_up() -> None:
        raise asyncio.CancelledError

    assert not succeeded(failed := begin(work(), "work"))
    assert isinstance(failed.exception(), OSError)
    assert not succeeded(given_up := begin(give_up(), "work"))
    assert given_up.cancelled()
