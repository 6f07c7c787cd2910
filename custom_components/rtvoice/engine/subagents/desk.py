"""Where one subagent gets its tasks, one at a time."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Final

from ..conversation.values import ResponseUsage
from ..events import SessionEvent, SubAgentFinishedEvent, SubAgentStartedEvent
from ..history import ConversationHistory
from ..tools import ActionResult, ToolContext
from .liaison import Liaison, tell
from .prompts import answered_task, resume_instruction
from .results import Checkpoint, SubAgentResult, SubAgentStatus
from .subagent import SubAgent

_MAX_REPORTS: Final = 20
_END_S: Final = 5.0
"""How long the end of a cancelled task is waited for, where somebody waits."""

type _Task = Annotated[str, "What is to be done, with all that is known about it"]
type _Answer = Annotated[str | None, "The user's answer, only if this tool has asked a question; never made up"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Whom a desk asks and tells."""

    context: Callable[[], ToolContext]
    """What the voice agent's tools are filled from."""
    publish: Callable[[SessionEvent], None]
    on_occupied: Callable[[], None]
    """A task begins or has ended."""
    on_report: Callable[[str], None] | None = None
    """What came of a task that nobody waited for."""
    on_usage: Callable[[str, str, ResponseUsage], None] | None = None
    """Subagent, model, tokens."""


class Desk:
    """A subagent with the task that it works on, or the one that waits for the user's answer."""

    def __init__(self, subagent: SubAgent, around: Surroundings) -> None:
        self.subagent = subagent
        self._around = around
        self._work: _Work | None = None
        self._checkpoint: Checkpoint | None = None

    @property
    def occupied(self) -> bool:
        """Whether a task is worked on."""
        return self._work is not None

    async def hand_off(self, task: _Task, clarification_answer: _Answer = None) -> AsyncGenerator[object]:
        """Give it a task; yields its progress and, last, what came of it."""
        if self._work is not None:
            yield ActionResult.fail(
                f"'{self.subagent.name}' is still at work on another task. Wait for its result, tell it what is new, "
                "or cancel it first."
            )
        elif self.subagent.fire_and_forget:
            self._begin(task, clarification_answer)
            yield ActionResult.success({"status": "started", "note": "You will be told the result when it is there."})
        else:
            work = self._begin(task, clarification_answer)
            try:
                while (report := await work.next_report()) is not None:
                    yield report
            finally:
                await work.stop()
            yield self._outcome(work)

    def tell(self, update: str) -> None:
        """Tell the subagent at work something new."""
        if self._work is not None:
            self._work.liaison.tell(update)

    async def cancel(self) -> None:
        """Stop the work and forget what waits for an answer. The call that gave the task is answered."""
        self._checkpoint = None
        if self._work is not None:
            await self._work.stop(_END_S)

    def _begin(self, task: str, answer: str | None) -> _Work:
        checkpoint, self._checkpoint = self._checkpoint, None
        work = self._work = _Work(task, self._spent, reports=not self.subagent.fire_and_forget)
        context, given = self._around.context(), (answer or "").strip()
        if checkpoint is not None and given:
            running = self.subagent.resume(checkpoint, given, dependencies=context, liaison=work.liaison)
        else:
            asked = answered_task(task, given) if given else task
            running = self.subagent.run(asked, history=_history(context), dependencies=context, liaison=work.liaison)
        tell(self._around.publish, SubAgentStartedEvent(self.subagent.name))
        work.start(running, f"rtvoice subagent {self.subagent.name}", self._ended)
        self._around.on_occupied()
        return work

    def _spent(self, usage: ResponseUsage) -> None:
        if self._around.on_usage is not None:
            self._around.on_usage(self.subagent.name, self.subagent.llm.model, usage)

    def _ended(self, work: _Work) -> None:
        self._work = None
        result = work.result
        if result is not None:
            self._checkpoint = result.checkpoint
        tell(self._around.publish, SubAgentFinishedEvent(self.subagent.name))
        self._around.on_occupied()
        if self.subagent.fire_and_forget and result is not None and result.respond:
            tell(self._around.on_report, self._report(work.task_text, result))

    def _outcome(self, work: _Work) -> ActionResult:
        """What the voice agent is told as the result of its call."""
        result, name = work.result, self.subagent.tool_name
        if result is None:
            # Whoever cancels says so to the user.
            respond = False if work.stopped else None
            return ActionResult.fail(
                f"'{self.subagent.name}' was cancelled; the task was not finished", respond=respond
            )
        if result.status is SubAgentStatus.CLARIFICATION_NEEDED:
            how = resume_instruction(name)
            value = {"status": result.status.value, "question": result.message, "how_to_go_on": how}
            return ActionResult.success(value, instruction=how)
        value = {"status": result.status.value, "result": result.message}
        return ActionResult(value, ok=result.ok, respond=None if result.respond else False)

    def _report(self, task: str, result: SubAgentResult) -> str:
        """What the voice agent is told of a task that it did not wait for."""
        lines = [f"'{self.subagent.name}' has worked on this task: {task}"]
        if result.status is SubAgentStatus.CLARIFICATION_NEEDED:
            lines += [f"It has a question: {result.message}", resume_instruction(self.subagent.tool_name)]
        else:
            lines.append(f"Status: {result.status.value}. Result: {result.message}")
            if result.ok and self.subagent.result_instructions:
                lines.append(self.subagent.result_instructions)
        return "\n".join(lines)


class _Work:
    """A task that is worked on. At most 20 reports wait, of more the oldest are dropped."""

    def __init__(self, task_text: str, on_usage: Callable[[ResponseUsage], None], *, reports: bool) -> None:
        self.task_text = task_text
        self.liaison = Liaison(on_progress=self._reported if reports else None, on_usage=on_usage)
        self._reports: deque[str] = deque(maxlen=_MAX_REPORTS)
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[SubAgentResult] | None = None
        self.stopped = False
        """Whether it was cancelled before it had ended."""

    @property
    def result(self) -> SubAgentResult | None:
        """What came of it; None while it is worked on, and if it was cancelled."""
        return None if self._task is None or not self._task.done() or self._task.cancelled() else self._task.result()

    def start(self, running: Coroutine[None, None, SubAgentResult], name: str, on_end: Callable[[_Work], None]) -> None:
        """Begin; `on_end` is called when it has ended, however it ended."""
        self._task = asyncio.create_task(running, name=name)
        self._task.add_done_callback(lambda _: on_end(self))
        self._task.add_done_callback(lambda _: self._arrived.set())

    async def next_report(self) -> str | None:
        """The next report, None when the work has ended and all were read."""
        while not self._reports:
            if self._task is None or self._task.done():
                return None
            self._arrived.clear()
            await self._arrived.wait()
        return self._reports.popleft()

    async def stop(self, patience_s: float | None = None) -> None:
        """Cancel it and wait until it has ended."""
        if self._task is not None and not self._task.done():
            self.stopped = True
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=patience_s)

    def _reported(self, text: str) -> None:
        self._reports.append(text)
        self._arrived.set()


def _history(context: ToolContext) -> str:
    history = context.find((ConversationHistory,))
    return history.format() if isinstance(history, ConversationHistory) and history.turns else ""
