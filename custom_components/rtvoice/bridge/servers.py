"""MCP servers as subentries describe them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, cast

from homeassistant.const import CONF_COMMAND, CONF_HEADERS, CONF_TIMEOUT, CONF_URL

from ..const import (
    CONF_ALLOWED_TOOLS,
    CONF_ARGUMENTS,
    CONF_AUTHORIZATION,
    CONF_ENVIRONMENT,
    CONF_TRANSPORT,
    DEFAULT_SERVER_TIMEOUT,
    TRANSPORT_AUTO,
    TRANSPORT_STDIO,
    TRANSPORTS_HTTP,
)
from ..engine import MCPServer, MCPServerHTTP, MCPServerStdio
from ..engine.errors import ConfigurationError
from ..engine.mcp.http import HttpTransport

_AUTHORIZATION: Final = "Authorization"


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """An MCP server subentry."""

    transport: str
    """TRANSPORT_STDIO or one of TRANSPORTS_HTTP."""
    url: str
    headers: Mapping[str, str] = field(repr=False)
    command: str
    arguments: tuple[str, ...] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    allowed_tools: Collection[str] | None
    """None: all."""
    timeout_s: float

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From the data of a subentry. Raises ConfigurationError where that makes no sense."""
        transport = data.get(CONF_TRANSPORT, TRANSPORT_AUTO)
        if transport not in (TRANSPORT_STDIO, *TRANSPORTS_HTTP):
            raise ConfigurationError(f"'{transport}' is no transport of MCP servers")
        headers = pairs(data.get(CONF_HEADERS, ()), ":")
        if secret := data.get(CONF_AUTHORIZATION):
            headers = {name: value for name, value in headers.items() if name.lower() != _AUTHORIZATION.lower()}
            headers[_AUTHORIZATION] = secret if " " in secret else f"Bearer {secret}"
        return cls(
            transport=transport,
            url=data.get(CONF_URL) or "",
            headers=headers,
            command=data.get(CONF_COMMAND) or "",
            arguments=tuple(data.get(CONF_ARGUMENTS, ())),
            environment=pairs(data.get(CONF_ENVIRONMENT, ()), "="),
            allowed_tools=tuple(data.get(CONF_ALLOWED_TOOLS) or ()) or None,
            timeout_s=float(data.get(CONF_TIMEOUT, DEFAULT_SERVER_TIMEOUT)),
        )


def make_server(
    options: ServerOptions, name: str | None, *, over_http: type[MCPServerHTTP] = MCPServerHTTP
) -> MCPServer:
    """The server of a subentry, not connected. Raises ConfigurationError if it cannot be one."""
    try:
        if options.transport == TRANSPORT_STDIO:
            return MCPServerStdio(
                options.command,
                options.arguments,
                env=options.environment,
                name=name,
                allowed_tools=options.allowed_tools,
                timeout=options.timeout_s,
            )
        return over_http(
            options.url,
            headers=options.headers,
            transport=cast("HttpTransport", options.transport),
            name=name,
            allowed_tools=options.allowed_tools,
            timeout=options.timeout_s,
        )
    except ValueError as err:
        raise ConfigurationError(str(err)) from err


def pairs(lines: Iterable[str], separator: str) -> dict[str, str]:
    """Names with their values. Raises ConfigurationError for a line that is no such pair, without repeating it."""
    found = {}
    for number, line in enumerate(lines, 1):
        name, there, value = line.partition(separator)
        if not there or not name.strip():
            raise ConfigurationError(f"Line {number} is no name and value with '{separator}' between them")
        found[name.strip()] = value.strip()
    return found
