"""Testing an MCP server before it is saved."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from ..bridge.servers import ServerOptions, make_server
from ..engine.errors import ToolError, ToolTimeoutError
from ..engine.mcp import MCPServerHTTP, MCPTool

_LOGGER = logging.getLogger(__name__)

_REFUSALS: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


@dataclass(frozen=True, slots=True)
class ServerTest:
    """What came of testing a server: its name and its tools, or the form's error with a reason in words."""

    name: str = ""
    tools: tuple[MCPTool, ...] = ()
    error: str | None = None
    """A key of the translations' `error` section."""
    reason: str = ""


class _Probe(MCPServerHTTP):
    """A server of which it can be told that it wants another key."""

    @property
    def refuses(self) -> bool:
        """Whether its last answer was that we may not."""
        return self._status in _REFUSALS


async def async_test_server(options: ServerOptions) -> ServerTest:
    """Connect to a server, ask for its tools, and disconnect again. Raises ConfigurationError."""
    server = make_server(options, None, over_http=_Probe)
    try:
        async with server:
            tools = await server.list_tools()
    except ToolError as err:
        _LOGGER.debug("The MCP server was not reached: %s", err)
        refused = isinstance(server, _Probe) and server.refuses
        return ServerTest(error="invalid_auth" if refused else _error(err), reason=str(err))
    return ServerTest(server.name, tools, error=None if tools else "no_tools")


def _error(err: ToolError) -> str:
    late = any(isinstance(cause, (ToolTimeoutError, TimeoutError)) for cause in _causes(err))
    return "timeout" if late else "cannot_connect"


def _causes(err: BaseException | None) -> Iterator[BaseException]:
    while err is not None:
        yield err
        err = err.__cause__
