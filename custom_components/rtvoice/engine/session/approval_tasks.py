"""Decides about calls of the provider side by side, each as a task of the session."""

import asyncio
import logging
from collections.abc import Callable

from ..conversation.facts import Fact
from ..conversation.remote_facts import ApprovalDecided
from ..conversation.values import ApprovalRequest
from ..ports import Approver

_LOGGER = logging.getLogger(__name__)

APPROVAL_S = 60.0
"""A call about which nobody has decided by then is refused."""


class ApprovalTasks:
    """What is being decided. A decision is posted for every request, also when it is cancelled: then a refusal."""

    def __init__(self, approver: Approver, tasks: asyncio.TaskGroup, post: Callable[[Fact], None]) -> None:
        self._approver = approver
        self._tasks = tasks
        self._post = post
        self._running: dict[str, asyncio.Task[None]] = {}

    def start(self, request: ApprovalRequest) -> None:
        """Decide about a call."""
        task = self._tasks.create_task(self._run(request), name=f"rtvoice approval {request.name}")
        self._running[request.request_id] = task
        task.add_done_callback(lambda _: self._running.pop(request.request_id, None))

    def cancel(self, request_id: str) -> None:
        """Stop deciding, if that is going on."""
        if (task := self._running.get(request_id)) is not None:
            task.cancel()

    def cancel_all(self) -> None:
        """Stop deciding about anything."""
        for task in tuple(self._running.values()):
            task.cancel()

    async def _run(self, request: ApprovalRequest) -> None:
        approved = False
        try:
            async with asyncio.timeout(APPROVAL_S):
                approved = await self._approver.approves(request)
        except Exception as err:
            # The class only: the text may hold anything, from arguments to keys.
            _LOGGER.warning("Nobody decided about %s (%s), so it is refused", request.name, type(err).__name__)
            _LOGGER.debug("Traceback of the decision about %s", request.name, exc_info=err)
        finally:
            self._post(ApprovalDecided(request.request_id, approved))
