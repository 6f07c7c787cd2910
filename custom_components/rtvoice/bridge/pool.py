"""The MCP servers of an account, connected once for all of its sessions."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final, override

from homeassistant.config_entries import ConfigSubentry

from ..engine import MCPServer
from ..engine.errors import ConfigurationError, ToolError
from ..engine.mcp import MCPTool, ServerUnavailableError
from ..engine.mcp.link import Transport
from .servers import ServerOptions, make_server

_LOGGER = logging.getLogger(__name__)

PATIENCE_S: Final = 1.5
"""How long a session waits for a server; tools that come later are offered later."""
_LOOK_AGAIN_S: Final = 0.5


class ServerPool:
    """Keeps connections and programs from their first use until it is closed.

    Sessions come and go in seconds, and starting a program or finding out that a server is away takes longer.
    """

    def __init__(self) -> None:
        self._shared: dict[str, _Shared] = {}

    def lease(self, subentry: ConfigSubentry, patience_s: float | None = PATIENCE_S) -> MCPServer:
        """The server of a subentry, for one session, which may connect and close it. Raises ConfigurationError."""
        shared = self._shared.get(subentry.subentry_id)
        if shared is None:
            server = make_server(ServerOptions.read(subentry.data), subentry.title)
            shared = self._shared[subentry.subentry_id] = _Shared(server)
        return _Lease(shared, patience_s)

    async def async_warm_up(self, subentries: Sequence[ConfigSubentry]) -> None:
        """Connect servers before they are needed. Never raises because of a server."""
        await asyncio.gather(*(self._warm_up(subentry) for subentry in subentries))

    async def async_close(self) -> None:
        """Disconnect; programs are gone afterwards. Idempotent."""
        shared, self._shared = self._shared, {}
        await asyncio.gather(*(one.close() for one in shared.values()))

    async def _warm_up(self, subentry: ConfigSubentry) -> None:
        try:
            await self.lease(subentry, None).connect()
        except (ConfigurationError, ToolError) as err:
            # Sessions say so when they want its tools.
            _LOGGER.debug("%s is not connected yet: %s", subentry.title, err)


class _Shared:
    """One server, and the sessions that use it."""

    def __init__(self, server: MCPServer) -> None:
        self.server = server
        self.leases: set[_Lease] = set()
        self._connecting: asyncio.Task[None] | None = None
        server.on_change = self._tell

    @property
    def retry_wait_s(self) -> float:
        """Seconds until it is worthwhile to ask for a connection again."""
        return max(self.server.retry_wait_s, _LOOK_AGAIN_S if self._is_connecting else 0.0)

    async def connect(self, patience_s: float | None) -> None:
        """Connect unless connected; goes on when the session that wants it does not, or loses patience.

        Raises ServerUnavailableError.
        """
        if self.server.is_connected:
            return
        own = f"MCP server '{self.server.name}' is not available"
        if not self._is_connecting and (wait_s := self.server.retry_wait_s) > 0:
            raise ServerUnavailableError(f"{own}; the next attempt is due in {wait_s:.0f} s")
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self.server.connect(), name=f"mcp connect {self.server.name}")
            self._connecting.add_done_callback(_seen)
        connecting = self._connecting
        await asyncio.wait({connecting}, timeout=patience_s)
        if not connecting.done() or connecting.cancelled():
            raise ServerUnavailableError(f"{own} yet")
        connecting.result()

    async def close(self) -> None:
        """Disconnect."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        await self.server.close()

    @property
    def _is_connecting(self) -> bool:
        return self._connecting is not None and not self._connecting.done()

    def _tell(self) -> None:
        for lease in tuple(self.leases):
            if lease.on_change is not None:
                lease.on_change()


class _Lease(MCPServer):
    """A server as one session has it: closing it leaves the connection to the others."""

    def __init__(self, shared: _Shared, patience_s: float | None) -> None:
        super().__init__(name=None, allowed_tools=None, timeout=shared.server.timeout)
        self._patience_s = patience_s
        self._shared = shared

    @property
    @override
    def name(self) -> str:
        return self._shared.server.name

    @property
    @override
    def is_connected(self) -> bool:
        return self._shared.server.is_connected

    @property
    @override
    def oddities(self) -> tuple[str, ...]:
        return self._shared.server.oddities

    @property
    @override
    def retry_wait_s(self) -> float:
        return self._shared.retry_wait_s

    @override
    def leave_alone(self) -> None:
        self._shared.server.leave_alone()

    @override
    async def connect(self) -> None:
        self._shared.leases.add(self)
        await self._shared.connect(self._patience_s)

    @override
    async def close(self) -> None:
        self._shared.leases.discard(self)

    @override
    async def list_tools(self) -> tuple[MCPTool, ...]:
        return await self._shared.server.list_tools()

    @override
    async def call_tool(self, name: str, arguments: Mapping[str, object] | None = None) -> str:
        return await self._shared.server.call_tool(name, arguments)

    @override
    def _fallback_name(self) -> str:
        return self.name

    @override
    def _transports(self) -> Sequence[Transport]:
        """None of its own."""
        return ()


def _seen(task: asyncio.Task[None]) -> None:
    """Who waited was told of the error; nobody may have."""
    if not task.cancelled():
        task.exception()
