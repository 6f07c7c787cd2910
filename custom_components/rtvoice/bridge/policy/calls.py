"""A tool as the policy sees it, and what a call of it touches."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...engine import ToolDefinition

type Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call."""

    data: Any
    """JSON."""
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Touch:
    """What a call touches."""

    entities: frozenset[str] = frozenset()
    """Entity ids, with those that scripts, scenes and groups among them touch."""
    targets: frozenset[str] = frozenset()
    """Those of them that the call itself is aimed at."""
    unclear: bool = False
    """It may touch something else, and nobody can tell what."""
    label: str = ""
    """What to call it where nothing that is touched has a name."""
    quietens: bool = False
    """It can only make the house more silent."""


def nothing(arguments: Arguments) -> Touch:  # noqa: ARG001 - the signature of what tells it
    """What a call touches that only looks."""
    return Touch()


@dataclass(frozen=True, slots=True)
class HomeTool:
    """A tool that the model is offered, and what must be known to judge its calls."""

    definition: ToolDefinition
    name: str
    """What Home Assistant calls it."""
    call: Callable[[dict[str, Any]], Awaitable[Answer]]
    """May raise HomeAssistantError and probatio.Invalid, which are told to the model."""
    touch: Callable[[Arguments], Touch] = nothing
    title: str | None = None
    reads_only: bool = False
    verifies: bool = False
    """Whether the states that follow a call are part of its result."""
    respond: bool = True
    """Whether the agent speaks about the result."""
