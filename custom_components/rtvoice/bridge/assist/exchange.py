"""One conversation of one person at one place with one agent, by way of an Assist pipeline."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any, Final

from homeassistant.components.conversation import ChatLog
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import llm
from homeassistant.helpers.event import async_call_later

from ...engine.errors import EndReason
from ...engine.events import AssistantStartedRespondingEvent, SessionEvent
from ..deltas import Delta
from ..errors import engine_errors
from ..history import async_chat_log, history_of
from ..parties import Agent
from ..provider import Provider
from ..register import Register
from .caller import Caller, Wish
from .line import Ends, Line
from .turn import Turn
from .utterance import Ear

CLAIM_TIMEOUT_S: Final = 10.0
"""How long Home Assistant may take to understand by itself what was said before the agent answers in vain."""
FETCH_TIMEOUT_S: Final = 10.0
"""How long a satellite may take to begin to play."""

_MEANWHILE: Final = "Meanwhile, without you, this was said in the conversation:\n{said}"


class Exchange:
    """Goes from turn to turn on one live session until it is closed or fails; then `ended` is called.

    It ends as any session does when nobody has said anything for as long as the agent's user allows.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        provider: Provider,
        agent: Agent,
        conversation_id: str,
        caller: Caller,
        *,
        answers_turns: bool,
        register: Register,
        ended: Callable[[Exchange], None],
    ) -> None:
        self.agent = agent
        self.conversation_id = conversation_id
        self.caller = caller
        self.over = False
        """Whether it is of no more use."""
        self._hass = hass
        self._ended = ended
        ends = Ends(receive=self._receive, admit=self._admit, closed=self._end)
        self._line = Line(
            hass, provider, agent, caller, conversation_id, answers_turns=answers_turns, register=register, ends=ends
        )
        self._watcher: asyncio.Task[None] | None = None
        self._turn: Turn | None = None
        self._known: int | None = None
        self._extra = ""
        self._stop_waiting: CALLBACK_TYPE | None = None

    @property
    def instructions(self) -> str:
        """What the agent is told."""
        return self._line.instructions

    @property
    def api(self) -> llm.APIInstance | None:
        """The LLM APIs that it may use."""
        return self._line.api

    def begin(self) -> None:
        """Set out."""
        self._line.begin()

    async def async_hear(self, stream: AsyncIterable[bytes], caller: Caller, wish: Wish) -> str:
        """Begin a turn: let the agent hear what is said; returns it as text, empty if nothing was said.

        What was being said until now is interrupted. Raises HomeAssistantError when the agent cannot hear.
        """
        turn = await self._begin_turn(caller, wish)
        ear = Ear(
            self._line.microphone,
            self.agent.options.own_endpointing,
            self._line.async_wait_ready,
            partial(self._commit, turn),
        )
        try:
            text = await turn.utterance.async_bring(stream, ear)
        except BaseException:
            # What the model has heard of it cannot be taken back; the next turn begins anew and is told what was said.
            self.async_close_soon()
            raise
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
            self._line.speaker.fetched()
            yield chunk

    @callback
    def async_remember(self, log: ChatLog) -> None:
        """What the chat log says until now is known."""
        self._known = len(log.content)

    @callback
    def async_close_soon(self, reason: EndReason = EndReason.STOPPED) -> None:
        """End it without waiting for that; from now on it is over."""
        self._retire()
        closing = self._line.async_stop(reason)
        self.agent.entry.async_create_background_task(self._hass, closing, f"{self._line.name} closing")

    # --- what its session tells ---------------------------------------------------------------------------------------

    async def _receive(self, event: SessionEvent) -> None:
        turn = self._turn
        if turn is not None and not turn.over:
            turn.receive(event)
        elif isinstance(event, AssistantStartedRespondingEvent):
            # Something that was worked on meanwhile; between two runs nobody would hear of it.
            await self._line.async_silence()

    async def _admit(self) -> bool:
        """Whether the agent may do something: not before it is known that it was asked, and nobody else."""
        turn = self._turn
        return turn is not None and await turn.wait_claimed()

    def _end(self) -> None:
        self._retire()
        if (turn := self._turn) is not None:
            turn.utterance.fail(self._line.failure)
            turn.finish(self._line.failure)
            self._close_turn(turn)
        self._look_away()

    def _retire(self) -> None:
        self.over = True
        self._wait_no_more()
        self._ended(self)

    # --- how long nobody says anything --------------------------------------------------------------------------------

    def _wait(self) -> None:
        """Wait for the next run, as long as the agent's user allows."""
        self._wait_no_more()
        if self.over:
            return
        timeout_s = self.agent.options.inactivity_timeout_s
        if timeout_s > 0:
            self._stop_waiting = async_call_later(self._hass, timeout_s, self._forgotten)

    def _wait_no_more(self) -> None:
        if self._stop_waiting is not None:
            self._stop_waiting()
            self._stop_waiting = None

    @callback
    def _forgotten(self, now: datetime) -> None:  # noqa: ARG002 - a timer gives it
        self._stop_waiting = None
        self.async_close_soon(EndReason.INACTIVITY)

    # --- its turns ----------------------------------------------------------------------------------------------------

    async def _begin_turn(self, caller: Caller, wish: Wish) -> Turn:
        self._wait_no_more()
        former, self._turn = self._turn, Turn(self._hass, caller, wish)
        if former is not None:
            self._look_away()
            if former.finished:
                # A satellite that listens again after a question has played it to its end.
                self._line.speaker.settle()
            former.finish()
            self._close_turn(former)
        self._line.attend()
        if self._line.live:
            with engine_errors():
                await self._line.engine.interrupt()
                await self._catch_up()
        self._line.speaker.begin(self._turn.voice, late=wish.plays_late)
        return self._turn

    async def _commit(self, turn: Turn) -> None:
        self._line.heard_out()
        with engine_errors():
            await self._line.engine.commit_turn(respond=self._answered_unasked(turn))

    async def _catch_up(self) -> None:
        """Tell the model what was said in the conversation since its last turn: by Home Assistant, or in writing."""
        log = async_chat_log(self._hass, self.conversation_id)
        if log is None:
            return
        known = self._line.known_entries if self._known is None else self._known
        if news := list(history_of(log.content[known:])):
            said = "\n".join(f"{turn.role}: {turn.transcript}" for turn in news)
            await self._line.engine.note(_MEANWHILE.format(said=said))
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
                await self._line.engine.wait_composed()
        except HomeAssistantError as err:
            turn.finish(self._line.error or err)
            self._close_turn(turn)
            return
        turn.finish()
        self._line.speaker.ended()
        if turn.voice.begun and not await turn.voice.wait_fetched(FETCH_TIMEOUT_S):
            await self._drop(turn)
            return
        await self._line.speaker.wait_heard()
        self._close_turn(turn)

    async def _ask(self, turn: Turn, extra: str) -> None:
        engine = self._line.engine
        if extra and extra != self._extra:
            # What the agent may have begun to say was said without knowing this.
            self._extra = extra
            await engine.interrupt()
            turn.restart()
            self._line.speaker.begin(turn.voice, late=turn.wish.plays_late)
            await engine.note(extra)
            await engine.ask()
        elif not self._answered_unasked(turn):
            await engine.ask()

    def _answered_unasked(self, turn: Turn) -> bool:
        """Whether a turn is answered as soon as it is over, and not only once the agent is asked."""
        return self._line.answers_turns if self.agent.options.own_endpointing else not turn.wish.local_first

    async def _drop(self, turn: Turn) -> None:
        """Nobody wants an answer any more."""
        self._look_away()
        turn.leave()
        turn.finish()
        self._close_turn(turn)
        if turn is self._turn and not self.over:
            await self._line.async_silence()

    def _close_turn(self, turn: Turn) -> None:
        turn.leave()
        if turn.over:
            return
        turn.over = True
        if turn is self._turn:
            self._line.leave()
            self._wait()

    def _watch(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something seen to beside the run, in place of what was seen to so far."""
        self._look_away()
        entry = self.agent.entry
        self._watcher = entry.async_create_background_task(self._hass, work, f"{self._line.name} turn")

    def _look_away(self) -> None:
        if self._watcher is not None and self._watcher is not asyncio.current_task():
            self._watcher.cancel()
