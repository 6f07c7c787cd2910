"""The simulator as everybody's server, in a process of its own: says when it sent and got what.

`python -m bench.speed.server --out FILE` prints `listening on URL`, serves until SIGTERM, then writes FILE.
"""

import argparse
import asyncio
import json
import signal
from array import array
from base64 import b64decode
from pathlib import Path
from typing import Any

from simulator import Behaviour, Call, Event, Plan, Say, Simulator
from simulator.plan import Context, Fault, Heard

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
    """When what went over the wire, in seconds of the machine's monotonic clock."""

    def __init__(self) -> None:
        self.sent: dict[int, tuple[int, float]] = {}
        """Number of a delta -> its connection, and when it was sent."""
        self.speech: list[tuple[int, float]] = []
        """Connection, and when it was told that the user speaks."""
        self.calls: dict[str, list[float]] = {}
        """Call -> when its response was done, its output came, and an answer was asked for."""
        self.frame_at = array("d")
        self.frame_late = array("d")
        """When a frame of a microphone arrived, and how long after it was captured."""
        self._open: dict[int, str] = {}

    def server_event(self, event: Event) -> None:
        """Note what was sent."""
        match event["type"]:
            case "response.output_audio.delta":
                for number in marks_in(b64decode(event["delta"][: MARK_BYTES * 4 // 3])):
                    self.sent[number] = (event.connection, event.at_s)
            case "input_audio_buffer.speech_started":
                self.speech.append((event.connection, event.at_s))
            case "response.done":
                for item in event["response"]["output"]:
                    if item["type"] == "function_call":
                        self.calls[item["call_id"]] = [event.at_s]

    def client_event(self, event: Event) -> None:
        """Note what came."""
        match event["type"]:
            case "input_audio_buffer.append":
                audio = event["audio"]
                marks = marks_in(b64decode(audio[: MARK_BYTES * 4 // 3]))
                if not marks or len(audio) > 1280:
                    marks = marks_in(b64decode(audio))
                for captured_ns in marks:
                    self.frame_at.append(event.at_s)
                    self.frame_late.append(event.at_s - captured_ns / 1e9)
            case "conversation.item.create" if event["item"]["type"] == "function_call_output":
                call_id = event["item"]["call_id"]
                self.calls[call_id].append(event.at_s)
                self._open[event.connection] = call_id
            case "response.create" if event.connection in self._open:
                self.calls[self._open.pop(event.connection)].append(event.at_s)

    def report(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "sent": [(number, *entry) for number, entry in self.sent.items()],
            "speech": self.speech,
            "calls": [times for times in self.calls.values() if len(times) == 3],
            "frames": list(zip(self.frame_at, self.frame_late, strict=True)),
        }


async def _serve(out: Path) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    log = Log()
    simulator = Simulator(
        LoadBrain(),
        remembers=False,
        behaviour=Behaviour(speed=SENT_FASTER, delta_ms=DELTA_MS, burst_ms=BURST_MS),
        on_client_event=log.client_event,
        on_server_event=log.server_event,
    )
    async with simulator:
        print(f"listening on {simulator.base_url}", flush=True)
        await stopping.wait()
    report = {**log.report(), "violations": sorted(set(simulator.violations))}
    await asyncio.to_thread(out.write_text, json.dumps(report))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    asyncio.run(_serve(parser.parse_args().out))
