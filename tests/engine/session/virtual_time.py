"""An event loop whose clock jumps to the next timer, so that tests of long waits take no time."""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine

from ..virtual_time import VirtualLoop


def run_virtually[T](work: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def in_virtual_time[**P](test: Callable[P, Coroutine[object, object, None]]) -> Callable[P, None]:
    """Make an ordinary test of an asynchronous one."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        run_virtually(test(*args, **kwargs))

    # pytest looks through __wrapped__, and would find a coroutine again.
    del run.__wrapped__
    run.__signature__ = inspect.signature(test)
    return run
