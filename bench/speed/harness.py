"""Runs sessions of one library in this process and writes down what they took. Standard library only."""

import argparse
import asyncio
import gc
import json
import os
import resource
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .work import Microphone, Sightings, Speaker, marks_in_base64

_PROBE_S = 0.05
_SECOND = 1.0
_SETTLE_S = 1.5


@dataclass(frozen=True, slots=True)
class Place:
    """Where one session happens."""

    url: str
    """Of the API, such as `http://127.0.0.1:40123/v1`."""
    api_key: str
    model: str
    microphone: Microphone
    speaker: Speaker


type Session = Callable[[Place], AbstractAsyncContextManager[None]]
"""A session that hears and speaks while the context is entered; leaving it ends the session."""


def main(session: Session) -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--warm-up", type=float, default=12)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    report = asyncio.run(_run(session, options))
    options.out.write_text(json.dumps(report))


def _received() -> Sightings:
    """When deltas came out of the kernel, all of them or their beginnings, on any socket that is read from here on.

    Nothing is seen of what is compressed or encrypted.
    """
    received = Sightings(marks_in_base64)
    read = socket.socket.recv

    def recv(sock: socket.socket, *limits: int) -> bytes:
        data = read(sock, *limits)
        received.note(data, time.monotonic())
        return data

    socket.socket.recv = recv  # type: ignore[method-assign]
    return received


async def _run(session: Session, options: argparse.Namespace) -> dict[str, Any]:
    count = options.sessions
    received = _received()
    rss_before = rss_bytes()
    places = [
        Place(options.url, "sk-bench", "gpt-realtime-2.1-mini", Microphone(index, count), Speaker())
        for index in range(count)
    ]
    sightings = [received, *(place.speaker.handed for place in places)]
    async with AsyncExitStack() as stack:
        for place in places:
            await stack.enter_async_context(session(place))
        await _watch(options.warm_up, sightings)
        gc.collect()
        # What came meanwhile is none of the run.
        await _watch(_SETTLE_S, sightings)
        begin_s, begin_cpu_s = time.monotonic(), _cpu_s()
        lags, memory = await _watch(options.seconds, sightings)
        cpu_s, wall_s = _cpu_s() - begin_cpu_s, time.monotonic() - begin_s
        end_s = time.monotonic()
        left = stack.pop_all()
        ending_s = time.monotonic()
        await left.aclose()
        teardown_s = time.monotonic() - ending_s
    return {
        "sessions": count,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "begin_s": begin_s,
        "end_s": end_s,
        "teardown_s": teardown_s,
        "rss_before_bytes": rss_before,
        "rss_bytes": memory,
        "lag_s": lags,
        "received": received.seen,
        "handed": [entry for place in places for entry in place.speaker.handed.seen],
        "silenced": [entry for place in places for entry in place.speaker.silenced],
    }


async def _watch(seconds: float, sightings: list[Sightings]) -> tuple[list[float], list[int]]:
    """How late the event loop is, twenty times a second, and how much memory there is, once a second.

    In between it looks at what was noted.
    """
    lags: list[float] = []
    memory: list[int] = []
    end_s = time.monotonic() + seconds
    due_s = time.monotonic()
    while due_s < end_s:
        due_s += _PROBE_S
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        now_s = time.monotonic()
        lags.append(now_s - due_s)
        due_s = max(due_s, now_s - _SECOND)
        for each in sightings:
            each.look()
        if len(memory) <= len(lags) * _PROBE_S:
            memory.append(rss_bytes())
    return lags, memory


def _cpu_s() -> float:
    # Finer than os.times, which counts hundredths of a second.
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def rss_bytes() -> int:
    """Memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def beside(*work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Have work done while the context is entered."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
