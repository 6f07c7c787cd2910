"""A typed turn: what the user wrote, answered in writing."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.ulid import ulid_now

from ..const import DOMAIN
from ..engine import AgentState, ConversationTurn, RealtimeAgent
from ..engine.devices import NullInput, NullOutput
from ..engine.errors import EndReason
from ..engine.events import AgentSessionConnectedEvent, SessionEvent, StopAgentCommand, ToolExecutedEvent
from .assist.caller import Caller
from .assist.elsewhere import async_elsewhere
from .backing import async_backing
from .compose import Briefing, writing_agent
from .deltas import Delta, Deltas
from .equipment import async_prepare
from .errors import end_reason_of, engine_errors, failed, react
from .herald import Herald
from .ledger import Ledger
from .observer import Observer
from .parties import Agent
from .provider import Provider
from .tab import Tab

_MAX_DELTAS: Final = 1000


class TypedTurn:
    """One message of the user and all that comes of it, on a connection of its own.

    What was said before is replayed, so that nothing has to be kept open between two messages.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        provider: Provider,
        agent: Agent,
        briefing: Briefing,
        history: Sequence[ConversationTurn],
        *,
        caller: Caller,
        ledger: Ledger,
    ) -> None:
        self._hass = hass
        self._agent = agent
        turn_id = ulid_now()
        self._observer = Observer(turn_id, (agent,), caller.context)
        self._herald = Herald(hass, turn_id, agent, async_elsewhere(hass, caller), caller.context)
        # From a satellite the text was spoken.
        self._in_writing = caller.satellite_id is None
        self._observer.call_tools_by(briefing.toolbox.names)
        self._toolbox = briefing.toolbox
        self._equipment = briefing.equipment
        history = [self._toolbox.hide_in(turn) for turn in history]
        self._tab = Tab(hass, agent, ledger)
        backing = async_backing(hass, agent, ledger)
        devices = (NullInput(), NullOutput())
        self._engine: RealtimeAgent = writing_agent(agent, provider, briefing, history, devices, backing=backing)
        self._engine.event_bus.subscribe(SessionEvent, self._receive)
        # Full: the engine's observers wait, the session does not.
        self._deltas: asyncio.Queue[Delta] = asyncio.Queue(_MAX_DELTAS)
        self._telling = Deltas()
        self._text = ""
        self._sent = False

    @property
    def last_error(self) -> str | None:
        """What the provider complained of last."""
        return self._observer.last_error

    async def async_stream(self, text: str) -> AsyncGenerator[Delta]:
        """Send `text` and stream what comes of it, as the chat log wants it. Raises HomeAssistantError."""
        self._text = text
        entry = self._agent.entry
        task = entry.async_create_background_task(self._hass, self._run(), f"{DOMAIN} message to {self._agent.title}")
        try:
            while True:
                yield await self._deltas.get()
        except asyncio.QueueShutDown:
            await asyncio.wait((task,))
            if task.cancelled():
                raise failed("stopped") from None
            task.result()
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _run(self) -> None:
        reason = EndReason.STOPPED
        self._observer.show(replace(self._observer.snapshot, status=AgentState.THINKING))
        try:
            with engine_errors():
                await async_prepare(self._engine, self._equipment)
                result = await self._engine.run()
            self._tab.settle(result.usage)
            reason = EndReason(result.end_reason)
        except HomeAssistantError as err:
            reason = end_reason_of(err)
            raise
        finally:
            self._observer.end()
            self._deltas.shutdown()
            react(self._hass, self._agent.entry, reason)

    async def _receive(self, event: SessionEvent) -> None:
        event = self._toolbox.hide(event)
        self._tab.receive(event)
        if isinstance(event, AgentSessionConnectedEvent) and not self._sent:
            self._sent = True
            await self._engine.send_message(self._text)
            await self._engine.event_bus.dispatch(StopAgentCommand(when_silent=True))
        event = self._observer.receive(event)
        if isinstance(event, ToolExecutedEvent):
            self._herald.deed(event, in_writing=self._in_writing)
        for delta in self._telling.of(event):
            await self._deltas.put(delta)
