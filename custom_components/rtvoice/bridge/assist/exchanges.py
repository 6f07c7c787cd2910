"""The exchanges that go on, by conversation."""

from collections.abc import AsyncIterable
from typing import Final

from homeassistant.components.conversation import ConversationInput
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import chat_session
from homeassistant.helpers.event import async_track_state_change_event

from ..parties import Agent
from ..provider import Provider
from ..register import Register
from .caller import Caller, Wish, async_is_wholly, async_run_of
from .exchange import Exchange
from .transcribe import async_transcribe
from .turn import Turn

MAX_EXCHANGES: Final = 32
"""Beyond that, the one that was used least recently is closed."""


class Exchanges:
    """Those of all agents of an account; their sessions are entered in a register.

    An exchange goes when Home Assistant forgets its conversation or its satellite is gone, if not by itself before.
    """

    def __init__(self, hass: HomeAssistant, provider: Provider, register: Register) -> None:
        self._hass = hass
        self._provider = provider
        self._register = register
        self._live: dict[str, Exchange] = {}
        self._watches: dict[Exchange, CALLBACK_TYPE] = {}

    async def async_hear(self, agent: Agent, stream: AsyncIterable[bytes]) -> str:
        """What is said in a stream, as text; where the agent is to answer it too, it hears it as it comes.

        Raises HomeAssistantError.
        """
        session = chat_session.current_session.get()
        run = async_run_of(self._hass, session.conversation_id) if session is not None else None
        if session is None or run is None or not async_is_wholly(self._hass, run, agent):
            return await async_transcribe(self._hass, self._provider, agent, stream)
        caller, wish = Caller.of(run), Wish.of(self._hass, run)
        return await self._exchange(agent, session, caller, wish).async_hear(stream, caller, wish)

    def claim(self, agent: Agent, asked: ConversationInput, conversation_id: str) -> tuple[Exchange, Turn] | None:
        """The exchange in which the agent has heard what it is asked now, and the turn; None if it has not."""
        exchange = self._live.get(conversation_id)
        if exchange is None or exchange.agent is not agent:
            return None
        turn = exchange.claim(Caller.of(asked), asked.text)
        return None if turn is None else (exchange, turn)

    def current(self, agent: Agent) -> Exchange | None:
        """The agent's exchange in the conversation that the present task belongs to."""
        session = chat_session.current_session.get()
        exchange = self._live.get(session.conversation_id) if session is not None else None
        return exchange if exchange is not None and exchange.agent is agent else None

    def _exchange(self, agent: Agent, session: chat_session.ChatSession, caller: Caller, wish: Wish) -> Exchange:
        """The one that goes on in a conversation, or a new one."""
        conversation_id = session.conversation_id
        if (present := self._live.pop(conversation_id, None)) is not None:
            if present.agent is agent and present.caller.is_same(caller):
                self._live[conversation_id] = present
                return present
            present.async_close_soon()
        while len(self._live) >= MAX_EXCHANGES:
            next(iter(self._live.values())).async_close_soon()
        exchange = Exchange(
            self._hass,
            self._provider,
            agent,
            conversation_id,
            caller,
            # What Home Assistant may understand by itself is not answered before it is known that it did not.
            answers_turns=not wish.local_first,
            register=self._register,
            ended=self._forget,
        )
        self._live[conversation_id] = exchange
        session.async_on_cleanup(exchange.async_close_soon)
        if caller.satellite_id is not None:
            self._watches[exchange] = self._async_watch(exchange, caller.satellite_id)
        exchange.begin()
        return exchange

    @callback
    def _async_watch(self, exchange: Exchange, satellite_id: str) -> CALLBACK_TYPE:
        """End an exchange with nobody left to hear it, until what is returned is called."""

        @callback
        def async_look(event: Event[EventStateChangedData]) -> None:
            state = event.data["new_state"]
            if state is None or state.state == STATE_UNAVAILABLE:
                exchange.async_close_soon()

        return async_track_state_change_event(self._hass, satellite_id, async_look)

    def _forget(self, exchange: Exchange) -> None:
        if self._live.get(exchange.conversation_id) is exchange:
            del self._live[exchange.conversation_id]
        if (stop_watching := self._watches.pop(exchange, None)) is not None:
            stop_watching()
