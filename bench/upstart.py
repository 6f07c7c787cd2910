"""How long it takes until the engine is imported, and until an account is set up in Home Assistant.

    .venv/bin/python -m pytest -q -s bench/upstart.py

The import is a process of its own each time, less what an empty one takes. The account is set up as at Home Assistant's
start: modules are imported already, and the provider is the simulator in this process.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.ha.conftest import (  # noqa: F401  # fixtures
    brain,
    home,
    microphone,
    mock_entry,
    setup_integration,
    simulator,
    sound_library,
    speaker,
)

ENGINE = Path(__file__).resolve().parents[1] / "custom_components" / "rtvoice"
TIMES = 15


_AGENT = "from engine import RealtimeAgent"
"""All that a session needs; `engine` itself brings in what is asked of it, when it is asked for."""
_BESIDE = "import asyncio, aiohttp, orjson, pydantic, pydantic.main"
"""What Home Assistant has imported already."""


def test_import() -> None:
    """Measure and print."""
    took: dict[str, list[float]] = {work: [] for work in ("pass", "import engine", _BESIDE, f"{_BESIDE}; {_AGENT}")}
    for _ in range(TIMES):
        for work, times in took.items():
            began_s = time.perf_counter()
            subprocess.run([sys.executable, "-c", work], cwd=ENGINE, check=True)
            times.append((time.perf_counter() - began_s) * 1000)
    empty, engine, beside, agent = (statistics.median(times) for times in took.values())
    print(f"\nimport of the engine: {engine - empty:.0f} ms (a process {engine:.0f} ms, an empty one {empty:.0f} ms)")
    print(f"of an agent, with aiohttp and pydantic there: {agent - beside:.0f} ms; these two: {beside - empty:.0f} ms")


async def test_entry(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:  # noqa: F811  the fixture
    """Measure and print."""
    hass.loop.set_debug(False)
    entry_id = setup_integration.entry_id
    took: list[float] = []
    for _ in range(TIMES):
        await hass.config_entries.async_unload(entry_id)
        began_s = time.perf_counter()
        await hass.config_entries.async_setup(entry_id)
        took.append((time.perf_counter() - began_s) * 1000)
        await hass.async_block_till_done()
    print(f"\nset-up of an account: median {statistics.median(took):.0f}, most {max(took):.0f} ms")
