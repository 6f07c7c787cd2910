"""How long a light takes that the model wants switched: from `response.done` to the answer being asked for.

    .venv/bin/python -m bench.light [--times 30]

A real Home Assistant, the simulator as a process of its own. The light is switched and its new state is read, both
within that time, since the result of the call says what came of it. The model thinks for 0.3 s each time, about as long
as one does: what follows from the user's words is over when it calls.

Beside it, what nobody gets below: how long Home Assistant takes for the same intent, which is all that Assist's tool
is, over its HTTP API; and for the action alone over its websocket, as a dashboard performs it.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from demo.talk import SATELLITE
from tests.e2e.house import House, open_house

LIGHT = "hall light"
THINK_S = 0.3


async def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--times", type=int, default=30)
    times = options.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        async with open_house(Path(folder), files=True, think_s=THINK_S) as house:
            await house.api.perform("rtvoice.start", entity_id=SATELLITE)
            for number in range(times + 1):
                await _switch(house, on=number % 2 == 0)
            await house.api.perform("rtvoice.stop", entity_id=SATELLITE)
            _print("by voice", _took_ms(house.simulator.events())[1:])
            for name, act in (("the intent by HTTP", _handle), ("the action by websocket", _perform)):
                _print(name, [await _alone_ms(act(house, on=number % 2 == 0)) for number in range(times + 1)][1:])


def _print(name: str, figures: list[float]) -> None:
    figures = sorted(figures)
    print(
        f"{name}: {len(figures)} calls: min {figures[0]:.1f}  median {statistics.median(figures):.1f}  "
        f"p90 {figures[int(len(figures) * 0.9)]:.1f}  max {figures[-1]:.1f} ms"
    )


async def _alone_ms(act: Awaitable[object]) -> float:
    await asyncio.sleep(0.2)
    began_s = time.perf_counter()
    await act
    return (time.perf_counter() - began_s) * 1000


async def _handle(house: House, *, on: bool) -> None:
    intent = {"name": f"HassTurn{'On' if on else 'Off'}", "data": {"name": LIGHT}}
    await house.api.request("POST", "/api/intent/handle", intent)


async def _perform(house: House, *, on: bool) -> None:
    await house.api.perform(f"light.turn_{'on' if on else 'off'}", entity_id="light.hall_light")


async def _switch(house: House, *, on: bool) -> None:
    word = "on" if on else "off"
    text = {"text": f"turn {word} the {LIGHT}"}
    await house.api.perform("rtvoice.send_message", text, entity_id=SATELLITE)
    await house.until_state("light.hall_light", word)
    await house.until_state("sensor.local_satellite_status", "listening")


def _took_ms(events: list[dict[str, Any]]) -> list[float]:
    took: list[float] = []
    done_s: float | None = None
    for line in events:
        event = line["event"]
        match event["type"]:
            case "response.done" if any(item["type"] == "function_call" for item in event["response"]["output"]):
                done_s = float(line["t"])
            case "response.create" if done_s is not None:
                took.append((float(line["t"]) - done_s) * 1000)
                done_s = None
    return took


if __name__ == "__main__":
    asyncio.run(main())
