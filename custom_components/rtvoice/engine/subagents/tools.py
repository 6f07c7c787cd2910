"""Subagents as tools of a voice agent."""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Annotated, Final, Self

from ..conversation.values import ResponseUsage
from ..errors import ConfigurationError, ToolArgumentsError
from ..events import SessionEvent
from ..tools import Tools, ToolSpec
from .desk import Desk, Surroundings
from .liaison import tell
from .naming import free_name
from .prompts import handoff_description
from .subagent import SubAgent

_LOGGER = logging.getLogger(__name__)

_CANCEL: Final = "cancel_subagent"
_UPDATE: Final = "update_subagent"

type _Which = Annotated[str | None, "Its name; may be left out while only one is at work"]


class SubAgentTools:
    """Offers one tool per subagent in `registry`, and `cancel_subagent` and `update_subagent` while one is at work.

    A hand-off is a call that may take long: whoever runs it must not wait for it elsewhere. It reports progress as any
    tool does. Several subagents may be at work at once, each on one task. `publish` is told when a subagent begins and
    when it has ended, always both; `on_change` when tools were added or removed; `on_report` what came of a task that
    nobody waited for, in words for the voice agent; `on_usage` subagent, model and tokens of each answer.

    Raises ConfigurationError for names that are taken, and for a subagent to be forgotten without `on_report`.
    """

    def __init__(
        self,
        subagents: Sequence[SubAgent],
        registry: Tools,
        *,
        publish: Callable[[SessionEvent], None],
        on_change: Callable[[], None] | None = None,
        on_report: Callable[[str], None] | None = None,
        on_usage: Callable[[str, str, ResponseUsage], None] | None = None,
    ) -> None:
        names: set[str] = set()
        for subagent in subagents:
            if subagent.tool_name in names:
                raise ConfigurationError(f"Two subagents are called '{subagent.tool_name}'")
            names.add(subagent.tool_name)
            if subagent.fire_and_forget and on_report is None:
                raise ConfigurationError(f"Subagent '{subagent.name}' reports back later, and nobody would listen")
        around = Surroundings(
            context=lambda: registry.context,
            publish=publish,
            on_occupied=self._on_occupied,
            on_report=on_report,
            on_usage=on_usage,
        )
        self._registry = registry
        self._on_change = on_change
        self._desks = [Desk(subagent, around) for subagent in subagents]
        self._ours: dict[str, ToolSpec] = {}
        self._controls: tuple[str, ...] = ()
        self._prewarming: asyncio.Task[None] | None = None
        self.register()

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the subagents that are at work."""
        return tuple(desk.subagent.name for desk in self._desks if desk.occupied)

    def register(self) -> None:
        """Offer what is missing in the registry, at the start and after it was emptied. Raises ConfigurationError."""
        missing = {desk.subagent.tool_name: desk for desk in self._desks if not self._is_there(desk.subagent.tool_name)}
        for name, desk in missing.items():
            if name in self._registry.names():
                raise ConfigurationError(f"Subagent '{desk.subagent.name}': there is a tool '{name}' already")
        for name, desk in missing.items():
            self._offer_hand_off(desk, name)
        self._adjust_controls()

    async def start(self) -> None:
        """Begin to connect what the subagents need, without waiting for it. Idempotent."""
        if self._prewarming is None:
            self._prewarming = asyncio.create_task(self._prewarm(), name="rtvoice subagents prewarm")

    async def cancel(self, name: str | None = None) -> tuple[str, ...]:
        """Stop a subagent, or all of them, and forget questions that wait; return the names of those that worked.

        Raises ToolArgumentsError for a name that nobody at work has.
        """
        stopped = self._desks if name is None else [self._at_work(name)]
        names = tuple(desk.subagent.name for desk in stopped if desk.occupied)
        await asyncio.gather(*(desk.cancel() for desk in stopped))
        return names

    def update(self, message: str, name: str | None = None) -> None:
        """Tell a subagent at work something new. Raises ToolArgumentsError when it is not clear which."""
        self._at_work(name).tell(message)

    async def close(self) -> None:
        """Stop all work and close the subagents with their servers; the tools stay. Idempotent."""
        if (prewarming := self._prewarming) is not None:
            self._prewarming = None
            prewarming.cancel()
            await asyncio.wait({prewarming})
        await self.cancel()
        closed = await asyncio.gather(*(desk.subagent.close() for desk in self._desks), return_exceptions=True)
        for desk, error in zip(self._desks, closed, strict=True):
            if error is not None:
                _LOGGER.error("Subagent %s could not be closed", desk.subagent.name, exc_info=error)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _prewarm(self) -> None:
        await asyncio.gather(*(desk.subagent.prewarm() for desk in self._desks))

    def _offer_hand_off(self, desk: Desk, name: str) -> None:
        subagent = desk.subagent
        self._registry.action(
            handoff_description(subagent.description, subagent.handoff_instructions),
            name,
            result_instruction=subagent.result_instructions,
            holding_instruction=subagent.holding_instruction,
            timeout=math.inf,
        )(desk.hand_off)
        self._ours[name] = self._registry.spec(name)

    def _on_occupied(self) -> None:
        if self._adjust_controls():
            tell(self._on_change)

    def _adjust_controls(self) -> bool:
        """Offer the tools that control subagents at work, and only then; whether that changed anything."""
        there = [name for name in self._controls if self._is_there(name)]
        if not self.running:
            self._controls = ()
            for name in there:
                self._registry.remove(name)
            return bool(there)
        if there:
            return False
        cancel, update = (free_name(wanted, self._registry.names()) for wanted in (_CANCEL, _UPDATE))
        at_work = "a subagent that is at work"
        self._registry.action(f"Stop {at_work}, because the user does not want it any more.", cancel)(self._cancel)
        self._registry.action(f"Tell {at_work} what the user has said about its task meanwhile.", update)(self._update)
        self._controls = (cancel, update)
        self._ours |= {name: self._registry.spec(name) for name in self._controls}
        return True

    async def _cancel(self, subagent: _Which = None) -> dict[str, object]:
        desk = self._at_work(subagent)
        await desk.cancel()
        return {"status": "cancelled", "subagent": desk.subagent.name}

    async def _update(
        self, message: Annotated[str, "What is new, complete"], subagent: _Which = None
    ) -> dict[str, object]:
        desk = self._at_work(subagent)
        desk.tell(message)
        return {"status": "told", "subagent": desk.subagent.name}

    def _at_work(self, name: str | None) -> Desk:
        busy = [desk for desk in self._desks if desk.occupied]
        meant = [desk for desk in busy if name is None or name in (desk.subagent.name, desk.subagent.tool_name)]
        if len(meant) == 1:
            return meant[0]
        there = ", ".join(desk.subagent.name for desk in busy)
        if not busy:
            raise ToolArgumentsError("No subagent is at work")
        raise ToolArgumentsError(f"Say which subagent is meant; at work: {there}")

    def _is_there(self, name: str) -> bool:
        """Whether the registry holds our tool of this name, not somebody else's."""
        return name in self._registry.names() and self._registry.spec(name) is self._ours.get(name)
