"""A real server of tools, written with the `mcp` package in either of its versions.

house.py stdio | house.py streamable_http PORT | house.py sse PORT
"""

import os
import sys
from pathlib import Path
from typing import Any

import anyio
import mcp
import uvicorn

if hasattr(mcp, "MCPError"):
    from mcp.server import MCPServer as Server
    from mcp.server.mcpserver import Context, Image
else:
    from mcp.server.fastmcp import Context, Image
    from mcp.server.fastmcp import FastMCP as Server

server = Server("House of tests")


def tell(witness: str, words: str) -> None:
    Path(witness).write_text(words, encoding="utf-8")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
async def wait(seconds: float, witness: str) -> str:
    """Wait; a call that is cancelled says so in the file `witness`."""
    tell(witness, "started")
    try:
        await anyio.sleep(seconds)
    except BaseException:
        tell(witness, "cancelled")
        raise
    return f"waited {seconds:g}"


@server.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("the oven is broken")


@server.tool()
def picture() -> Image:
    """Take a picture."""
    return Image(data=b"\x89PNG0000", format="png")


@server.tool()
def weather(place: str, days: int | None = None) -> dict[str, Any]:
    """Tell the weather."""
    return {"place": place, "days": days, "sky": ["sun", "rain"]}


@server.tool()
def environment() -> list[str]:
    """Names of all environment variables."""
    return sorted(os.environ)


@server.tool()
def pid() -> int:
    """The process id."""
    return os.getpid()


@server.tool()
async def learn(name: str, context: Context) -> str:
    """Learn a new tool."""

    def learned() -> str:
        return f"I am {name}"

    server.add_tool(learned, name=name, description="A learned tool")
    server._tool_manager._tools.pop("picture", None)
    await context.session.send_tool_list_changed()
    return "learned"


@server.tool()
def crash() -> str:
    """End the process at once."""
    os._exit(3)


def main() -> None:
    way = sys.argv[1]
    if way == "stdio":
        server.run("stdio")
        return
    app = server.sse_app() if way == "sse" else server.streamable_http_app()
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
