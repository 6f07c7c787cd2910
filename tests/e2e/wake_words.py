"""A program that really hears a wake word, for whoever speaks Wyoming to it."""

import contextlib
import functools
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from demo.home_assistant import ROOT, free_port
from demo.programs import running

from .wyoming import PYTHON


@contextlib.asynccontextmanager
async def wake_word_program(folder: Path) -> AsyncIterator[int]:
    """The program while the body runs; its port."""
    port = free_port()
    # Without its own folder on the path, in which a module is called like the library.
    command = (PYTHON, "-P", ROOT / "tests" / "e2e" / "wake_word_program.py", f"tcp://127.0.0.1:{port}")
    async with running("wake word", command, log=folder / "wake.log") as program:
        await program.ready(functools.partial(listens, port), within_s=30)
        yield port


async def listens(port: int) -> bool:
    """Whether a program has begun to listen on a port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
        return True
    return False
