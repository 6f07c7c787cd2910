"""Nothing of a server may be left after a test."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.mcp.rig import lives


def living_children() -> list[int]:
    noted = [path.read_text(encoding="utf-8") for path in Path("/proc/self/task").glob("*/children")]
    return [pid for pids in noted for pid in map(int, pids.split()) if lives(pid)]


@pytest.fixture(autouse=True)
async def nothing_is_left(socket_enabled) -> AsyncIterator[None]:
    """Each test ends without tasks and processes of its own."""
    yield
    assert not living_children()
    await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if not task.done() and "mcp" in task.get_name()]
    assert not left
