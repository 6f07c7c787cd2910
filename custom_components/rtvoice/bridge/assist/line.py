"""The live session of an exchange: one agent's engine between a pipeline's microphone and its speaker."""

import asyncio
from collections.abc import Awaitable, Callable

from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.ulid import ulid_now

from ...const import DOMAIN
from ...engine import RealtimeAgent
from ...engine.errors import EndReason, SessionClosedError
from ...engine.events import AgentErrorEvent, AgentSessionConnectedEvent, SessionEvent
from ...engine.options import PushToTalk
from ..backing import async_backing
from ..compose import async_brief, llm_context_of, piped_agent
from ..ending import async_end
from ..equipment import async_prepare
from ..errors import end_reason_of, failed, react, told_errors
from ..history import async_chat_log, history_of
from ..occurrences import Occurrence, OccurrenceType
from ..parties import Agent
from ..prompt import Occasion
from ..provider import Provider
from ..tab import Tab
from ..tools import Toolbox
from .caller import Caller
from .microphone import PipelineMicrophone
from .speaker import PipelineSpeaker


class Line:
    """From the wish for it to its end, of which `ended` is told; then nothing of it is left open."""

    def __init__(
        self,
        hass: HomeAssistant,
        provider: Provider,
        agent: Agent,
        caller: Caller,
        *,
        conversation_id: str,
        receive: Callable[[SessionEvent], Awaitable[None]],
        admit: Callable[[], Awaitable[bool]],
        ended: Callable[[], None],
    ) -> None:
        self.line_id = ulid_now()
        self.caller = caller
        self.context = Context(user_id=caller.context.user_id, parent_id=caller.context.id)
        """Of all that the agent does in it."""
        self.microphone = PipelineMicrophone()
        self.speaker = PipelineSpeaker(hass.loop.time)
        self.toolbox: Toolbox | None = None
        self.instructions = ""
        """What the agent is told."""
        self.known_entries = 0
        """Up to where what the chat log holds was known to the agent when it began."""
        self.error: HomeAssistantError | None = None
        """Why it is of no use, once it has ended."""
        self.complaint: str | None = None
        """What was last told of as an error."""
        self._hass = hass
        self._provider = provider
        self._agent = agent
        self._conversation_id = conversation_id
        self._receive_event = receive
        self._admit = admit
        self._ended = ended
        self._ledger = agent.entry.runtime_data.ledger
        self._tab = Tab(hass, agent, self._ledger)
        self._engine: RealtimeAgent | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()

    @property
    def name(self) -> str:
        """For logs and tasks."""
        return f"{DOMAIN} exchange with {self._agent.title}"

    @property
    def connected(self) -> bool:
        """Whether the agent hears."""
        return self._begun.is_set() and self.error is None

    def begin(self) -> None:
        """Set out."""
        self._task = self._agent.entry.async_create_background_task(self._hass, self._run(), self.name)

    async def wait_ready(self) -> None:
        """Wait until the agent hears. Raises HomeAssistantError if it never will."""
        await self._begun.wait()
        if self.error is not None:
            raise self.error

    def live(self) -> RealtimeAgent:
        """The agent at work. Raises SessionClosedError if it is not, or not any more."""
        if self._engine is None or self.error is not None:
            raise SessionClosedError(EndReason.STOPPED)
        return self._engine

    async def async_silence(self) -> None:
        """Have the agent fall silent, if it is at work."""
        if self._engine is not None:
            await self._engine.interrupt()

    async def async_apply_mute(self) -> None:
        """Hear, or do not, as the agent's switch says."""
        if self._engine is not None:
            await self._engine.set_muted(self._agent.muted)

    async def async_close(self) -> None:
        """End it and wait until nothing of it is left. Idempotent."""
        if self._task is not None and not self._task.done():
            await async_end(self._task, self._engine, self.name)

    async def _run(self) -> None:
        try:
            with told_errors(self.name, self._failed):
                self._engine = engine = await self._compose()
                await self.async_apply_mute()
                result = await engine.run()
                self._tab.settle(result.usage)
                react(self._hass, self._agent.entry, EndReason(result.end_reason))
        finally:
            self._end()

    async def _compose(self) -> RealtimeAgent:
        hass, agent = self._hass, self._agent
        log = async_chat_log(hass, self._conversation_id)
        history = list(history_of(log.content)) if log is not None else []
        self.known_entries = len(log.content) if log is not None else 0
        llm_context = llm_context_of(hass, agent, self.caller.device_id, self.context)
        briefing = await async_brief(hass, agent, Occasion(llm_context, conversation_id=self._conversation_id))
        self.toolbox, self.instructions = briefing.toolbox, briefing.instructions
        toolbox = briefing.toolbox
        if toolbox.guard is not None:
            toolbox.guard.admit = self._admit
        engine = piped_agent(
            agent,
            self._provider,
            briefing,
            [toolbox.hide_in(turn) for turn in history],
            (self.microphone, self.speaker),
            turn_detection=agent.options.turn_detection if agent.options.own_endpointing else PushToTalk(),
            backing=async_backing(hass, agent, self._ledger, None, None),
        )
        engine.event_bus.subscribe(SessionEvent, self._receive)
        await async_prepare(engine, briefing.equipment)
        return engine

    async def _receive(self, event: SessionEvent) -> None:
        if self.toolbox is not None:
            event = self.toolbox.hide(event)
        self._tab.receive(event)
        if isinstance(event, AgentErrorEvent):
            self.complaint = event.error.message
        if isinstance(event, AgentSessionConnectedEvent) and not self._begun.is_set():
            self._tell(OccurrenceType.SESSION_STARTED)
            self._begun.set()
        await self._receive_event(event)

    def _failed(self, err: HomeAssistantError) -> None:
        self.error = err
        cause, reason = err.__cause__, end_reason_of(err)
        react(self._hass, self._agent.entry, reason)
        if self.complaint != str(cause):
            error = {"error_type": reason.value, "message": str(cause or err)}
            self._agent.activity.tell(Occurrence(OccurrenceType.ERROR, error, self.context))

    def _end(self) -> None:
        if self._begun.is_set():
            self._tell(OccurrenceType.SESSION_ENDED)
        self.error = self.error or failed("stopped")
        self._begun.set()
        self._ended()

    def _tell(self, kind: OccurrenceType) -> None:
        self._agent.activity.tell(Occurrence(kind, {"session_id": self.line_id}, self.context))
