"""An event loop whose clock jumps to the next timer, so that tests of time take none."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import override


class _JumpingSelector(selectors.SelectSelector):
    """Never sleeps: moves the loop's clock on by as long as it should have slept."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        if not ready and timeout > 0:
            self.now_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time. Work for threads is done at once, in place: no time passes meanwhile."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    @override
    def time(self) -> float:
        return self._jumping.now_s

    @override
    def run_in_executor[T](  # type: ignore[override]  # a future of this loop, done already
        self, executor: object, func: Callable[..., T], *args: object
    ) -> asyncio.Future[T]:
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as err:  # noqa: BLE001 - it belongs to whoever awaits the future
            done.set_exception(err)
        return done


def run[T](main: Coroutine[object, object, T]) -> T:
    """Run to the end in virtual time; fails if a task is left behind."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:

        async def checked() -> T:
            try:
                return await main
            finally:
                await asyncio.sleep(0)
                left = asyncio.all_tasks() - {asyncio.current_task()}
                assert not left, f"tasks left behind: {[task.get_name() for task in left]}"

        return runner.run(checked())
