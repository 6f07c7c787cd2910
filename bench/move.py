"""How long `rtvoice.move` takes to carry a live conversation to another satellite, for all pairs of kinds.

    .venv/bin/python -m bench.move [--times 3] [--json FILE]

A real Home Assistant, the simulator and this program, which is the satellites, are processes of their own; all stamp by
CLOCK_MONOTONIC. In milliseconds since the action was called, the median and the longest of all times:

- hears: until the simulator has the first frame of the new satellite's microphone, which nothing of what is said there
  is lost after; while the user is to speak;
- speaks: until the new satellite has the first sample of what the agent goes on saying; while the agent speaks. The
  provider's work is in it, but the simulator answers at once;
- returns: until the action does, in both cases; the former session has ended by then, and its sockets are closed.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import override

from .bench_house import AGENT_STATUS, BenchHouse, open_bench
from .ends import PageEnd, PlayerEnd, StampedEnd, WyomingEnd
from .paths import DELTAS

_LIMIT_S = 5.0


class Room(ABC):
    """A satellite, called after its kind and a number."""

    def __init__(self, house: BenchHouse, kind: str, number: int) -> None:
        self.house = house
        self.kind = kind
        self.name = f"{kind} {number}"
        self.entity_id = f"assist_satellite.{kind}_{number}"

    @abstractmethod
    async def add(self, stack: contextlib.AsyncExitStack) -> None:
        """Add it, with which the account is loaded anew."""

    async def open(self, stack: contextlib.AsyncExitStack) -> None:  # noqa: ARG002 - others open something
        """Have it be there, and hear silence as time goes by."""
        await self.house.until_state(self.entity_id, "idle", within_s=60)

    @abstractmethod
    def first_given_s(self, since_s: float) -> float | None:
        """When it was given the first sample since then."""

    async def _add(self, kind: str, **fields: object) -> None:
        await self.house.furnishing.add_satellite(kind, {"name": self.name.capitalize(), **fields})


class CardRoom(Room):
    """At the sound card."""

    @override
    async def add(self, stack: contextlib.AsyncExitStack) -> None:
        await self._add("local", input="Bench microphone", output="Bench speaker")

    @override
    def first_given_s(self, since_s: float) -> float | None:
        return next((stamp.at_s for stamp in self.house.card.of("given") if stamp.at_s > since_s), None)


class FarRoom(Room):
    """With an end in this program."""

    audio: StampedEnd

    @override
    def first_given_s(self, since_s: float) -> float | None:
        return next((stamp.at_s for stamp in self.audio.given if stamp.at_s > since_s), None)


class PlayerRoom(FarRoom):
    """With a media player as its mouth."""

    @override
    async def add(self, stack: contextlib.AsyncExitStack) -> None:
        player = await stack.enter_async_context(PlayerEnd(self.house.clock).serving())
        self.audio = player.audio
        before = self._players()
        await self.house.add_integration("far_player", {"url": player.url})
        await self.house.api.until("The player is there", lambda: self._players() != before, within_s=10)
        (entity_id,) = self._players() - before
        await self._add("local", input="Bench microphone", speaker=entity_id)

    def _players(self) -> set[str]:
        return {entity_id for entity_id in self.house.api.states if entity_id.startswith("media_player.far_player")}


class WyomingRoom(FarRoom):
    """A Wyoming satellite."""

    _satellite: WyomingEnd

    @override
    async def add(self, stack: contextlib.AsyncExitStack) -> None:
        self._satellite = await stack.enter_async_context(WyomingEnd(self.house.clock, wake_word=None).serving())
        self.audio = self._satellite.audio
        await self._add("wyoming", host="127.0.0.1", port=self._satellite.port)

    @override
    async def open(self, stack: contextlib.AsyncExitStack) -> None:
        await super().open(stack)
        await stack.enter_async_context(_listening(self._satellite))


class PageRoom(FarRoom):
    """A page."""

    @override
    async def add(self, stack: contextlib.AsyncExitStack) -> None:
        await self._add("browser")

    @override
    async def open(self, stack: contextlib.AsyncExitStack) -> None:
        house = self.house
        page = await stack.enter_async_context(PageEnd.open(house.api, house.home.url, self.entity_id, house.clock))
        self.audio = page.audio
        await super().open(stack)
        await stack.enter_async_context(_listening(page))


ROOMS: dict[str, type[Room]] = {
    "card": CardRoom,
    "player": PlayerRoom,
    "wyoming": WyomingRoom,
    "page": PageRoom,
}


@dataclass(frozen=True, slots=True)
class Move:
    """One conversation that moved twice: while the user was to speak, and, elsewhere, while the agent spoke."""

    hears_ms: float
    speaks_ms: float
    returns_ms: float


@contextlib.asynccontextmanager
async def _listening(end: WyomingEnd | PageEnd) -> AsyncIterator[None]:
    task = asyncio.create_task(end.bring(0, silence=10**9), name="bench silence")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def _move(house: BenchHouse, here: Room, there: Room) -> Move:
    begin = {"prompt": "Greet."}
    await house.api.perform("rtvoice.start", begin, entity_id=here.entity_id)
    await house.until_state(AGENT_STATUS, "speaking")
    await house.until_state(AGENT_STATUS, "listening")
    await asyncio.sleep(0.3)
    house.provider.forget()
    began_s, quietly_s = await _perform(house, here, there)
    heard_s = await _until(lambda: _first_heard_s(house, began_s))
    await house.api.perform("rtvoice.move", {"satellite": here.entity_id}, entity_id=there.entity_id)
    await house.api.perform("rtvoice.send_message", {"text": "Go on."}, entity_id=here.entity_id)
    await house.until_state(AGENT_STATUS, "speaking")
    await asyncio.sleep(0.2)
    talked_s, aloud_s = await _perform(house, here, there)
    spoken_s = await _until(lambda: there.first_given_s(talked_s))
    await house.api.perform("rtvoice.stop", entity_id=there.entity_id)
    await house.until_state(AGENT_STATUS, "idle")
    return Move((heard_s - began_s) * 1000, (spoken_s - talked_s) * 1000, max(quietly_s, aloud_s) * 1000)


async def _perform(house: BenchHouse, here: Room, there: Room) -> tuple[float, float]:
    """When the action was called, and how long it took to return."""
    began_s = time.monotonic()
    await house.api.perform("rtvoice.move", {"satellite": there.entity_id}, entity_id=here.entity_id)
    return began_s, time.monotonic() - began_s


def _first_heard_s(house: BenchHouse, since_s: float) -> float | None:
    """When the newest connection got its first frame, once there is one since then."""
    heard = house.provider.of("in")
    newest = max((stamp.connection for stamp in heard), default=0)
    before = {stamp.connection for stamp in heard if stamp.at_s <= since_s}
    return next((stamp.at_s for stamp in heard if stamp.connection == newest and newest not in before), None)


async def _until(look: Callable[[], float | None]) -> float:
    async with asyncio.timeout(_LIMIT_S):
        while (at_s := look()) is None:  # noqa: ASYNC110 - it is found in files that others write
            await asyncio.sleep(0.01)
    return at_s


async def _measure(times: int) -> dict[str, list[Move]]:
    moves: dict[str, list[Move]] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with open_bench(Path(folder), deltas=DELTAS) as house, contextlib.AsyncExitStack() as stack:
            rooms = {kind: [room(house, kind, number) for number in (1, 2)] for kind, room in ROOMS.items()}
            every = [room for pair in rooms.values() for room in pair]
            for room in every:
                await room.add(stack)
            for room in every:
                await room.open(stack)
            for here, (first, _) in rooms.items():
                for there, (_, second) in rooms.items():
                    print(f"{time.strftime('%H:%M:%S')} {here} → {there}", file=sys.stderr)
                    moves[f"{here} → {there}"] = [await _move(house, first, second) for _ in range(times)]
    return moves


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--json", type=Path, help="a file for all figures")
    options = parser.parse_args()
    load = os.getloadavg()
    moves = asyncio.run(_measure(options.times))
    print("| from → to | hears | speaks | returns |\n|---|---|---|---|")
    for pair, every in moves.items():
        parts = ("hears_ms", "speaks_ms", "returns_ms")
        cells = [[getattr(move, part) for move in every] for part in parts]
        print(f"| {pair} | " + " | ".join(f"{median(cell):.0f} (≤ {max(cell):.0f})" for cell in cells) + " |")
    print(f"\n{options.times} times each; load average before {load[0]:.1f}, after {os.getloadavg()[0]:.1f}")
    if options.json is not None:
        figures = {pair: [asdict(move) for move in every] for pair, every in moves.items()}
        options.json.write_text(json.dumps({"load": load, "moves": figures}, indent=1))


if __name__ == "__main__":
    main()
