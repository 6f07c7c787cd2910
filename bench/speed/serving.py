"""What both servers of the measurements write down, and how they are run."""

import asyncio
import json
import signal
from array import array
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any


class Book:
    """When what went over the wire, in seconds of the machine's monotonic clock."""

    def __init__(self) -> None:
        self._sent: list[tuple[int, int, float]] = []
        self._speech: list[tuple[int, float]] = []
        self._calls: dict[str, list[float]] = {}
        self._frame_at = array("d")
        self._frame_late = array("d")

    def sent(self, number: int, connection: int, at_s: float) -> None:
        """A delta with this number was sent."""
        self._sent.append((number, connection, at_s))

    def speech(self, connection: int, at_s: float) -> None:
        """The client was told that the user speaks."""
        self._speech.append((connection, at_s))

    def called(self, call_id: str, at_s: float) -> None:
        """A response with a call was done; then its output came, and an answer was asked for: three times for each."""
        self._calls.setdefault(call_id, []).append(at_s)

    def frame(self, captured_ns: int, at_s: float) -> None:
        """A frame of a microphone arrived that was captured then."""
        self._frame_at.append(at_s)
        self._frame_late.append(at_s - captured_ns / 1e9)

    def report(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "sent": self._sent,
            "speech": self._speech,
            "calls": [times for times in self._calls.values() if len(times) == 3],
            "frames": list(zip(self._frame_at, self._frame_late, strict=True)),
        }


async def serve(out: Path, serving: AbstractAsyncContextManager[str], report: Callable[[], dict[str, Any]]) -> None:
    """Serve at the address that `serving` gives until SIGTERM, then write the report."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with serving as url:
        print(f"listening on {url}", flush=True)
        await stopping.wait()
    await asyncio.to_thread(out.write_text, json.dumps(report()))
