"""An agent that works in text on a task and returns."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from ..errors import ConfigurationError, EngineError
from ..mcp import MCPServer, MCPTools
from ..skills import Skill, SkillTools
from ..tools import ToolContext, Tools
from .chat import ChatModel, SystemMessage, UserMessage
from .liaison import Liaison
from .naming import tool_name
from .own_tools import OwnTools
from .prompts import failure_text, system_prompt, task_prompt
from .results import Checkpoint, SubAgentResult, SubAgentStatus
from .run import Run

_LOGGER = logging.getLogger(__name__)

type _Start = Callable[[OwnTools], Checkpoint]

DEFAULT_TIMEOUT_S: Final = 300.0


class SubAgent:
    """An agent that a voice agent gives tasks to: with its own chat model, instructions, tools, servers and skills.

    `handoff_instructions` tell the voice agent when to use it and what to pass, `result_instructions` how to speak
    about a result, `holding_instruction` how to bridge the time until then. `context` is what its tools find first by
    `Inject[T]`, before all that the voice agent's tools find. With `fire_and_forget` the voice agent goes on at once
    and is told the result when it is there. A task may take `max_iterations` answers of the model and `timeout`
    seconds.

    Belongs to one voice agent at a time. Raises ConfigurationError for settings it cannot work with.
    """

    def __init__(
        self,
        name: str,
        description: str,
        instructions: str,
        llm: ChatModel | None = None,
        *,
        tools: Tools | None = None,
        mcp_servers: Sequence[MCPServer] = (),
        skills: Sequence[Skill] = (),
        max_iterations: int = 10,
        handoff_instructions: str | None = None,
        result_instructions: str | None = None,
        holding_instruction: str | None = None,
        context: object = None,
        fire_and_forget: bool = False,
        timeout: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        if not name.strip():
            raise ConfigurationError("A subagent needs a name")
        if llm is None:
            raise ConfigurationError(f"Subagent '{name}' needs a chat model: give llm, such as an OpenAIChatModel")
        if max_iterations < 1:
            raise ConfigurationError(f"Subagent '{name}': max_iterations must be 1 or more, not {max_iterations}")
        if not timeout > 0:
            raise ConfigurationError(f"Subagent '{name}': its timeout must be above 0, not {timeout}")
        self.name = name
        self.description = description
        self.llm = llm
        self.max_iterations = max_iterations
        self.handoff_instructions = handoff_instructions
        self.result_instructions = result_instructions
        self.holding_instruction = holding_instruction
        self.fire_and_forget = fire_and_forget
        self.timeout_s = timeout
        self._instructions = instructions
        self._context = context
        self._tools = (tools or Tools()).clone()
        self._skills = SkillTools(skills)
        try:
            self._skills.register(self._tools)
        except ValueError as err:
            raise ConfigurationError(f"Subagent '{name}': {err}") from err
        self._servers = MCPTools(tuple(mcp_servers), self._tools) if mcp_servers else None

    @property
    def tool_name(self) -> str:
        """What the tool is called that gives it a task."""
        return tool_name(self.name)

    async def prewarm(self) -> None:
        """Connect its servers and prepare its chat model. Never raises; may be repeated."""
        await asyncio.gather(self.llm.prewarm(), self._connect_servers())

    async def run(
        self, task: str, *, history: str = "", dependencies: ToolContext | None = None, liaison: Liaison | None = None
    ) -> SubAgentResult:
        """Work on a task, knowing what was said before. Raises nothing, but CancelledError when it is cancelled."""

        def start(own: OwnTools) -> Checkpoint:
            system = SystemMessage(system_prompt(self._instructions, own, self._skills.index))
            return Checkpoint(task, (system, UserMessage(task_prompt(task, history))))

        return await self._work(start, dependencies, liaison or Liaison())

    async def resume(
        self,
        checkpoint: Checkpoint,
        answer: str,
        *,
        dependencies: ToolContext | None = None,
        liaison: Liaison | None = None,
    ) -> SubAgentResult:
        """Go on with a task that needed the user's answer, with all its steps and all its time. Raises as `run`."""
        return await self._work(lambda _: checkpoint.answered(answer), dependencies, liaison or Liaison())

    async def close(self) -> None:
        """Close its servers and its chat model. Idempotent; it can work again afterwards."""
        try:
            if self._servers is not None:
                await self._servers.close()
        finally:
            await self.llm.close()

    async def _work(self, start: _Start, dependencies: ToolContext | None, liaison: Liaison) -> SubAgentResult:
        run: Run | None = None
        status, message = SubAgentStatus.FAILED, ""
        deadline = asyncio.timeout(self.timeout_s)
        try:
            async with deadline:
                await self._connect_servers()
                offered = partial(self._offered, dependencies, liaison)
                own = OwnTools.beside(offered().names(), reports=liaison.on_progress is not None)
                run = Run(self.llm, offered, own, liaison, start(own))
                return await run.execute(self.max_iterations)
        except Exception as err:
            if deadline.expired() and not isinstance(err, EngineError):
                status, message = SubAgentStatus.TIMED_OUT, f"it did not finish within {self.timeout_s:g} s"
            else:
                _LOGGER.warning("Subagent %s failed: %s", self.name, type(err).__name__)
                _LOGGER.debug("Traceback of subagent %s", self.name, exc_info=err)
                message = failure_text(err)
        result = SubAgentResult(status, f"The task was not finished: {message}")
        return result if run is None else replace(result, usage=run.usage)

    def _offered(self, dependencies: ToolContext | None, liaison: Liaison) -> Tools:
        """Its tools as they are now, to be filled and to report for one task."""
        tools = self._tools.clone()
        tools.set_context(ToolContext(self._context, self._tools.context, dependencies))
        tools.on_progress = lambda _, text: liaison.report(text)
        return tools

    async def _connect_servers(self) -> None:
        if self._servers is not None:
            await self._servers.start()
