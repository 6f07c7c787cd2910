"""Fifty people who talk to fifty agents, with everything going wrong that can go wrong, in virtual time.

All of the engine runs as it is, down to the events of the wire; they go to the simulator's sessions, which check the
protocol, over wires in memory that have latency and break. A provider that is only a port would be faster, but would
believe whatever it is told. What is random is in `person.py` (what the user does, and what happens to the link and the
devices) and `model.py` (what the model does); what must be true all the same is in `account.py`.

By default they talk for 40 seconds, and until all that was said is answered. The half hour takes a core half as long:

    pytest -s tests/resilience/soak/test_soak.py --soak-minutes 30

`--soak-sessions` says how many there are, and `--soak-seed` gives them another fate. A failure is the same again with
the same three and the same PYTHONHASHSEED; SOAK_REMEMBERED=1000000 keeps all that happened in `account.events`.
"""

import asyncio
import logging
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.engine.virtual_time import run

from .account import now_s
from .conftest import Size
from .excuses import given_too_often
from .leaks import Holdings, holdings
from .person import Nature, Person
from .reporting import counted, excused, judged, summary

CHUNK_FRAMES = 5
"""The microphone tells of 100 ms at a time, as devices on a network do: five times as fast as single frames."""
GROWING = frozenset({"Item", "Piece", "_Entry"})
"""What there is more of the longer a session lasts: messages, each a few hundred bytes of text."""
PENDING = "response.create while one is pending"
"""A response whose beginning takes longer than ten seconds to be told is asked for again."""
RECORDED = 3
"""Who of fifty is recorded: a thread that writes does not know of virtual time, and the disk fills."""
WRITTEN_S = 2.0
"""So long by the real clock, a recorder's thread has to catch up with virtual time before one looks what is held."""
MAX_BYTES_A_SESSION = 2 * 1024 * 1024
MAX_BYTES_A_TURN = 10_000
HELD_BACK_BYTES = 60 * 48_000
"""With push-to-talk, all audio since the last turn is kept, a minute of it at most: now more, now less."""


@dataclass
class Soak:
    """A number of people, and what the process held."""

    people: list[Person] = field(default_factory=list)
    held: list[Holdings] = field(default_factory=list)
    """Early, late, and when all have left."""
    turns: int = 0
    """How many more there were in the sessions at the end than early on."""


async def talk(size: Size, recordings: Path) -> Soak:
    """Let people talk for a while; look at what is held early, late, and when all have left."""
    random.seed(size.seed)
    soak = Soak()
    async with asyncio.TaskGroup() as tasks:
        soak.people = [
            Person(
                f"{size.seed}.{number}",
                Nature(push_to_talk=number % 6 == 4, half_duplex=number % 8 == 6, chunk_frames=CHUNK_FRAMES),
                tasks=tasks,
                recordings=recordings if number % 50 == RECORDED else None,
            )
            for number in range(size.sessions)
        ]
        begun_s = now_s()
        await _live(soak.people, begun_s + min(300.0, size.minutes * 20))
        soak.held.append(_settled())
        before = _turns(soak.people)
        await _live(soak.people, begun_s + size.minutes * 60)
        soak.held.append(_settled())
        soak.turns = _turns(soak.people) - before
        for person in soak.people:
            await person.leave()
    soak.held.append(holdings())
    return soak


def _settled() -> Holdings:
    time.sleep(WRITTEN_S)
    return holdings()


async def _live(people: list[Person], until_s: float) -> None:
    async with asyncio.TaskGroup() as tasks:
        for person in people:
            tasks.create_task(person.live(until_s), name="soak person")


def _turns(people: list[Person]) -> int:
    return sum(len(person.agent.turns) for person in people)


@pytest.fixture
def complaints(caplog):
    """What the engine logs as an error, and what the loop has to say about forgotten tasks."""
    caplog.set_level(logging.ERROR)
    return lambda: [record.getMessage() for record in caplog.records]


def test_everything_adds_up_and_nothing_is_left_behind(size, complaints) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before, begun_s = holdings(), time.process_time()
        soak = run(talk(size, Path(folder)))
        took_s, after = time.process_time() - begun_s, holdings()
    print(summary(soak.people, took_s), end="")
    print("bytes held by the engine:", *(each.held_bytes for each in (before, *soak.held, after)))

    problems = [problem for person in soak.people for problem in person.account.problems]
    problems += given_too_often(excused(soak.people), judged(soak.people))
    violations = [violation for person in soak.people for violation in person.exchange.violations]
    repeated = violations.count(PENDING)
    assert repeated <= counted(soak.people)["AssistantStartedRespondingEvent"] / 1000
    everything = problems + [text for text in violations if text != PENDING] + complaints()
    print(*everything, sep="\n")
    assert everything == []
    check_variety(soak.people, size)
    check_leaks(soak, before, after, size)


def check_variety(people: list[Person], size: Size) -> None:
    """A soak in which nothing happens proves nothing."""
    told = counted(people)
    for kind in ("AssistantInterruptedEvent", "ToolExecutedEvent", "AgentErrorEvent"):
        assert told[kind] >= size.sessions * size.minutes / 20, f"hardly any {kind}"
    assert sum(person.exchange.opened for person in people) > size.sessions
    assert sum(person.restarts for person in people) > 0


def check_leaks(soak: Soak, before: Holdings, after: Holdings, size: Size) -> None:
    early, late, left = soak.held
    assert not left.tasks
    ours = {name: count for name, count in late.tasks.items() if name.startswith(("rtvoice", "provider"))}
    assert ours
    assert all(count <= size.sessions for count in ours.values()), f"more than one a session: {ours}"
    recorders = sum(number % 50 == RECORDED for number in range(size.sessions))
    assert (late.threads - before.threads).keys() <= {"rtvoice recorder"}
    assert late.threads.total() <= before.threads.total() + recorders
    # A loop of its own has three.
    assert late.files <= before.files + 3 + recorders
    more = late.objects - early.objects
    for name in GROWING:
        del more[name]
    assert all(count <= size.sessions for count in more.values()), f"more objects: {more}"
    assert late.held_bytes <= size.sessions * MAX_BYTES_A_SESSION
    grown = late.held_bytes - early.held_bytes
    held_back = sum(person.nature.push_to_talk for person in soak.people) * HELD_BACK_BYTES
    most = max(0, soak.turns) * MAX_BYTES_A_TURN + size.sessions * 100_000 + held_back
    assert grown <= most, f"{grown} bytes more are held"
    assert after.threads - before.threads == {}
    assert after.files <= before.files
    assert after.objects["Session"] == after.objects["Conversation"] == after.objects["Run"] == 0
