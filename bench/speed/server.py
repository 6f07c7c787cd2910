"""The simulator as everybody's server, in a process of its own: says when it sent and got what.

`python -m bench.speed.server --out FILE` prints `listening on URL`, serves until SIGTERM, then writes FILE.
"""

import argparse
import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from simulator import Behaviour, Call, Event, Plan, Say, Simulator
from simulator.plan import Context, Fault, Heard

from .serving import Book, serve
from .work import (
    ANSWERS_S,
    BURST_MS,
    CALLS,
    DELTA_MS,
    MARK_BYTES,
    RATE_HZ,
    SENT_FASTER,
    TOOL,
    marked,
    marks_in,
)

_DELTA_BYTES = RATE_HZ * DELTA_MS // 1000 * 2
_VOICE = bytes(_DELTA_BYTES)
_WORDS = "The light in the kitchen is on now, and the one in the hall is off. "


class LoadBrain:
    """Answers each turn at length, most of them after a tool call; every delta of its voice has a number."""

    def __init__(self) -> None:
        self._number = 0

    async def start(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    def before_response(self, context: Context) -> Fault | None:  # noqa: ARG002  nothing goes wrong
        """Nothing goes wrong."""
        return None

    async def hear(self, audio: bytes, context: Context) -> Heard:  # noqa: ARG002  whatever is said is the same
        """The same words each time."""
        return Heard("Turn on the light")

    async def respond(self, context: Context) -> Plan:
        """A call for a turn that has one, or an answer."""
        bodies = [item.body for item in context.items]
        turn = sum(body.get("role") == "user" for body in bodies) - 1
        answers = bodies[-1]["type"] == "function_call_output" if bodies else True
        if CALLS[turn % len(CALLS)] and not answers:
            return Plan((Call(TOOL, {}),))
        deltas = round(ANSWERS_S[turn % len(ANSWERS_S)] * 1000) // DELTA_MS
        return Plan((Say(_WORDS * 3, audio=b"".join(self._delta() for _ in range(deltas))),))

    def _delta(self) -> bytes:
        self._number += 1
        return marked(_VOICE, self._number)


class Log:
    """Writes down what a simulator says and hears."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._open: dict[int, str] = {}
        """The calls whose output has come, by connection."""

    def server_event(self, event: Event) -> None:
        """Note what was sent."""
        match event["type"]:
            case "response.output_audio.delta":
                for number in marks_in(b64decode(event["delta"][: MARK_BYTES * 4 // 3])):
                    self._book.sent(number, event.connection, event.at_s)
            case "input_audio_buffer.speech_started":
                self._book.speech(event.connection, event.at_s)
            case "response.done":
                for item in event["response"]["output"]:
                    if item["type"] == "function_call":
                        self._book.called(item["call_id"], event.at_s)

    def client_event(self, event: Event) -> None:
        """Note what came."""
        match event["type"]:
            case "input_audio_buffer.append":
                audio = event["audio"]
                marks = marks_in(b64decode(audio[: MARK_BYTES * 4 // 3]))
                if not marks or len(audio) > 1280:
                    marks = marks_in(b64decode(audio))
                for captured_ns in marks:
                    self._book.frame(captured_ns, event.at_s)
            case "conversation.item.create" if event["item"]["type"] == "function_call_output":
                call_id = event["item"]["call_id"]
                self._book.called(call_id, event.at_s)
                self._open[event.connection] = call_id
            case "response.create" if event.connection in self._open:
                self._book.called(self._open.pop(event.connection), event.at_s)


async def _serve(out: Path) -> None:
    book = Book()
    log = Log(book)
    simulator = Simulator(
        LoadBrain(),
        remembers=False,
        behaviour=Behaviour(speed=SENT_FASTER, delta_ms=DELTA_MS, burst_ms=BURST_MS),
        on_client_event=log.client_event,
        on_server_event=log.server_event,
    )

    @asynccontextmanager
    async def serving() -> AsyncIterator[str]:
        async with simulator:
            yield simulator.base_url

    await serve(out, serving(), lambda: {**book.report(), "violations": sorted(set(simulator.violations))})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    asyncio.run(_serve(parser.parse_args().out))
