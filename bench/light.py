"""How long a light takes that the model wants switched: from `response.done` to the answer being asked for.

    .venv/bin/python -m bench.light [--times 30]

A real Home Assistant, and the simulator as a process of its own with a model that does nothing but call. The light is
switched and its new state is read, both within that time, since the result of the call says what came of it. Two tools
switch it in turn: Assist's intent, which every agent has, and the action, which a person can pick for an agent. The
model thinks for 0.3 s each time, about as long as one does: what follows from the user's words is over when it calls.

Times are those of the packets on the wire, so that what the simulator does before it sends and after it has received is
not counted; and as a provider and a browser work on machines of their own, Home Assistant has a core for itself.

Beside it, what nobody gets below: how long Home Assistant takes for the same intent, which is all that Assist's tool
is, over its HTTP API; and for the action alone over its websocket, as a dashboard performs it.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

from yarl import URL

from demo.house import Furnishing
from demo.talk import SATELLITE, STATUS
from tests.e2e.house import House, open_house

from .wire_tap import Passed, WireTap

LIGHT, ENTITY = "Hall light", "light.hall_light"
AGENT = {"llm_hass_api": ["assist"], "tools": {"actions": ["light.turn_on", "light.turn_off"]}}
THINK_S = 0.3


async def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--times", type=int, default=30)
    times = options.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.json"
        script.write_text(json.dumps([{"plans": list(_plans(times + 1))}]))
        async with open_house(Path(folder), files=True, think_s=THINK_S, script=script) as house:
            await Furnishing(house.api).change_agent(AGENT)
            await house.until_state(SATELLITE, "idle")
            _give_a_core(house)
            with WireTap(URL(house.simulator.base_url).port or 0) as tap:
                await house.api.perform("rtvoice.start", entity_id=SATELLITE)
                for _ in range(times + 1):
                    for word in ("on", "off", "on", "off"):
                        await _ask_for_the_next_call(house, word)
                await house.api.perform("rtvoice.stop", entity_id=SATELLITE)
                await house.until_state(STATUS, "idle")
            took = list(_took_ms(tap.messages()))
            for name, tool in (("Assist's intent", "intent__HassTurn"), ("the action as a tool", "light__turn_")):
                _print(name, [ms for called, ms in took if called.startswith(tool)][2:])
            for name, act in (("the intent by HTTP", _handle), ("the action by websocket", _perform)):
                _print(name, [await _alone_ms(act(house, on=number % 2 == 0)) for number in range(2 * times + 2)][2:])


def _plans(times: int) -> Iterator[dict[str, Any]]:
    """A call of each tool, and a short answer behind each."""
    for _ in range(times):
        for word in ("on", "off"):
            yield _call(f"intent__HassTurn{word.title()}", {"name": LIGHT, "domain": ["light"]})
            yield {"steps": [{"say": "Done.", "seconds": 0.2}]}
        for word in ("on", "off"):
            yield _call(f"light__turn_{word}", {"targets": [ENTITY]})
            yield {"steps": [{"say": "Done.", "seconds": 0.2}]}


def _call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"steps": [{"call": name, "arguments": arguments}]}


def _give_a_core(house: House) -> None:
    """Let Home Assistant have the first core, and what is around it the others; with one alone they share it."""
    first, *others = sorted(os.sched_getaffinity(0))
    for pid, cores in ((house.home.program.pid, [first]), (house.simulator.program.pid, others), (os.getpid(), others)):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores or [first])


async def _ask_for_the_next_call(house: House, word: str) -> None:
    await house.api.perform("rtvoice.send_message", {"text": "Go on."}, entity_id=SATELLITE)
    await house.until_state(ENTITY, word)
    await house.until_state("sensor.local_satellite_status", "listening")


def _took_ms(messages: list[Passed]) -> Iterator[tuple[str, float]]:
    """The tool of each call, and how long it took until the answer was asked for."""
    called: tuple[str, float] | None = None
    for passed in messages:
        match passed.event:
            case {"type": "response.done", "response": {"output": [{"type": "function_call", "name": name}]}}:
                called = name, passed.at_s
            case {"type": "response.create"} if called is not None:
                yield called[0], (passed.at_s - called[1]) * 1000
                called = None


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
    await house.api.perform(f"light.turn_{'on' if on else 'off'}", entity_id=ENTITY)


if __name__ == "__main__":
    asyncio.run(main())
