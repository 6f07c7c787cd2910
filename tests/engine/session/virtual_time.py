"""An event loop whose clock jumps to the next timer, so that tests of long waits take no time."""

import asyncio
import functools
import inspect
import selectors
from collections.abc import Callable, Coroutine


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits: the time that would have been waited is added to the clock."""

    now_s = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("Everything waits and no timer is armed: the test would hang")
        self.now_s += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Work for threads is done at once, in place: no time passes meanwhile."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s

    def run_in_executor[T](self, executor: object, func: Callable[..., T], *args: object) -> asyncio.Future[T]:
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as err:  # noqa: BLE001 - it belongs to whoever awaits the future
            done.set_exception(err)
        return done


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
