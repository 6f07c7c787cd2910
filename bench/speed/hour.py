"""Whether memory stays flat: sessions of this engine in real time, and what their process holds minute by minute.

    .venv/bin/python -m bench.speed.hour [--sessions 10] [--minutes 60]

The work is that of the other measurements: a turn every ten seconds, with barge-ins and tools. Of what the process
holds, "kept by the allocator" is what malloc_trim(3) gives back at the end: memory that Python has let go of long ago.
"""

import argparse
import asyncio
import ctypes
import gc
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import override

from .drivers.ours import session
from .harness import Place, rss_bytes
from .work import Microphone, Sightings, Speaker, marks_in

_MIB = 2**20


class ForgetfulSpeaker(Speaker):
    """Plays, and keeps no book of it, which would grow."""

    def __init__(self) -> None:
        super().__init__()
        self.handed = _NothingSeen(marks_in)


class _NothingSeen(Sightings):
    @override
    def note(self, data: bytes, at_s: float) -> None:
        pass


async def _live(url: str, count: int, minutes: int) -> None:
    async with AsyncExitStack() as stack:
        for index in range(count):
            microphone = Microphone(index, count)
            await stack.enter_async_context(
                session(Place(url, "sk-bench", "gpt-realtime-2", microphone, ForgetfulSpeaker()))
            )
        for minute in range(1, minutes + 1):
            await asyncio.sleep(60)
            print(f"minute {minute}: {rss_bytes() / _MIB:.1f} MiB", flush=True)
        gc.collect()
        before = rss_bytes()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        print(f"kept by the allocator: {(before - rss_bytes()) / _MIB:.1f} MiB", flush=True)
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    print(f"when all sessions have ended: {rss_bytes() / _MIB:.1f} MiB")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--minutes", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = [sys.executable, "-m", "bench.speed.server", "--out", str(Path(folder) / "server.json")]
        with subprocess.Popen(work, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                asyncio.run(_live(server.stdout.readline().split()[-1], options.sessions, options.minutes))
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
