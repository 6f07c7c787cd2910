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
from .table import DISK_FULL, OF_A_MACHINE, SUSPENDED, Fault
from .verify import Trial, all_of, befall, bring, hold_to


async def main(faults: Sequence[Fault], folder: Path) -> None:
    """Bring a session to every stage for each fault, wait, and hold them to the table."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        trials = []
        for fault in faults:
            for stage in fault.stages:
                name = f"{fault.name}, {stage.value}.wav"
                recording = {"recording_path": folder / name} if fault is DISK_FULL else {}
                scene = fault.scene(stage, checked=False, **recording)
                trials.append(Trial(fault, stage, await stack.enter_async_context(scene)))
        await bring(trials, lasting_s=0.8 if DISK_FULL in faults else 0.0)
        recovery.ROLLOVER_BEFORE_S = 0.0
        if DISK_FULL in faults:
            fill(folder)
        print("reached", flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        await all_of(map(befall, trials))
        await all_of(map(hold_to, trials))


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
