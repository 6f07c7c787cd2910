"""A real MCP server over streamable HTTP, written with the official package; its log says where it is."""

import uvicorn
from mcp.server.fastmcp import FastMCP

server = FastMCP("Shopping")
ITEMS = ["milk", "bread"]


@server.tool()
def shopping_list() -> str:
    """Tell what is on the shopping list."""
    return ", ".join(ITEMS)


@server.tool()
def buy(item: str) -> str:
    """Put something on the shopping list."""
    ITEMS.append(item)
    return f"{item} is on the list"


@server.tool()
def clear() -> str:
    """Empty the shopping list."""
    ITEMS.clear()
    return "The list is empty"


if __name__ == "__main__":
    uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=0)
