"""How a session of the engine is ended, whoever has it run."""

import asyncio
import logging
from typing import Final

from ..engine import RealtimeAgent
from ..engine.errors import EndReason

_LOGGER = logging.getLogger(__name__)

STOP_TIMEOUT_S: Final = 5.0
"""How long a session may take to end in good order before it is cancelled, and then to be gone."""


async def async_end(
    task: asyncio.Task[None], engine: RealtimeAgent | None, name: str, reason: EndReason = EndReason.STOPPED
) -> None:
    """End the task that runs `engine`, or has yet to make one, and wait until nothing of it is left.

    Never waits longer than twice STOP_TIMEOUT_S, whatever a tool or a device clings to.
    """
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            if engine is None:
                task.cancel()
            else:
                await engine.stop(reason=reason)
            await asyncio.wait((task,))
    except TimeoutError:
        _LOGGER.warning("The %s did not end in time and was cancelled", name)
        task.cancel()
        await asyncio.wait((task,), timeout=STOP_TIMEOUT_S)
