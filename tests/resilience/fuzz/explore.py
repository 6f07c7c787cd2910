"""Strange things for a house that is running already: it is set up once, and they come one after another."""

import asyncio
import queue
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from hypothesis import given
from hypothesis.strategies import DataObject, SearchStrategy, data

from .profile import examples

EACH_WITHIN_S: Final = 30.0
"""How long one example may take; one that takes longer hangs."""


async def explore[T](strategy: SearchStrategy[T], count: int, attempt: Callable[[T], Awaitable[None]]) -> None:
    """Try `attempt` with so many examples on the running loop. Raises what the simplest one that fails raises."""
    loop = asyncio.get_running_loop()

    async def bounded(example: T) -> None:
        async with asyncio.timeout(EACH_WITHIN_S):
            await attempt(example)

    @given(strategy)
    @examples(count)
    def search(example: T) -> None:
        asyncio.run_coroutine_threadsafe(bounded(example), loop).result()

    # Hypothesis is not made for coroutines: it waits in a thread for what the loop makes of its examples.
    await asyncio.to_thread(search)


class Draw(Protocol):
    """Draws what depends on what came before."""

    async def __call__[T](self, strategy: SearchStrategy[T]) -> T:
        """An example of a strategy."""


async def explore_drawing(count: int, attempt: Callable[[Draw], Awaitable[None]]) -> None:
    """As `explore`, for an attempt that draws what it needs step by step; it must clean up when it is cancelled."""
    loop = asyncio.get_running_loop()

    @given(data())
    @examples(count)
    def search(source: DataObject) -> None:
        wanted: queue.Queue[tuple[SearchStrategy[Any], asyncio.Future[Any]] | None] = queue.Queue()

        async def draw(strategy: SearchStrategy[Any]) -> Any:
            drawn = loop.create_future()
            wanted.put((strategy, drawn))
            return await drawn

        async def bounded() -> None:
            async with asyncio.timeout(EACH_WITHIN_S):
                await attempt(draw)

        attempted = asyncio.run_coroutine_threadsafe(bounded(), loop)
        attempted.add_done_callback(lambda _: wanted.put(None))
        try:
            while (asked := wanted.get()) is not None:
                loop.call_soon_threadsafe(asked[1].set_result, source.draw(asked[0]))
        except BaseException:
            attempted.cancel()
            while wanted.get() is not None:
                pass
            # Cancelled on paper, it still cleans up.
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05), loop).result()
            raise
        attempted.result()

    await asyncio.to_thread(search)
