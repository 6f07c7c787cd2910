"""MCP servers that the provider runs, as entries of its list of tools."""

from collections.abc import Sequence

from ...remote_mcp import RemoteMCPServer
from .style import Settings


def remote_tools_of(servers: Sequence[RemoteMCPServer], *, asks: bool = True) -> list[Settings]:
    """One entry a server; `asks` is whether the provider can ask for approval at all."""
    return [_entry(server, asks=asks) for server in servers]


def _entry(server: RemoteMCPServer, *, asks: bool) -> Settings:
    entry: Settings = {"type": "mcp", "server_label": server.label}
    if server.url is not None:
        entry["server_url"] = server.url
    if server.connector_id is not None:
        entry["connector_id"] = server.connector_id
    if server.description is not None:
        entry["server_description"] = server.description
    if server.allowed_tools is not None:
        entry["allowed_tools"] = list(server.allowed_tools)
    if server.authorization is not None:
        entry["authorization"] = server.authorization.get_secret_value()
    if server.headers:
        entry["headers"] = {name: value.get_secret_value() for name, value in server.headers.items()}
    if asks:
        entry["require_approval"] = _approval(server)
    return entry


def _approval(server: RemoteMCPServer) -> str | Settings:
    if server.approval == "always" and server.trusted_tools:
        return {"never": {"tool_names": list(server.trusted_tools)}}
    return server.approval
