"""The same people in real time, against a simulator in a process of its own, over sockets on loopback.

    pytest -s tests/resilience/soak/test_soak_real.py --soak-real 60 --soak-sessions 20

Every minute it prints what the process with the agents holds. What is left out is what only the simulator's process
could do to a link (it cuts them, fails and stalls all the same) and what only it knows: whose words it heard.
"""

import asyncio
import json
import logging
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path
from typing import override

from .account import now_s
from .conftest import Size
from .excuses import given_too_often
from .leaks import open_files, resident_bytes
from .person import Nature, Person
from .reporting import excused, judged, summary

ROOT = Path(__file__).parents[3]
CHUNK_FRAMES = 5
WARM_MINUTES = 3
"""Until then caches fill and every kind of thing has happened once."""
GROWTH_BYTES = 64 * 1024
"""How much more memory a session may take, a minute: its words, and what an allocator does with holes."""


@asynccontextmanager
async def far_end(seed: int, report: dict[str, object]):
    """The simulator's process; its address, and at the end its report."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.resilience.soak.far_end",
        str(seed),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin and process.stdout  # noqa: PT018 - it has both
    try:
        yield (await process.stdout.readline()).decode().strip()
        process.stdin.close()
        report |= json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        await asyncio.wait_for(process.wait(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def watch(people: list[Person], minutes: list[int]) -> None:
    """Look at this process once a minute."""
    while True:
        await asyncio.sleep(60)
        minutes.append(resident_bytes())
        turns = sum(len(person.agent.turns) for person in people)
        states = Counter(person.agent.state.value for person in people)
        print(
            f"minute {len(minutes)}: {minutes[-1] / 2**20:.1f} MiB, {len(asyncio.all_tasks())} tasks,"
            f" {open_files()} files, {turns} turns in running sessions, {time.process_time():.0f} s of processor time,"
            f" {dict(states)}",
            flush=True,
        )


class Complaints(logging.Handler):
    """What is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def test_real_time(real_size: Size, socket_enabled) -> None:
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    # Whoever captures what is logged keeps it, which would be taken for memory of the engine.
    logging.disable(logging.WARNING)
    try:
        asyncio.run(talk(real_size, complaints))
    finally:
        logging.disable(logging.NOTSET)
        logging.getLogger().removeHandler(complaints)


async def talk(real_size: Size, complaints: Complaints) -> None:
    """Let people talk, and look at what comes of it."""
    report: dict[str, object] = {}
    minutes: list[int] = []
    files, tasks = open_files(), len(asyncio.all_tasks())
    begun_s = time.process_time()
    alone = resident_bytes()
    async with far_end(real_size.seed, report) as address:
        people = [
            Person(
                f"{real_size.seed}.{number}",
                Nature(push_to_talk=number % 6 == 4, half_duplex=number % 8 == 6, chunk_frames=CHUNK_FRAMES),
                base_url=address,
            )
            for number in range(real_size.sessions)
        ]
        watching = asyncio.create_task(watch(people, minutes), name="soak watch")
        until_s = now_s() + real_size.minutes * 60
        async with asyncio.TaskGroup() as lives:
            for person in people:
                lives.create_task(person.live(until_s), name="soak person")
        watching.cancel()
        for person in people:
            await person.leave()
            await person.provider.close()
    print(summary(people, time.process_time() - begun_s), end="")
    print(f"alone {alone / 2**20:.1f} MiB; {report['connections']} connections")

    problems = [problem for person in people for problem in person.account.problems]
    problems += given_too_often(excused(people), judged(people))
    everything = problems + report["wrong"] + complaints.texts
    print(*everything, sep="\n")
    assert everything == []
    await asyncio.sleep(0.5)
    assert len(asyncio.all_tasks()) <= tasks
    assert open_files() <= files
    check_memory(minutes, alone, real_size)


def check_memory(minutes: list[int], alone: int, size: Size) -> None:
    """Flat once it is warm, and not much for each session."""
    warm = minutes[WARM_MINUTES:]
    if not warm:
        return
    assert max(warm) - alone <= size.sessions * 2 * 2**20 + 32 * 2**20
    grown = (warm[-1] - warm[0]) / max(1, len(warm) - 1)
    assert grown <= size.sessions * GROWTH_BYTES, f"{grown / 1024:.0f} KiB more each minute"
