"""One task at work: the chat model is asked, its tools run, until there is a result."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from ..conversation.values import ResponseUsage, ToolCall, ToolDefinition
from ..errors import ToolArgumentsError
from ..tools import Tools
from .chat import ChatMessage, ChatModel, ModelMessage, ToolMessage, UserMessage
from .liaison import Liaison
from .own_tools import CLARIFYING, NOTED, UPDATED, OwnTool, OwnTools
from .results import Checkpoint, SubAgentResult, SubAgentStatus

_SILENT: Final = "You said nothing. Go on with the task; when it is finished, call {done} with the result."


@dataclass(slots=True)
class _Step:
    """What the own tools in one message of the model ask for."""

    result: str | None = None
    questions: list[str] = field(default_factory=list)
    open_calls: list[str] = field(default_factory=list)


class Run:
    """Works on a task from a checkpoint without open calls; used once.

    `tools` is asked before each step, as servers of tools come and go.
    """

    def __init__(
        self,
        llm: ChatModel,
        tools: Callable[[], Tools],
        own: OwnTools,
        liaison: Liaison,
        start: Checkpoint,
    ) -> None:
        self._llm = llm
        self._offered = tools
        self._own = own
        self._liaison = liaison
        self._task = start.task
        self._messages: list[ChatMessage] = list(start.messages)
        self._respond = True
        self.usage = ResponseUsage()

    async def execute(self, max_iterations: int) -> SubAgentResult:
        """Work to the end. Raises the errors of the chat model."""
        for _ in range(max_iterations):
            self._read_updates()
            tools = self._offered()
            answer = await self._llm.complete(tuple(self._messages), self._definitions(tools))
            self.usage += answer.usage
            self._liaison.spent(answer.usage)
            self._messages.append(answer.message)
            result = await self._act(answer.message, tools)
            if result is not None:
                return replace(result, usage=self.usage)
        message = f"The task was not finished within {max_iterations} steps"
        return SubAgentResult(SubAgentStatus.STEP_LIMIT, message, self.usage)

    def _definitions(self, tools: Tools) -> tuple[ToolDefinition, ...]:
        others = (tool for tool in tools.definitions() if tool.name not in self._own.by_name)
        return (*others, *self._own.definitions())

    def _read_updates(self) -> None:
        if updates := self._liaison.take_updates():
            self._say("\n".join(f"<update>\n{update}\n</update>" for update in updates))

    def _say(self, text: str) -> None:
        """Tell the model something; two messages of the user in a row are one, as some chat templates want it."""
        last = self._messages[-1]
        if isinstance(last, UserMessage):
            self._messages[-1] = UserMessage(f"{last.text}\n{text}")
        else:
            self._messages.append(UserMessage(text))

    async def _act(self, message: ModelMessage, tools: Tools) -> SubAgentResult | None:
        if not message.calls:
            return self._spoken(message.text.strip())
        others = [call for call in message.calls if call.name not in self._own.by_name]
        outputs = await self._run_tools(others, tools)
        step = _Step()
        for call in message.calls:
            own = self._own.by_name.get(call.name)
            output = outputs[call.call_id] if own is None else self._take(own, call, step)
            if output is not None:
                self._messages.append(ToolMessage(call.call_id, output))
        return self._settled(step)

    def _spoken(self, text: str) -> SubAgentResult | None:
        """Text without calls is the result."""
        if not text:
            self._say(_SILENT.format(done=self._own.name(OwnTool.DONE)))
        return self._done(text) if text and not self._liaison.has_updates else None

    def _take(self, own: OwnTool, call: ToolCall, step: _Step) -> str | None:
        """Note what an own tool is told, and answer it; a question is answered by the user, later."""
        try:
            text = own.text_of(call)
        except ToolArgumentsError as err:
            return str(err)
        match own:
            case OwnTool.REPORT_PROGRESS:
                self._liaison.report(text)
                return NOTED
            case OwnTool.CLARIFY:
                step.questions.append(text)
                step.open_calls.append(call.call_id)
                return None
            case OwnTool.DONE:
                step.result = text
                return UPDATED if self._liaison.has_updates else CLARIFYING
            case _:
                assert_never(own)

    def _settled(self, step: _Step) -> SubAgentResult | None:
        if step.questions:
            checkpoint = Checkpoint(self._task, tuple(self._messages), tuple(step.open_calls))
            question = " ".join(step.questions)
            return SubAgentResult(SubAgentStatus.CLARIFICATION_NEEDED, question, checkpoint=checkpoint)
        if step.result is None or self._liaison.has_updates:
            return None
        return self._done(step.result)

    def _done(self, message: str) -> SubAgentResult:
        return SubAgentResult(SubAgentStatus.DONE, message, respond=self._respond)

    async def _run_tools(self, calls: list[ToolCall], tools: Tools) -> dict[str, str]:
        """Run the calls side by side; whatever happens, each has an output."""
        if not calls:
            return {}
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(self._run_tool(call, tools), name=f"tool {call.name}") for call in calls]
        finished = [task.result() for task in running]
        self._respond = any(respond for _, respond in finished)
        return {call.call_id: output for call, (output, _) in zip(calls, finished, strict=True)}

    async def _run_tool(self, call: ToolCall, tools: Tools) -> tuple[str, bool]:
        if (status := tools.status_of(call)) is not None:
            self._liaison.report(status)
        outcome = await tools.run(call)
        how = f"\n\n[How to speak about it: {outcome.instruction}]" if outcome.instruction else ""
        return outcome.output + how, outcome.respond or not outcome.ok
