"""A process of its own with a session at every stage, which tells when it is there, and waits to go on.

    python -m tests.resilience.faults.program FOLDER FAULT...

What must come of the faults is in the table. What is recorded goes into the folder. A line on standard input has it go
on. Exits with 0 if everything is as the table wants it.
"""

import asyncio
import resource
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from custom_components.rtvoice.engine.conversation import recovery

from .conftest import alert, shorten
from .stages import reach
from .table import DISK_FULL, OF_A_MACHINE, SUSPENDED, Fault
from .verify import all_of, befall, hold_to


async def main(faults: Sequence[Fault], folder: Path) -> None:
    """Bring a session to every stage for each fault, wait, and hold them to the table."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        tried = []
        for fault in faults:
            for stage in fault.stages:
                name = f"{fault.name}, {stage.value}.wav"
                recording = {"recording_path": folder / name} if fault is DISK_FULL else {}
                scene = fault.scene(stage, checked=False, **recording)
                tried.append((fault, stage, await stack.enter_async_context(scene)))
        await all_of(reach(scene, stage) for _, stage, scene in tried)
        recovery.ROLLOVER_BEFORE_S = 0.0
        if DISK_FULL in faults:
            await asyncio.sleep(0.8)
            fill(folder)
        print("reached", flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        await all_of(befall(scene, fault) for fault, _, scene in tried)
        await all_of(hold_to(scene, stage, fault) for fault, stage, scene in tried)


def fill(folder: Path) -> None:
    """From now on no file may grow, as on a disk that is full."""
    largest = max(path.stat().st_size for path in folder.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))


if __name__ == "__main__":
    wanted = [fault for fault in OF_A_MACHINE if fault.name in sys.argv[2:]]
    patches = pytest.MonkeyPatch()
    shorten(patches)
    if SUSPENDED in wanted:
        alert(patches)
    asyncio.run(main(wanted, Path(sys.argv[1])))
