"""A server of tools, whatever the way to it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from ..errors import ToolFailedError, ToolTimeoutError
from .backoff import Backoff
from .discretion import Discretion
from .errors import RemoteError, ServerUnavailableError
from .link import Link, Transport
from .listing import MCPTool, list_all
from .package import Session
from .results import result_text

DEFAULT_TIMEOUT_S: Final = 30.0


class MCPServer(ABC):
    """A server of tools that speaks the Model Context Protocol.

    `name` stands in front of its tools' names and in the log; without one the server's own name is taken once it is
    known. With `allowed_tools`, tools of other names are neither listed nor called. `timeout` bounds connecting,
    listing and each call, in seconds.

    A connection that was lost is made again on the next use, at growing intervals while that fails. Calls may run at
    the same time. `on_change` is called when the server's tools may have changed, and when the connection was lost.
    """

    def __init__(
        self, *, name: str | None, allowed_tools: Collection[str] | None, timeout: float, secrets: Iterable[str] = ()
    ) -> None:
        """`secrets` are in no text that tells of the server, whatever the server says."""
        if not timeout > 0:
            raise ValueError(f"The timeout of an MCP server must be above 0, not {timeout}")
        if isinstance(allowed_tools, str):
            raise ValueError("allowed_tools must be a collection of names")  # noqa: TRY004 - one error for bad options
        self.on_change: Callable[[], None] | None = None
        self.timeout = timeout
        self._name = name
        self._discretion = Discretion(secrets)
        self._allowed = None if allowed_tools is None else frozenset(allowed_tools)
        self._link: Link | None = None
        self._server_name = ""
        self._wanted = False
        self._connecting = asyncio.Lock()
        self._opened_s = 0.0
        self._reason = ""
        self._oddities: tuple[str, ...] = ()
        self._backoff = Backoff()

    @property
    def name(self) -> str:
        """What the server is called."""
        return self._name or self._discretion(self._server_name) or self._fallback_name()

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands."""
        return self._link is not None and self._link.is_open

    @property
    def oddities(self) -> tuple[str, ...]:
        """What was wrong with the list of tools when it was last read, in words."""
        return self._oddities

    @property
    def retry_wait_s(self) -> float:
        """Seconds until the next attempt to reach the server is due."""
        return self._backoff.wait_s(asyncio.get_running_loop().time())

    def leave_alone(self) -> None:
        """Put the next attempt off, because the server is there but of no use."""
        if self.is_connected:
            self._backoff.failed(asyncio.get_running_loop().time())

    async def connect(self) -> None:
        """Connect unless connected. Raises ServerUnavailableError, and then nothing is left of the attempt."""
        self._wanted = True
        async with self._connecting:
            if not self.is_connected:
                await self._open()

    async def close(self) -> None:
        """Disconnect; a program that was started for it is gone afterwards. Idempotent; `connect` works again."""
        self._wanted = False
        # A new event loop may use this server next, and a lock belongs to one.
        self._connecting = asyncio.Lock()
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def list_tools(self) -> tuple[MCPTool, ...]:
        """All allowed tools. Raises ServerUnavailableError, ToolTimeoutError or ToolFailedError."""
        listing = (await self._request(list_all, "its tools cannot be listed")).only(self._allowed)
        tools = tuple(tool for tool in listing.tools if not self._discretion.is_broken_by(tool.name))
        told = () if len(tools) == len(listing.tools) else ("A tool whose name holds a secret is left out",)
        self._oddities = (*map(self._discretion, listing.oddities), *told)
        return tools

    async def call_tool(self, name: str, arguments: Mapping[str, object] | None = None) -> str:
        """Call a tool by its server's name for it; return its result as text or JSON, empty if there was none.

        Raises ToolFailedError with what the server said when the tool failed or is not allowed, ToolTimeoutError and
        ServerUnavailableError. When the caller is cancelled, the server is told.
        """
        if self._allowed is not None and name not in self._allowed:
            raise ToolFailedError(f"Tool '{name}' of MCP server '{self.name}' is not allowed")
        result = await self._request(lambda session: session.call(name, arguments or {}), f"tool '{name}' failed")
        return result_text(result)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @abstractmethod
    def _fallback_name(self) -> str:
        """A name for a server that was given none and has not been reached yet."""

    @abstractmethod
    def _transports(self) -> Sequence[Transport]:
        """The ways to the server, to be tried in this order."""

    def _is_other_transport_worth_trying(self) -> bool:
        return False

    def _details(self) -> str:
        """More about a failed attempt, to be appended to its reason."""
        return ""

    async def _request[T](self, ask: Callable[[Session], Awaitable[T]], failed: str) -> T:
        try:
            link = await self._usable()
            try:
                return await link.request(ask, self.timeout)
            except ServerUnavailableError:
                if not link.forgotten:
                    raise
            # The server has been started anew: it refused the request because it did not know the session.
            link = await self._usable()
            return await link.request(ask, self.timeout)
        except RemoteError as err:
            words = f"MCP server '{self.name}': {failed}: {self._discretion(str(err))}"
            raise ToolFailedError(words) from err
        except ToolTimeoutError as err:
            raise ToolTimeoutError(f"MCP server '{self.name}': {failed}: {err}") from err
        except ServerUnavailableError as err:
            raise self._unavailable(str(err)) from err

    async def _usable(self) -> Link:
        if not self._wanted:
            raise ServerUnavailableError("it is not connected")
        async with self._connecting:
            if not self.is_connected:
                if (wait_s := self.retry_wait_s) > 0:
                    words = f"{self._reason}; the next attempt to connect is due in {wait_s:.0f} s"
                    raise ServerUnavailableError(words)
                await self._open()
                self._tell()
            if self._link is None:
                raise ServerUnavailableError("it was closed")
            return self._link

    async def _open(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()
        try:
            async with asyncio.timeout(self.timeout):
                await self._open_first()
        except TimeoutError as err:
            raise self._failed(f"it did not answer within {self.timeout:g} s") from err
        except ServerUnavailableError as err:
            raise self._failed(str(err)) from err
        self._opened_s = asyncio.get_running_loop().time()

    async def _open_first(self) -> None:
        """Open a link by the first transport that works."""
        transports = self._transports()
        for transport in transports:
            if not self._wanted:
                raise ServerUnavailableError("it was closed")
            self._link = link = Link(self.name, transport, self._on_event, self._discretion)
            try:
                await link.open()
            except ServerUnavailableError:
                if transport is transports[-1] or not self._is_other_transport_worth_trying():
                    raise
            else:
                self._server_name = link.server_name
                return

    def _failed(self, reason: str) -> ServerUnavailableError:
        self._link = None
        self._reason = reason + self._details()
        self._backoff.failed(asyncio.get_running_loop().time())
        return self._unavailable(self._reason)

    def _on_event(self, link: Link) -> None:
        """The tools of a link's server have changed, or the link has ended."""
        if link is not self._link or not link.was_open:
            return
        if not link.is_open:
            self._reason = link.reason
            now_s = asyncio.get_running_loop().time()
            self._backoff.lost(now_s, now_s - self._opened_s)
        self._tell()

    def _tell(self) -> None:
        if self.on_change is not None:
            self.on_change()

    def _unavailable(self, reason: str) -> ServerUnavailableError:
        reason = self._discretion(reason)
        own = f"MCP server '{self.name}' is not available: "
        return ServerUnavailableError(reason if reason.startswith(own) else own + reason)
