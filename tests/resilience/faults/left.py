"""What must not be left behind by anything: tasks, threads, open files, unhandled errors, words in the log."""

import asyncio
import gc
import logging
import os
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

_GRACE_S = 5.0
_POOLS = ("asyncio_", "SyncWorker_")
"""Threads that wait for the next work of a loop."""
_FILES = Path("/proc/self/fd")


class Bystander:
    """Looks at what is there before and after, and reads everything that is told in between."""

    def __init__(self, caplog: pytest.LogCaptureFixture, *, secrets: tuple[str, ...]) -> None:
        self._caplog = caplog
        self._secrets = secrets
        self._unhandled: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        # Threads of the loop's pool stay for its next work; they begin now.
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.001) for _ in range(4)))
        # Debug mode, which the test plugin chooses, makes everything slow that is to happen in real time.
        loop.set_debug(False)
        gc.collect()
        self._before = _left()
        loop.set_exception_handler(lambda _, context: self._unhandled.append(context))
        self._caplog.set_level(logging.INFO)
        self._caplog.clear()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            return
        ends = time.monotonic() + _GRACE_S
        while (more := _more(self._before)) and time.monotonic() < ends:
            await asyncio.sleep(0.05)
        gc.collect()
        await asyncio.sleep(0)
        records = [one for one in self._caplog.records if one.levelno >= logging.INFO]
        problems = [
            *(f"left behind: {one}" for one in more),
            *(f"nobody caught {one}" for one in self._unhandled),
            *(f"unexpected: {one.exc_text}" for one in records if one.exc_info is not None),
            *(f"told in the log: {text}" for text in self._secrets for one in records if text in one.getMessage()),
        ]
        if problems:
            raise AssertionError("\n".join(problems))


def sockets_to(port: int) -> int:
    """How many sockets of this process lead to a port of this machine."""
    count = 0
    for entry in tuple(_FILES.iterdir()):
        try:
            if not entry.is_socket():
                continue
            with socket.socket(fileno=os.dup(int(entry.name))) as found:
                count += found.family == socket.AF_INET and found.getpeername()[1] == port
        except OSError:
            # It leads nowhere, or was closed meanwhile.
            continue
    return count


def _left() -> tuple[set[asyncio.Task[Any]], set[threading.Thread], int]:
    return asyncio.all_tasks(), set(threading.enumerate()), len(tuple(_FILES.iterdir()))


def _more(before: tuple[set[asyncio.Task[Any]], set[threading.Thread], int]) -> list[str]:
    tasks, threads, files = _left()
    more = [f"task {task.get_name()}: {task.get_coro()}" for task in tasks - before[0]]
    more += [f"thread {one.name}" for one in threads - before[1] if not one.name.startswith(_POOLS)]
    if files > before[2]:
        more.append(f"{files - before[2]} files")
    return more
