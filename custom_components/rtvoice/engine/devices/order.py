"""What is asked of the library that a sound card is used by, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .choice import Direction


class Stream(Protocol):
    """A running stream of a sound card; sounddevice's raw streams are such."""

    @property
    def active(self) -> bool:
        """Whether blocks are exchanged. Does not block."""

    @property
    def samplerate(self) -> float:
        """Samples per second."""

    def start(self) -> None:
        """Begin to exchange blocks."""

    def close(self) -> None:
        """Stop at once and release the device."""


@dataclass(frozen=True, slots=True)
class StreamOrder:
    """The stream that is wanted; `callback` and `on_end` are called by a thread of the library."""

    direction: Direction
    device: int | str | None
    sample_rate: int
    callback: Callable[..., None]
    on_end: Callable[[], None]
