"""Which of a machine's audio devices is meant."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DeviceError, SinkError, SourceError


@dataclass(frozen=True, slots=True)
class Direction:
    """Whether sound goes in or out, and the words for it."""

    kind: str
    noun: str
    error: type[DeviceError]


INPUT = Direction("input", "microphone", SourceError)
OUTPUT = Direction("output", "speaker", SinkError)


@dataclass(frozen=True, slots=True)
class AudioDevice:
    """A microphone or speaker of this machine; `index` may change when devices come and go."""

    index: int
    name: str
    is_default: bool
    sample_rate: int
    """The rate in Hz that it prefers."""


def choose(there: Sequence[AudioDevice], wanted: int | str | None, direction: Direction) -> AudioDevice:
    """The device with this index, this name, or this as the part of its name that no other has; None is the default.

    Raises the direction's error, which says what there is.
    """
    if wanted is None:
        found = [device for device in there if device.is_default] or list(there[:1])
    elif isinstance(wanted, int):
        found = [device for device in there if device.index == wanted]
    else:
        part = wanted.casefold()
        found = [device for device in there if device.name == wanted] or [
            device for device in there if part in device.name.casefold()
        ]
    if len(found) == 1:
        return found[0]
    if not there:
        raise direction.error(f"There is no {direction.noun} on this machine, or its sound server is not running")
    names = ", ".join(f"{device.name!r} ({device.index})" for device in there)
    problem = f"More than one {direction.noun} is" if found else f"No {direction.noun} is"
    raise direction.error(f"{problem} called {wanted!r}; there are {names}")
