"""A live session behind the runs of an Assist pipeline: one conversation of one person at one place with one agent."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, Final

from homeassistant.components.conversation import ChatLog
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import llm
from homeassistant.util.ulid import ulid_now

from ...compat import make_llm_context
from ...const import DOMAIN
from ...engine import AgentState, RealtimeAgent
from ...engine.errors import EndReason, EngineError, SessionClosedError
from ...engine.events import AgentSessionConnectedEvent, AssistantStartedRespondingEvent, SessionEvent
from ...engine.options import PushToTalk
from ..backing import async_backing
from ..compose import async_brief, piped_agent
from ..deltas import Delta
from ..equipment import async_prepare
from ..errors import engine_errors, failed, react
from ..history import async_chat_log, history_of
from ..observer import Observer
from ..occurrences import Occurrence, OccurrenceType
from ..parties import Agent
from ..prompt import Occasion
from ..provider import Provider
from ..tab import Tab
from ..tools import Toolbox
from .caller import Caller, Wish
from .microphone import PipelineMicrophone
from .speaker import PipelineSpeaker
from .turn import Turn
from .utterance import Ear

_LOGGER = logging.getLogger(__name__)

CLAIM_TIMEOUT_S: Final = 10.0
"""How long Home Assistant may take to understand by itself what was said before the agent answers in vain."""
FETCH_TIMEOUT_S: Final = 10.0
"""How long a satellite may take to begin to play."""
STOP_TIMEOUT_S: Final = 5.0

_MEANWHILE: Final = "Meanwhile, without you, this was said in the conversation:\n{said}"


class Exchange:
    """Goes from turn to turn until it is closed or fails; then `ended` is called, and nothing of it is left open."""

    def __init__(
        self,
        hass: HomeAssistant,
        provider: Provider,
        agent: Agent,
        conversation_id: str,
        caller: Caller,
        *,
        ended: Callable[[Exchange], None],
    ) -> None:
        self.exchange_id = ulid_now()
        self.agent = agent
        self.conversation_id = conversation_id
        self.caller = caller
        self.context = Context(user_id=caller.context.user_id, parent_id=caller.context.id)
        """Of all that the agent does in it."""
        self._hass = hass
        self._provider = provider
        self._ended = ended
        self._ledger = agent.entry.runtime_data.ledger
        self._tab = Tab(hass, agent, self._ledger)
        self._microphone = PipelineMicrophone()
        self._speaker = PipelineSpeaker(hass.loop.time)
        self._toolbox: Toolbox | None = None
        self._engine: RealtimeAgent | None = None
        self._task: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()
        self._error: HomeAssistantError | None = None
        self._turn: Turn | None = None
        self._known = 0
        self._extra = ""
        self._instructions = ""
        self.over = False
        """Whether it is of no more use."""
        self.gone = False
        """Whether nothing of it is left."""

    @property
    def name(self) -> str:
        """For logs and tasks."""
        return f"{DOMAIN} exchange with {self.agent.title}"

    @property
    def instructions(self) -> str:
        """What the agent is told."""
        return self._instructions

    @property
    def api(self) -> llm.APIInstance | None:
        """The LLM APIs that it may use."""
        return self._toolbox.api if self._toolbox is not None else None

    def begin(self) -> None:
        """Set out."""
        self._task = self.agent.entry.async_create_background_task(self._hass, self._run(), self.name)

    async def async_hear(self, stream: AsyncIterable[bytes], caller: Caller, wish: Wish) -> str:
        """Begin a turn: let the agent hear what is said; returns it as text, empty if nothing was said.

        What was being said until now is interrupted. Raises HomeAssistantError when the agent cannot hear.
        """
        turn = await self._begin_turn(caller, wish)
        ear = Ear(self._microphone, self._own_endpointing, self._wait_ready, partial(self._commit, turn))
        try:
            text = await turn.utterance.async_bring(stream, ear)
        except BaseException:
            # What the model has heard of it cannot be taken back; the next turn begins anew and is told what was said.
            self.async_close_soon()
            raise
        self._show(turn, AgentState.THINKING)
        if not text:
            await self._drop(turn)
            return text
        turn.text = text
        self._watch(self._wait_for_claim(turn))
        return text

    def claim(self, caller: Caller, text: str) -> Turn | None:
        """The agent is asked to answer what was heard last; None if that is not what was heard, or too long ago."""
        turn = self._turn
        if turn is None or not turn.open or turn.text != text or not turn.caller.is_same(caller):
            return None
        turn.claim()
        return turn

    async def async_answer(self, turn: Turn, extra: str = "") -> AsyncGenerator[Delta]:
        """What the agent says and does about a turn that it has claimed; `extra` are instructions that are new.

        Its voice is to be fetched meanwhile. When this is given up, the agent falls silent. Raises HomeAssistantError.
        """
        self._watch(self._see_through(turn, extra))
        try:
            async for delta in turn.deltas():
                yield delta
        finally:
            if not turn.finished:
                await self._drop(turn)

    async def async_voice(self) -> AsyncGenerator[bytes]:
        """The voice of the turn that is being answered, as 16-bit mono PCM; nothing if somebody has fetched it."""
        turn = self._turn
        if turn is None or turn.voice.taken:
            return
        async for chunk in turn.voice.chunks():
            self._speaker.fetched()
            yield chunk

    @callback
    def async_remember(self, log: ChatLog) -> None:
        """What the chat log says until now is known."""
        self._known = len(log.content)

    async def async_apply_mute(self) -> None:
        """Hear, or do not, as the agent's switch says."""
        if self._engine is not None:
            await self._engine.set_muted(self.agent.muted)

    @callback
    def async_close_soon(self) -> None:
        """End it without waiting for that; from now on it is over."""
        self.over = True
        self._ended(self)
        self.agent.entry.async_create_background_task(self._hass, self.async_close(), f"{self.name} closing")

    async def async_close(self) -> None:
        """End it and wait until nothing of it is left. Idempotent."""
        self.over = True
        if (task := self._task) is None or task.done():
            return
        if self._engine is None:
            task.cancel()
        else:
            await self._engine.stop()
        _, pending = await asyncio.wait((task,), timeout=STOP_TIMEOUT_S)
        if pending:
            _LOGGER.warning("The %s did not end in time and was cancelled", self.name)
            task.cancel()
            await asyncio.wait((task,), timeout=STOP_TIMEOUT_S)

    # --- its session --------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            with engine_errors():
                self._engine = engine = await self._compose()
                await self.async_apply_mute()
                result = await engine.run()
            self._tab.settle(result.usage)
            react(self._hass, self.agent.entry, EndReason(result.end_reason))
        except HomeAssistantError as err:
            self._failed(err)
        except Exception as err:
            _LOGGER.exception("The %s failed unexpectedly", self.name)
            self._failed(failed(type(err).__name__))
        finally:
            self._end()

    async def _compose(self) -> RealtimeAgent:
        hass, agent = self._hass, self.agent
        log = async_chat_log(hass, self.conversation_id)
        history = list(history_of(log.content)) if log is not None else []
        self._known = len(log.content) if log is not None else 0
        llm_context = make_llm_context(
            self.context,
            language=agent.options.language or hass.config.language,
            device_id=self.caller.device_id,
            agent_entity_id=er.async_get(hass).async_get_entity_id("conversation", DOMAIN, agent.subentry_id),
        )
        briefing = await async_brief(hass, agent, Occasion(llm_context, conversation_id=self.conversation_id))
        self._toolbox, self._instructions = briefing.toolbox, briefing.instructions
        toolbox = briefing.toolbox
        if toolbox.guard is not None:
            toolbox.guard.admit = self._admit
        if self._turn is not None:
            self._turn.observer.call_tools_by(toolbox.names)
        engine = piped_agent(
            agent,
            self._provider,
            briefing,
            [toolbox.hide_in(turn) for turn in history],
            (self._microphone, self._speaker),
            turn_detection=agent.options.turn_detection if self._own_endpointing else PushToTalk(),
            backing=async_backing(hass, agent, self._ledger, None, None),
        )
        engine.event_bus.subscribe(SessionEvent, self._receive)
        await async_prepare(engine, briefing.equipment)
        return engine

    async def _receive(self, event: SessionEvent) -> None:
        if self._toolbox is not None:
            event = self._toolbox.hide(event)
        self._tab.receive(event)
        if isinstance(event, AgentSessionConnectedEvent) and not self._begun.is_set():
            self._tell(OccurrenceType.SESSION_STARTED)
            self._begun.set()
        turn = self._turn
        if turn is not None and not turn.over:
            turn.receive(turn.observer.receive(event))
        elif isinstance(event, AssistantStartedRespondingEvent):
            # Something that was worked on meanwhile; between two runs nobody would hear of it.
            await self._live().interrupt()

    def _failed(self, err: HomeAssistantError) -> None:
        self._error = err
        cause = err.__cause__
        reason = cause.end_reason if isinstance(cause, EngineError) else EndReason.ERROR
        react(self._hass, self.agent.entry, reason)
        _LOGGER.debug("The %s failed: %s", self.name, err)
        if self._turn is None or self._turn.observer.last_error != str(cause):
            error = {"error_type": reason.value, "message": str(cause or err)}
            self.agent.activity.tell(Occurrence(OccurrenceType.ERROR, error, self.context))

    def _end(self) -> None:
        self.over = self.gone = True
        if self._begun.is_set():
            self._tell(OccurrenceType.SESSION_ENDED)
        self._error = self._error or failed("stopped")
        if (turn := self._turn) is not None:
            turn.utterance.fail(self._error)
            turn.finish(self._error)
            self._close_turn(turn)
        self._look_away()
        self._ended(self)
        self._begun.set()

    def _tell(self, kind: OccurrenceType) -> None:
        self.agent.activity.tell(Occurrence(kind, {"session_id": self.exchange_id}, self.context))

    async def _wait_ready(self) -> None:
        await self._begun.wait()
        if self._error is not None:
            raise self._error

    def _live(self) -> RealtimeAgent:
        if self._engine is None or self.over:
            raise SessionClosedError(EndReason.STOPPED)
        return self._engine

    @property
    def _own_endpointing(self) -> bool:
        return self.agent.options.own_endpointing

    # --- its turns ----------------------------------------------------------------------------------------------------

    async def _begin_turn(self, caller: Caller, wish: Wish) -> Turn:
        observer = Observer(self.exchange_id, (self.agent,), self.context)
        if self._toolbox is not None:
            observer.call_tools_by(self._toolbox.names)
        former, self._turn = self._turn, Turn(self._hass, caller, wish, observer)
        if former is not None:
            self._look_away()
            former.finish()
            self._close_turn(former)
        if self._engine is not None and self._begun.is_set():
            with engine_errors():
                await self._live().interrupt()
                await self._catch_up()
        self._speaker.begin(self._turn.voice, late=wish.plays_late)
        self._show(self._turn, AgentState.LISTENING, in_session=True, user_speaking=True)
        return self._turn

    async def _commit(self, turn: Turn) -> None:
        with engine_errors():
            await self._live().commit_turn(respond=not turn.wish.local_first)

    async def _catch_up(self) -> None:
        """Tell the model what was said in the conversation since its last turn: by Home Assistant, or in writing."""
        log = async_chat_log(self._hass, self.conversation_id)
        if log is None:
            return
        if news := list(history_of(log.content[self._known :])):
            said = "\n".join(f"{turn.role}: {turn.transcript}" for turn in news)
            await self._live().note(_MEANWHILE.format(said=said))
        self.async_remember(log)

    async def _wait_for_claim(self, turn: Turn) -> None:
        try:
            async with asyncio.timeout(CLAIM_TIMEOUT_S):
                await turn.wait_claimed()
        except TimeoutError:
            await self._drop(turn)

    async def _see_through(self, turn: Turn, extra: str) -> None:
        """Answer, and go along until all of it was heard."""
        try:
            with engine_errors():
                await self._ask(turn, extra)
                await self._live().wait_composed()
        except HomeAssistantError as err:
            turn.finish(self._error or err)
            return
        turn.finish()
        self._speaker.ended()
        if turn.voice.begun and not await turn.voice.wait_fetched(FETCH_TIMEOUT_S):
            await self._drop(turn)
            return
        await self._speaker.wait_heard()
        self._close_turn(turn)

    async def _ask(self, turn: Turn, extra: str) -> None:
        engine = self._live()
        if extra and extra != self._extra:
            # What the agent may have begun to say was said without knowing this.
            self._extra = extra
            await engine.interrupt()
            turn.restart()
            self._speaker.begin(turn.voice, late=turn.wish.plays_late)
            await engine.note(extra)
            await engine.ask()
        elif turn.wish.local_first and not self._own_endpointing:
            await engine.ask()

    async def _admit(self) -> bool:
        """Whether the agent may do something: not before it is known that it was asked, and nobody else."""
        turn = self._turn
        return turn is not None and await turn.wait_claimed()

    async def _drop(self, turn: Turn) -> None:
        """Nobody wants an answer any more."""
        self._look_away()
        turn.leave()
        turn.finish()
        self._close_turn(turn)
        if turn is self._turn and not self.over and self._engine is not None:
            await self._engine.interrupt()

    def _close_turn(self, turn: Turn) -> None:
        turn.leave()
        if not turn.over:
            turn.over = True
            turn.observer.end()

    def _show(self, turn: Turn, status: AgentState, *, in_session: bool = True, user_speaking: bool = False) -> None:
        snapshot = replace(turn.observer.snapshot, status=status, in_session=in_session, user_speaking=user_speaking)
        turn.observer.show(snapshot)

    def _watch(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something seen to beside the run, in place of what was seen to so far."""
        self._look_away()
        entry = self.agent.entry
        self._watcher = entry.async_create_background_task(self._hass, work, f"{self.name} turn")

    def _look_away(self) -> None:
        if self._watcher is not None and self._watcher is not asyncio.current_task():
            self._watcher.cancel()
