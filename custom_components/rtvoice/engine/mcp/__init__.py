"""Servers of tools that speak the Model Context Protocol, over the official `mcp` package."""

from .errors import ServerUnavailableError
from .http import MCPServerHTTP
from .listing import MCPTool
from .server import MCPServer
from .stdio import MCPServerStdio
from .tools import MCPTools, Problem

__all__ = [
    "MCPServer",
    "MCPServerHTTP",
    "MCPServerStdio",
    "MCPTool",
    "MCPTools",
    "Problem",
    "ServerUnavailableError",
]
