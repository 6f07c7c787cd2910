"""The live session of an exchange: one agent's engine between a pipeline's microphone and its speaker."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, override

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import llm

from ...const import DOMAIN
from ...engine import AgentState, RealtimeAgent
from ...engine.events import AgentStateChangedEvent, SessionEvent, UserStoppedSpeakingEvent
from ...engine.options import PushToTalk
from ..backing import async_backing
from ..compose import async_brief, llm_context_of, piped_agent
from ..equipment import async_prepare
from ..errors import failed
from ..history import async_chat_log, history_of
from ..parties import Agent
from ..prompt import Occasion
from ..provider import Provider
from ..register import Register
from ..session import Session
from .caller import Caller
from .elsewhere import async_elsewhere
from .microphone import PipelineMicrophone
from .speaker import PipelineSpeaker

_LINK: Final = frozenset({AgentState.CONNECTING, AgentState.RECONNECTING})
"""What may be seen of an agent between two runs, in which nobody is heard."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Who is told what happens on a line."""

    receive: Callable[[SessionEvent], Awaitable[None]]
    admit: Callable[[], Awaitable[bool]]
    """Whether the agent may do something now."""
    closed: Callable[[], None]


class Line(Session):
    """A session that hears only while a pipeline runs, and speaks to whoever fetches its voice."""

    def __init__(
        self,
        hass: HomeAssistant,
        provider: Provider,
        agent: Agent,
        caller: Caller,
        conversation_id: str,
        *,
        answers_turns: bool,
        register: Register,
        ends: Ends,
    ) -> None:
        venue = async_elsewhere(hass, caller)
        super().__init__(hass, provider, agent, venue, caller.context, parties=(agent,), ended=register.conclude)
        self.caller = caller
        self.answers_turns = answers_turns
        """Whether the provider answers a turn by itself where it finds its end."""
        self.microphone = PipelineMicrophone()
        self.speaker = PipelineSpeaker(hass.loop.time)
        self.instructions = ""
        """What the agent is told."""
        self.known_entries = 0
        """Up to where what the chat log holds was known to the agent when it began."""
        self._conversation_id = conversation_id
        self._register = register
        self._ends = ends
        self._attended = False
        self._listening = False

    @property
    @override
    def name(self) -> str:
        return f"{DOMAIN} exchange with {self.agent.title}"

    @property
    def api(self) -> llm.APIInstance | None:
        """The LLM APIs that the agent may use."""
        return self._toolbox.api if self._toolbox is not None else None

    @property
    def failure(self) -> HomeAssistantError:
        """Why it is of no use, once it has ended."""
        return self.error or failed("stopped")

    @override
    def begin(self) -> None:
        self._register.enter(self)
        super().begin()

    async def async_wait_ready(self) -> None:
        """Wait until the agent hears. Raises HomeAssistantError if it never will, or not any more."""
        await self._begun.wait()
        if not self.live:
            raise self.failure

    async def async_silence(self) -> None:
        """Have the agent fall silent, if it is at work."""
        if self._engine is not None:
            await self._engine.interrupt()

    def attend(self) -> None:
        """A run begins to listen."""
        self._attended = self._listening = True
        # Where the provider hears the beginning of speech, it is told from there.
        speaking = not self.agent.options.own_endpointing
        self._show(AgentState.LISTENING, user_speaking=speaking)
        if speaking:
            self._herald.user_started_speaking()

    def heard_out(self) -> None:
        """What is said in the run is complete; where the provider hears its end, that is told from there."""
        self._listening = False
        self.timings.user_stopped()
        self._show(AgentState.THINKING)

    def leave(self) -> None:
        """Nobody listens or speaks any more, until the next run."""
        self._attended = self._listening = False
        self._show(AgentState.IDLE)

    @override
    async def _compose(self) -> RealtimeAgent:
        hass, agent = self._hass, self.agent
        log = async_chat_log(hass, self._conversation_id)
        history = list(history_of(log.content)) if log is not None else []
        self.known_entries = len(log.content) if log is not None else 0
        llm_context = llm_context_of(hass, agent, self.caller.device_id, self.context)
        briefing = await async_brief(hass, agent, Occasion(llm_context, conversation_id=self._conversation_id))
        self._toolbox, self.instructions = briefing.toolbox, briefing.instructions
        toolbox = briefing.toolbox
        self.observer.call_tools_by(toolbox.names)
        if toolbox.guard is not None:
            toolbox.guard.admit = self._ends.admit
        engine = piped_agent(
            agent,
            self._provider,
            briefing,
            [toolbox.hide_in(turn) for turn in history],
            (self.microphone, self.speaker),
            turn_detection=agent.options.turn_detection if agent.options.own_endpointing else PushToTalk(),
            answers_turns=self.answers_turns,
            backing=async_backing(
                hass, agent, self._ledger, recorded_at=self.venue if agent.options.recording else None
            ),
        )
        await async_prepare(engine, briefing.equipment)
        return engine

    @override
    def _heard(self, event: SessionEvent) -> SessionEvent:
        match event:
            case UserStoppedSpeakingEvent():
                self._listening = False
            case AgentStateChangedEvent(state=state) if not self._attended and state not in _LINK:
                return replace(event, state=AgentState.IDLE.value)
            case AgentStateChangedEvent(state=AgentState.LISTENING) if self._attended and not self._listening:
                # It would hear, but nobody brings anything before the next run.
                return replace(event, state=self.observer.snapshot.status.value)
            case _:
                pass
        return event

    @override
    async def _seen(self, event: SessionEvent) -> None:
        await self._ends.receive(event)

    @override
    def _closed(self) -> None:
        self._ends.closed()

    def _show(self, status: AgentState, *, user_speaking: bool = False) -> None:
        if not self._over.is_set():
            self.observer.show(replace(self.observer.snapshot, status=status, user_speaking=user_speaking))
