"""A program that really hears a wake word, for whoever speaks Wyoming to it."""

import contextlib
import functools
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from demo.home_assistant import ROOT, free_port
from demo.programs import running

from .wyoming import PYTHON

WAKE_VOICE = "awb"
"""The voice for "okay nabu", which also pauses behind it: the model is sure of it (0.97), wherever its blocks of 30 ms
begin. Of the voice that speaks otherwise it is sure by 0.83 to 0.89, and more than 0.85 is its word."""


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
