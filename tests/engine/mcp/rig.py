"""Real servers, and what is needed to watch them."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from custom_components.rtvoice.engine.mcp import MCPServerStdio

SERVERS = Path(__file__).parent / "servers"


def house(**options) -> MCPServerStdio:
    """A well-behaved server as a program."""
    return MCPServerStdio(sys.executable, [str(SERVERS / "house.py"), "stdio"], env=python_path(), **options)


def odd(behaviour: str, *args: str, **options) -> MCPServerStdio:
    """A badly behaved one."""
    return MCPServerStdio(sys.executable, [str(SERVERS / "odd.py"), behaviour, *args], **options)


def python_path() -> dict[str, str]:
    """The servers import what the tests import."""
    return {key: os.environ[key] for key in ("PYTHONPATH",) if key in os.environ}


def lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(condition: Callable[[], object], within_s: float = 30.0) -> None:
    """Wait for something that happens outside of the loop."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def serving(way: str, port: int) -> AsyncIterator[str]:
    """The well-behaved server on loopback; yields its address."""
    async with listening(port, str(SERVERS / "house.py"), way, str(port)):
        yield f"http://127.0.0.1:{port}/{'sse' if way == 'sse' else 'mcp'}"


@asynccontextmanager
async def listening(port: int, *arguments: str) -> AsyncIterator[None]:
    """A program in Python that serves at a port of loopback, until it is killed."""
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=dict(os.environ))
    try:
        await until(lambda: process.returncode is not None or listens(port))
        assert process.returncode is None
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def listens(port: int) -> bool:
    """Whether somebody can be reached there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
