"""Runs tool calls side by side, each as a task of the session."""

import asyncio
from collections.abc import Callable

from ..conversation.facts import Fact, ToolCallFinished, ToolProgressed
from ..conversation.values import ToolCall, ToolOutcome
from ..ports import ToolRunner

CANCELLED = ToolOutcome(
    '{"error":"cancelled","error_text":"The call was cancelled; it may not have been carried out."}',
    ok=False,
    respond=False,
)


STATUS_AFTER_S = 4.0
"""A call that takes longer than this is spoken about, if it has a status to speak of."""


class ToolTasks:
    """The running calls. A result is posted for every one of them, also when it is cancelled."""

    def __init__(self, runner: ToolRunner, tasks: asyncio.TaskGroup, post: Callable[[Fact], None]) -> None:
        self._runner = runner
        self._tasks = tasks
        self._post = post
        self._running: dict[str, asyncio.Task[None]] = {}

    def start(self, call: ToolCall) -> None:
        """Run a call, from this very step on: every turn of the event loop is one more that the user waits."""
        task = self._tasks.create_task(self._run(call), name=f"rtvoice tool {call.name}", eager_start=True)
        self._running[call.call_id] = task
        task.add_done_callback(lambda _: self._running.pop(call.call_id, None))

    def cancel(self, call_id: str) -> None:
        """Stop a call, if it runs."""
        if (task := self._running.get(call_id)) is not None:
            task.cancel()

    def cancel_all(self) -> None:
        """Stop all calls."""
        for task in tuple(self._running.values()):
            task.cancel()

    async def _run(self, call: ToolCall) -> None:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        outcome = CANCELLED
        status = self._runner.status_of(call)
        telling = None if status is None else loop.call_later(STATUS_AFTER_S, self._tell, call.call_id, status)
        try:
            outcome = await self._runner.run(call)
        finally:
            if telling is not None:
                telling.cancel()
            self._post(ToolCallFinished(call.call_id, outcome, loop.time() - started_s))

    def _tell(self, call_id: str, status: str) -> None:
        self._post(ToolProgressed(call_id, status))
