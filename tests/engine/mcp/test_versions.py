"""The same code with each version of the `mcp` package that a supported Home Assistant brings along."""

import subprocess
import sys
from pathlib import Path

import pytest

import custom_components.rtvoice as integration
from tests.engine.mcp.rig import SERVERS

FOLDER = Path(integration.__file__).parent
NEWEST = FOLDER.parents[1] / ".venv-demo" / "bin" / "python"

SCENARIO = """
import asyncio, sys, threading

sys.path.append({folder!r})
import engine.mcp
assert "mcp" not in sys.modules and "httpx" not in sys.modules

class Watch:
    threads = []

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {{"mcp", "mcp_types", "anyio", "httpx", "httpx2", "httpcore", "httpcore2"}}:
            self.threads.append(threading.current_thread())

async def main():
    sys.meta_path.insert(0, Watch())
    registry = engine.Tools()
    server = engine.mcp.MCPServerStdio(sys.executable, [{server!r}, "stdio"], name="h")
    odd = engine.mcp.MCPServerStdio(sys.executable, [{odd!r}, "schemas"], name="o")
    async with engine.mcp.MCPTools([server, odd], registry) as tools:
        assert await server.call_tool("add", {{"a": 2, "b": 3}}) == "5"
        assert "o_union" in registry.names()
        assert {{problem.server for problem in tools.problems}} == {{"o"}}
    assert Watch.threads and threading.main_thread() not in Watch.threads

asyncio.run(main())
import importlib.metadata
print(importlib.metadata.version("mcp"))
"""


@pytest.mark.parametrize("python", [Path(sys.executable), NEWEST], ids=["tests", "demo"])
def test_servers_are_reached_with_the_package_at_hand_which_is_imported_off_the_loop(python) -> None:
    if not python.exists():
        pytest.skip("script/setup demo makes the environment of the newest Home Assistant")
    scenario = SCENARIO.format(folder=str(FOLDER), server=str(SERVERS / "house.py"), odd=str(SERVERS / "odd.py"))
    done = subprocess.run(
        [python, "-X", "dev", "-W", "error::ResourceWarning", "-c", scenario],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Exception ignored" not in done.stderr
    major, minor = map(int, done.stdout.split(".")[:2])
    assert (major, minor) >= (1, 28)
