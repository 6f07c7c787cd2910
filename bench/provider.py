"""The simulator as a process of its own that stamps all audio it gets and gives: python -m bench.provider.

It answers whenever it is told to, with `--deltas` deltas of DELTA_MS, each with a mark of its own, at the pace they are
spoken at.
"""

import argparse
import asyncio
import base64
import itertools
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, override

from simulator import Behaviour, Context, Event, Heard, Plan, Say, ScriptedBrain, Simulator

from .clocks import ProcessorTime
from .marks import marked

API_KEY = "right-key"
DELTA_MS = 60
"""What the engine waits for before an answer is begun to be played, so that no delta waits for the next one."""
RATE_HZ = 24_000


class Stamps:
    """A line of JSON for each piece of audio."""

    def __init__(self, file: TextIO, clock: ProcessorTime) -> None:
        self._file = file
        self._clock = clock
        self._response_id = ""

    def take(self, event: Event) -> None:
        """Stamp what came in."""
        if event["type"] == "input_audio_buffer.append":
            self._write("in", event, event["audio"], first=False)

    def give(self, event: Event) -> None:
        """Stamp what goes out."""
        if event["type"] == "response.output_audio.delta":
            first = event["response_id"] != self._response_id
            self._response_id = event["response_id"]
            self._write("out", event, event["delta"], first=first)

    def _write(self, way: str, event: Event, audio: str, *, first: bool) -> None:
        stamp = {
            "way": way,
            "at_s": event.at_s,
            "cpu_s": self._clock.now_s(),
            "connection": event.connection,
            "first": first,
            "audio": audio,
        }
        self._file.write(json.dumps(stamp) + "\n")


def answers(deltas: int) -> Iterator[Plan]:
    """Answer after answer, no mark twice in MARKS deltas."""
    numbers = itertools.count()
    while True:
        audio = b"".join(marked(next(numbers), RATE_HZ * DELTA_MS // 1000) for _ in range(deltas))
        yield Plan((Say("This is said piece by piece.", audio=audio),))


async def _serve(options: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    plans = answers(options.deltas)

    def respond(context: Context) -> Plan:
        # What may be taken for speech is none: marks are answered when that is asked for, and not in the midst of them.
        return next(plans) if context.by_request else Plan()

    with options.stamps.open("w", buffering=1) as file:
        stamps = Stamps(file, ProcessorTime(options.pid_file))
        simulator = Simulator(
            _Brain(respond_with=respond),
            api_key=API_KEY,
            behaviour=Behaviour(delta_ms=DELTA_MS, speed=1.0),
            on_client_event=stamps.take,
            on_server_event=stamps.give,
        )
        async with simulator:
            print(f"listening on {simulator.base_url}", flush=True)
            await stopping.wait()


class _Brain(ScriptedBrain):
    """Understands every turn alike."""

    @override
    async def hear(self, audio: bytes, context: Context) -> Heard:
        return Heard("Go on.")


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stamps", type=Path, required=True)
    parser.add_argument("--pid-file", type=Path, required=True)
    parser.add_argument("--deltas", type=int, default=17)
    asyncio.run(_serve(parser.parse_args()))


def read_stamps(path: Path, offset: int = 0) -> tuple[list[dict[str, object]], int]:
    """The stamps behind a place in the file, and the place behind them."""
    with path.open() as file:
        file.seek(offset)
        text = file.read()
    whole = text.rfind("\n") + 1
    lines = [json.loads(line) for line in text[:whole].splitlines()]
    for line in lines:
        line["pcm"] = base64.b64decode(line.pop("audio"))
    return lines, offset + len(text[:whole].encode())


if __name__ == "__main__":
    main()
