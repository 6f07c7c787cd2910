"""Whether and how a tool is offered now, and what stands around its calls."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from ..conversation.values import ToolCall, ToolDefinition, ToolOutcome
from .inject import ToolContext

_LOGGER = logging.getLogger(__name__)

type Availability = Callable[[ToolContext], bool]
type Description = Callable[[ToolContext], str]
type CallNext = Callable[[ToolCall], Awaitable[ToolOutcome]]
type ToolMiddleware = Callable[[ToolCall, CallNext], Awaitable[ToolOutcome]]
"""Stands around a call: looks at it, changes it, answers in its place, or looks at what came of it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the context decides about a tool; by default nothing."""

    available_when: Availability | None = None
    description: Description | None = None

    def available(self, name: str, context: ToolContext) -> bool:
        """Whether the tool may be called now; not where asking fails."""
        if self.available_when is None:
            return True
        try:
            return bool(self.available_when(context))
        except Exception:
            _LOGGER.exception("Whether tool %s is available could not be asked; it is not offered", name)
            return False

    def described(self, definition: ToolDefinition, context: ToolContext) -> ToolDefinition:
        """The definition in the words of now; in its own where asking fails."""
        if self.description is None:
            return definition
        try:
            return replace(definition, description=str(self.description(context)))
        except Exception:
            _LOGGER.exception("Tool %s could not be described", definition.name)
            return definition


ALWAYS = Offer()


def surrounded(run: CallNext, middleware: tuple[ToolMiddleware, ...]) -> CallNext:
    """Return `run` with `middleware` around it, the first outermost."""
    for around in reversed(middleware):
        run = _step(around, run)
    return run


def _step(around: ToolMiddleware, run: CallNext) -> CallNext:
    async def call(call: ToolCall) -> ToolOutcome:
        return await around(call, run)

    return call
