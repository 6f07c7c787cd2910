"""How long it takes from `rtvoice.start` to the first microphone frame on the wire, in a real Home Assistant.

    .venv/bin/python -m bench.start [--times 20]

Prints, in milliseconds, the whole time, what of it are the provider's own round trips (from the connection's first
bytes to the confirmation of its settings), and the rest, which is ours: the action, the prompt and the tools, and the
way of the first frame. The microphone is a file, which captures its first frame 20 ms after it was opened; a virtual
sound card may deliver its first block up to two seconds late.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from demo.talk import SATELLITE
from tests.e2e.house import API_KEY, House, open_house


async def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--times", type=int, default=20)
    times = options.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        async with open_house(Path(folder), files=True) as house:
            offset_s = await _offset_s(house)
            starts = [await _start(house, offset_s) for _ in range(times + 1)][1:]
    for name in ("whole", "provider", "ours"):
        figures = sorted(start[name] * 1000 for start in starts)
        print(
            f"{name:9} min {figures[0]:6.1f}  median {statistics.median(figures):6.1f}  "
            f"p90 {figures[int(len(figures) * 0.9)]:6.1f}  max {figures[-1]:6.1f} ms"
        )


async def _offset_s(house: House) -> float:
    """What to add to the record's times to make them this program's monotonic clock's."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {API_KEY}"}) as session:
        url = f"{house.simulator.base_url}/realtime?model=gpt-realtime-2.1"
        async with session.ws_connect(url) as socket:
            await socket.receive()
            sent_s = time.monotonic()
            await socket.send_json({"type": "input_audio_buffer.clear", "event_id": "now"})
            await socket.receive()
    line = next(line for line in house.simulator.events() if line["event"].get("event_id") == "now")
    return sent_s - float(line["t"])


async def _start(house: House, offset_s: float) -> dict[str, float]:
    known = max((line["connection"] for line in house.simulator.events()), default=0)
    called_s = time.monotonic() - offset_s
    await house.api.perform("rtvoice.start", entity_id=SATELLITE)
    lines: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while not any(line["event"]["type"] == "input_audio_buffer.append" for line in lines):
            await asyncio.sleep(0.05)
            lines = [line for line in house.simulator.events() if line["connection"] > known]
    await house.api.perform("rtvoice.stop", entity_id=SATELLITE)
    at = {line["event"]["type"]: float(line["t"]) for line in reversed(lines)}
    whole = at["input_audio_buffer.append"] - called_s
    provider = at["session.updated"] - at["session.created"]
    return {"whole": whole, "provider": provider, "ours": whole - provider}


if __name__ == "__main__":
    asyncio.run(main())
