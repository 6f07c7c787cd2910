"""What befalls a whole machine at every stage: it sleeps, its clock jumps, its disk is full."""

import asyncio
import signal
import sys
import wave
from pathlib import Path

import pytest

from .senses import SLEEP_S
from .table import CLOCK, DISK_FULL, SUSPENDED, SUSPENDED_AND_CUT, Fault

ROOT = Path(__file__).parents[3]


async def begin(folder: Path, *faults: Fault) -> asyncio.subprocess.Process:
    """A process whose sessions have all reached their stages."""
    command = (sys.executable, "-m", "tests.resilience.faults.program", str(folder), *(fault.name for fault in faults))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=-1, stdout=-1, stderr=-1)
    async with asyncio.timeout(60):
        line = await process.stdout.readline()
    if line != b"reached\n":
        _, errors = await process.communicate()
        pytest.fail(errors.decode())
    return process


async def go_on(process: asyncio.subprocess.Process) -> None:
    """Everything comes as it must."""
    async with asyncio.timeout(60):
        _, errors = await process.communicate(b"\n")
    assert process.returncode == 0, errors.decode()
    assert b"Traceback" not in errors, errors.decode()


async def test_sleep(tmp_path: Path, socket_enabled: None) -> None:
    process = await begin(tmp_path, SUSPENDED, SUSPENDED_AND_CUT)
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(SLEEP_S)
    process.send_signal(signal.SIGCONT)
    await go_on(process)


async def test_a_clock_that_jumps_and_a_full_disk(tmp_path: Path, socket_enabled: None) -> None:
    await go_on(await begin(tmp_path, CLOCK, DISK_FULL))
    assert len(lengths_s(tmp_path)) == len(DISK_FULL.stages)
    assert all(lengths_s(tmp_path))


def lengths_s(folder: Path) -> list[float]:
    """How long the recordings in it are."""
    found = []
    for path in folder.iterdir():
        with wave.open(str(path), "rb") as file:
            found.append(file.getnframes() / file.getframerate())
    return found
