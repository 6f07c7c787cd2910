"""Work that begins at once: waking a task for what takes no time would cost more than the work."""

import asyncio
from collections.abc import Coroutine
from typing import Any


def begin(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Begin work in this very step of the event loop; what needs to wait for nothing is done when this returns."""
    return asyncio.Task(work, loop=asyncio.get_running_loop(), name=name, eager_start=True)


def succeeded(work: asyncio.Task[None]) -> bool:
    """Whether work is done and did not fail."""
    return work.done() and not work.cancelled() and work.exception() is None
