"""What a session wants done."""

from collections.abc import Callable
from dataclasses import dataclass

from .checks import Json
from .conversation import Item
from .responses import Response


@dataclass(frozen=True, slots=True)
class Send:
    """Send an event to the client."""

    event: Json


@dataclass(frozen=True, slots=True)
class Hear:
    """Understand a user turn, then call `heard`."""

    item: Item


@dataclass(frozen=True, slots=True)
class Respond:
    """Call `begin`, ask the brain for a plan, then write it."""

    response: Response


@dataclass(frozen=True, slots=True)
class Later:
    """Call `work` after a while, and do what it returns."""

    seconds: float
    work: Callable[[], list[Action]]


type Action = Send | Hear | Respond | Later
