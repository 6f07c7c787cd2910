"""Remembers what went over the wire, for tests to look at and, if wanted, into a file."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from .checks import Json

type Wanted = str | Callable[[Event], bool]


class Event(dict[str, Any]):
    """An event as it went over the wire, with its time (monotonic, in seconds) and the number of its connection."""

    def __init__(self, event: Json, connection: int, at_s: float) -> None:
        super().__init__(event)
        self.connection = connection
        self.at_s = at_s


class EventLog:
    """Events of one direction, in order, that can be waited for."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._arrived = asyncio.Event()

    def add(self, event: Event) -> None:
        """Append an event."""
        self.events.append(event)
        self._arrived.set()

    async def wait_for(self, wanted: Wanted, timeout_s: float, count: int) -> Event:
        """The `count`-th event that is wanted, from the past or the future. Raises TimeoutError."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    self._arrived.clear()
                    found = [event for event in self.events if _matches(event, wanted)]
                    if len(found) >= count:
                        return found[count - 1]
                    await self._arrived.wait()
        except TimeoutError:
            seen = ", ".join(str(event.get("type")) for event in self.events[-20:]) or "nothing"
            raise TimeoutError(f"No {wanted} (number {count}) within {timeout_s} s; last seen: {seen}") from None


class RecordFile:
    """Writes all events as JSON lines `{"t", "connection", "from", "event"}`, audio replaced by its length in bytes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._start_s = time.monotonic()

    def __enter__(self) -> Self:
        self._file = self._path.open("w", buffering=1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def write(self, event: Event, *, sender: str) -> None:
        """Append an event; `sender` is `client` or `server`."""
        if self._file:
            line = {
                "t": round(event.at_s - self._start_s, 4),
                "connection": event.connection,
                "from": sender,
                "event": without_audio(event),
            }
            self._file.write(json.dumps(line) + "\n")


def without_audio(value: Any) -> Any:
    """A copy of an event with base64 audio replaced by `<n bytes>`."""
    if isinstance(value, list):
        return [without_audio(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    spoken = value.get("type") == "response.output_audio.delta"
    return {
        key: f"<{len(entry) * 3 // 4} bytes>"
        if isinstance(entry, str) and (key == "audio" or (spoken and key == "delta"))
        else without_audio(entry)
        for key, entry in value.items()
    }


def _matches(event: Event, wanted: Wanted) -> bool:
    return event.get("type") == wanted if isinstance(wanted, str) else bool(wanted(event))
