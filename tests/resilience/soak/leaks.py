"""What a process holds: tasks, threads, files, and the engine's own objects."""

import asyncio
import gc
import sys
import threading
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path

_ENGINE = "custom_components.rtvoice.engine"
_PLAIN = (bytes, bytearray, str, int, float, tuple, list, dict, deque, set, frozenset)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is held at one moment."""

    tasks: Counter[str]
    threads: Counter[str]
    files: int
    objects: Counter[str]
    """Objects of the engine's classes, by class."""
    held_bytes: int
    """Size of those, and of the plain values that they hold: audio, words, numbers, and what these are kept in."""


def holdings() -> Holdings:
    """Look at this process, once garbage is gone."""
    gc.collect()
    objects, held_bytes = _of_the_engine()
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:
        tasks = set()
    return Holdings(
        Counter(task.get_name() for task in tasks if task is not _current()),
        Counter(thread.name for thread in threading.enumerate()),
        open_files(),
        objects,
        held_bytes,
    )


def open_files() -> int:
    """How many file descriptors are open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def resident_bytes() -> int:
    """How much of this process is in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def _of_the_engine() -> tuple[Counter[str], int]:
    counts: Counter[str] = Counter()
    seen: set[int] = set()
    held_bytes = 0
    waiting = [each for each in gc.get_objects() if _is_engines(each)]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        held_bytes += sys.getsizeof(each)
        if _is_engines(each):
            counts[type(each).__qualname__] += 1
        if not isinstance(each, (bytes, bytearray, str, int, float)):
            waiting += [held for held in gc.get_referents(each) if type(held) in _PLAIN or _is_engines(held)]
    return counts, held_bytes


def _is_engines(each: object) -> bool:
    return str(type(each).__module__).startswith(_ENGINE)


def _current() -> asyncio.Task[object] | None:
    return asyncio.current_task()
