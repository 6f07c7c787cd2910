"""A real Home Assistant for measurements: its sound card keeps time, its provider stamps, its media player is far."""

import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from demo.api import HomeAssistantApi
from demo.home_assistant import ROOT, HomeAssistant, free_port, home_assistant
from demo.house import ENTRIES, Furnishing, simulated
from demo.programs import running

from .clocks import ProcessorTime
from .marks import Stamp
from .provider import API_KEY, read_stamps

BENCH = Path(__file__).parent
LOCAL = "assist_satellite.local_satellite"
AGENT_STATUS = "sensor.voice_agent_status"


@dataclass
class StampFile:
    """What another process has stamped, read once."""

    path: Path
    offset: int = 0
    stamps: dict[str, list[Stamp]] = field(default_factory=dict)

    def forget(self) -> None:
        """From now on, only what is new counts."""
        self.read()
        self.stamps.clear()

    def read(self) -> None:
        """Take in what is new."""
        lines, self.offset = read_stamps(self.path, self.offset)
        for line in lines:
            stamp = Stamp(line["at_s"], line["cpu_s"], line["pcm"], line.get("first", False), line.get("connection", 0))
            self.stamps.setdefault(line["way"], []).append(stamp)

    def of(self, way: str) -> list[Stamp]:
        """What passed this way since it was last forgotten."""
        self.read()
        return self.stamps.get(way, [])


@dataclass(frozen=True)
class BenchHouse:
    """All that runs."""

    home: HomeAssistant
    provider: StampFile
    card: StampFile
    clock: ProcessorTime
    speak: Path
    """While there is such a file, the sound card's microphone hears marks."""
    collections: Path
    """Where Home Assistant's process writes down how long Python's garbage collector held it up."""

    @property
    def api(self) -> HomeAssistantApi:
        """Home Assistant's."""
        return self.home.api

    def held_up(self) -> list[tuple[float, float]]:
        """From when until when Python's garbage collector held Home Assistant's process up, each time."""
        lines = map(json.loads, self.collections.read_text().splitlines())
        return [(line["from_s"], line["until_s"]) for line in lines]

    @property
    def furnishing(self) -> Furnishing:
        """For more satellites."""
        return Furnishing(self.api)

    async def add_integration(self, domain: str, fields: dict[str, object]) -> None:
        """Go through an integration's flow."""
        await self.api.flow(f"{ENTRIES}/flow", {"handler": domain}, (fields,))

    async def until_state(self, entity_id: str, *states: str, within_s: float = 30) -> None:
        """Wait until a thing is so."""
        await self.api.until(
            f"{entity_id} is one of {states}", lambda: self.api.state(entity_id) in states, within_s=within_s
        )


@contextlib.asynccontextmanager
async def open_bench(folder: Path, *, deltas: int) -> AsyncIterator[BenchHouse]:
    """Everything, with one satellite at the sound card, while the body runs."""
    pid_file, speak = folder / "pid", folder / "speak"
    stamps = {name: folder / f"{name}.jsonl" for name in ("provider", "card")}
    stamps["card"].touch()
    options = ("--stamps", stamps["provider"], "--pid-file", pid_file, "--deltas", str(deltas))
    command = (sys.executable, "-m", "bench.provider", *map(str, options))
    async with contextlib.AsyncExitStack() as stack:
        provider = await stack.enter_async_context(
            running("provider", command, log=folder / "provider.log", environment={"PYTHONPATH": str(ROOT)})
        )
        address = (await provider.line(r"^listening on (\S+)$", within_s=60))[1]
        home = await stack.enter_async_context(
            home_assistant(
                folder / "config",
                port=free_port(),
                log=folder / "home-assistant.log",
                environment={
                    "PYTHONPATH": str(BENCH / "sound_card"),
                    "BENCH_STAMPS": str(stamps["card"]),
                    "BENCH_SPEAK": str(speak),
                    "BENCH_COLLECTIONS": str(folder / "collections.jsonl"),
                },
                integrations=(BENCH / "far_player",),
            )
        )
        (folder / "pid.new").write_text(str(home.program.pid))
        (folder / "pid.new").rename(pid_file)
        await home.api.call("config/core/update", internal_url=home.url)
        house = BenchHouse(
            home,
            StampFile(stamps["provider"]),
            StampFile(stamps["card"]),
            ProcessorTime(pid_file),
            speak,
            folder / "collections.jsonl",
        )
        devices = {"input": "Bench microphone", "output": "Bench speaker"}
        await house.furnishing.furnish(simulated(address, API_KEY), devices)
        yield house
