"""Strange things for a house that is running already: it is set up once, and they come one after another."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from hypothesis import given
from hypothesis.strategies import SearchStrategy

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
