"""One run of an agent, from its start to its result."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from .bus import EventBus, Feed
from .conversation.facts import BackgroundWorkChanged, ToolProgressed
from .conversation.items import Item
from .conversation.user_commands import StopAsked, UserCommand
from .conversation.values import AgentState, ItemKind, ResponseUsage
from .equipment import Equipment
from .errors import EndReason, SessionClosedError
from .events import (
    AgentStartingEvent,
    AgentStoppedEvent,
    ConfigureSessionCommand,
    SessionEvent,
    StartAgentCommand,
    SubAgentUsageEvent,
    ToolExecutedEvent,
    ToolExecutionStartedEvent,
)
from .listener import AgentListener, notify
from .results import AgentResult, ConversationTurn
from .session.session import Session, SessionEnd
from .usage import Budget, UsageMeter

EQUIPMENT_PATIENCE_S = 2.0
"""A session begins without the tools of servers that take longer; they are offered when they come."""

BUDGET_FAREWELL = (
    "What this conversation may cost is spent, so it ends now. In one short sentence, in the language of the "
    "conversation, tell the user so and say goodbye."
)

CALL_S = 0.01
"""A call that is done within this time is not held up by what observers do meanwhile, such as writing states."""

_current: ContextVar[object] = ContextVar("rtvoice_run", default=None)
"""What stands for the run that the present task belongs to: tools and observers must not wait for its end.

It is not the run itself, since tasks and timers that outlive it keep the context that they were made in.
"""


class Run:
    """A session with its observers; used once."""

    def __init__(
        self,
        make_session: Callable[[Callable[[SessionEvent], None]], Session],
        bus: EventBus,
        listener: AgentListener | None,
        *,
        meter: UsageMeter,
        equipment: Equipment,
        budget_usd: Decimal | None = None,
    ) -> None:
        self._bus = bus
        self._feeds = [Feed(bus.dispatch, concerns=bus.concerns_somebody)]
        if listener is not None:
            self._feeds.append(Feed(lambda event: notify(listener, event)))
        self._make_session = make_session
        self._session: Session | None = None
        self._waiting: list[UserCommand | ToolProgressed | BackgroundWorkChanged] = []
        self._meter = meter
        self._equipment = equipment
        self._budget = None if budget_usd is None else Budget(budget_usd, meter)
        self._started_at = datetime.now(UTC)
        self._started_s = asyncio.get_running_loop().time()
        self._token = object()
        self._opened = asyncio.Event()
        """Whether there is a session, or will never be one."""
        self._finished = asyncio.Event()

    @property
    def state(self) -> AgentState:
        """What the agent is doing."""
        return AgentState.CONNECTING if self._session is None else self._session.state

    @property
    def turns(self) -> tuple[ConversationTurn, ...]:
        """What was said so far."""
        return () if self._session is None else tuple(self._turn(item) for item in self._session.messages)

    def post(self, fact: UserCommand | ToolProgressed | BackgroundWorkChanged) -> None:
        """Ask something of the agent, or tell it how work is getting on; what comes early waits for the session."""
        if self._session is None:
            self._waiting.append(fact)
        else:
            self._session.post(fact)

    def announce(self, event: SessionEvent) -> None:
        """Tell the observers of something that happened beside the conversation."""
        self._publish(event)

    def chatted(self, source: str, model: str, usage: ResponseUsage) -> None:
        """A chat model was used on behalf of this run."""
        self._publish(SubAgentUsageEvent(source, model, usage.input.text, usage.cached.text, usage.output.text))

    async def execute(self, settings: ConfigureSessionCommand) -> AgentResult:
        """Run to the end. Raises the EngineError that made the session impossible."""
        token = _current.set(self._token)
        reason = EndReason.ERROR
        try:
            async with AsyncExitStack() as observers:
                for feed in self._feeds:
                    await observers.enter_async_context(feed.running())
                await self._announce_start(settings)
                try:
                    await self._equipment.start(EQUIPMENT_PATIENCE_S)
                    end = await self._open_session().run()
                    reason = end.reason
                except asyncio.CancelledError:
                    reason = EndReason.STOPPED
                    raise
                finally:
                    await self._equipment.close()
                    self._publish(AgentStoppedEvent(reason))
            return self._result(end)
        finally:
            _current.reset(token)
            self._opened.set()
            self._finished.set()

    async def wait_composed(self) -> None:
        """Wait until there is no more to say for now, and the observers know all of it.

        Not for observers themselves. Raises SessionClosedError when the session ends before.
        """
        await self._opened.wait()
        if self._session is None:
            raise SessionClosedError(EndReason.STOPPED)
        await self._session.wait_composed()
        for feed in self._feeds:
            await feed.drained()

    async def wait_finished(self) -> None:
        """Wait for the end, unless the present task is part of what has to end first."""
        if _current.get() is not self._token:
            await self._finished.wait()

    def _open_session(self) -> Session:
        """Make the session, with the tools that are at hand by now."""
        session = self._make_session(self._publish)
        for fact in self._waiting:
            session.post(fact)
        self._session = session
        self._opened.set()
        return session

    async def _announce_start(self, settings: ConfigureSessionCommand) -> None:
        """Tell everybody before anything is connected."""
        self._publish(AgentStartingEvent())
        for feed in self._feeds:
            await feed.drained()
        await self._bus.dispatch(StartAgentCommand(*(getattr(settings, each.name) for each in fields(settings))))
        await self._bus.dispatch(settings)

    def _publish(self, event: SessionEvent) -> None:
        self._meter.observe(event)
        if self._budget is not None and self._budget.exceeded:
            self._budget = None
            self.post(StopAsked(EndReason.BUDGET_EXCEEDED, when_silent=True, farewell=BUDGET_FAREWELL))
        for feed in self._feeds:
            feed.put(event)
            if isinstance(event, ToolExecutionStartedEvent):
                feed.hold_back(CALL_S)
            elif isinstance(event, ToolExecutedEvent):
                feed.go_on()

    def _result(self, end: SessionEnd) -> AgentResult:
        if end.error is not None and not end.established:
            raise end.error
        return AgentResult(
            turns=[self._turn(item) for item in end.messages],
            duration_seconds=asyncio.get_running_loop().time() - self._started_s,
            usage=self._meter.report(),
            recording_path=end.recording,
            end_reason=end.reason,
        )

    def _turn(self, item: Item) -> ConversationTurn:
        return ConversationTurn(
            role="user" if item.kind is ItemKind.USER_MESSAGE else "assistant",
            transcript=item.heard_text,
            interrupted=item.interrupted,
            started_at=self._started_at + timedelta(seconds=item.started_at_s - self._started_s),
            item_id=item.item_id,
        )
