"""The tools of several servers, in a registry of tools for as long as the servers have them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from ..conversation.values import ToolDefinition
from ..errors import ToolError
from ..tools import Tools
from .listing import MCPTool
from .names import Names
from .server import MCPServer

_LOGGER = logging.getLogger(__name__)

DEFAULT_PATIENCE_S: Final = 10.0
_GRACE_S: Final = 5.0
"""How much longer the registry waits than the server itself, whose words about a timeout say more."""
_REST_S: Final = 1.0
"""Between two looks at a server's tools, however often it says that they have changed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a server could not do, in words."""

    server: str
    message: str


class MCPTools:
    """Connects servers and keeps their tools in `registry`, named `server_tool`.

    Servers are independent: one that is broken, slow or odd is a problem (see `problems`) and costs the others nothing.
    It is tried again by itself, at growing intervals. While a server is lost, its tools stay and say so when called.
    `on_change` is called when tools were added, removed or changed after `start` has returned.
    """

    def __init__(
        self, servers: Sequence[MCPServer], registry: Tools, *, on_change: Callable[[], None] | None = None
    ) -> None:
        self.on_change = on_change
        self._shelves = [_Shelf(number, server, registry) for number, server in enumerate(servers)]
        self._names = Names()
        self._task: asyncio.Task[None] | None = None
        self._started = False
        self._logged: set[Problem] = set()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong now."""
        return tuple(
            Problem(shelf.server.name, message) for shelf in self._shelves for message in (*shelf.failures, *shelf.odd)
        )

    async def start(self, patience_s: float = DEFAULT_PATIENCE_S) -> None:
        """Connect all servers at the same time; return when each has answered or failed, or patience is at an end.

        What comes later is registered later. Never raises because of a server. Idempotent.
        """
        if self._task is None:
            for shelf in self._shelves:
                shelf.tried = asyncio.Event()
            self._task = asyncio.create_task(self._tend_all(), name="mcp tools")
        try:
            async with asyncio.timeout(patience_s):
                for shelf in self._shelves:
                    await shelf.tried.wait()
        except TimeoutError:
            _LOGGER.debug("Some MCP servers have not answered yet")
        except asyncio.CancelledError:
            await self.close()
            raise
        self._started = True

    async def close(self) -> None:
        """Take the tools away and close all servers; their programs are gone afterwards. Idempotent."""
        task, self._task = self._task, None
        self._started = False
        if task is None:
            return
        cancelled: asyncio.CancelledError | None = None
        while not task.done():
            task.cancel()
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError as err:
                cancelled = err
        for shelf in self._shelves:
            shelf.clear()
        if cancelled is not None:
            raise cancelled

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _tend_all(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for shelf in self._shelves:
                tasks.create_task(self._tend(shelf), name=f"mcp tools of {shelf.server.name}")

    async def _tend(self, shelf: _Shelf) -> None:
        """Keep one server connected and its tools registered."""
        server, wake, loop = shelf.server, asyncio.Event(), asyncio.get_running_loop()
        server.on_change = wake.set
        try:
            while True:
                wake.clear()
                looked_s = loop.time()
                listed = await self._refresh(shelf)
                shelf.tried.set()
                if listed:
                    await wake.wait()
                await asyncio.sleep(max(server.retry_wait_s, looked_s + _REST_S - loop.time()))
        finally:
            server.on_change = None
            await server.close()

    async def _refresh(self, shelf: _Shelf) -> bool:
        """Bring the registry up to date; whether the server told its tools."""
        try:
            await shelf.server.connect()
            tools = await shelf.server.list_tools()
            changed = shelf.fill(tools, self._names)
        except Exception as err:
            if not isinstance(err, ToolError):
                _LOGGER.exception("The tools of MCP server %s could not be read", shelf.server.name)
            shelf.failures = (str(err),)
            shelf.server.leave_alone()
        else:
            shelf.failures = ()
            if changed and self._started:
                self._tell()
        self._log_problems(shelf)
        return not shelf.failures

    def _log_problems(self, shelf: _Shelf) -> None:
        for message in (*shelf.failures, *shelf.odd):
            problem = Problem(shelf.server.name, message)
            level = logging.DEBUG if problem in self._logged else logging.WARNING
            self._logged.add(problem)
            _LOGGER.log(level, "%s", message)

    def _tell(self) -> None:
        if self.on_change is None:
            return
        try:
            self.on_change()
        except Exception:
            _LOGGER.exception("The change of tools could not be reported")


class _Shelf:
    """One server's tools in the registry."""

    def __init__(self, number: int, server: MCPServer, registry: Tools) -> None:
        self.server = server
        self.failures: tuple[str, ...] = ()
        self.odd: tuple[str, ...] = ()
        self.tried = asyncio.Event()
        self._number = number
        self._registry = registry
        self._there: dict[str, ToolDefinition] = {}

    def fill(self, tools: Sequence[MCPTool], names: Names) -> bool:
        """Make the registry hold exactly these tools; whether that changed anything."""
        odd = [f"MCP server '{self.server.name}': {words}" for words in self.server.oddities]
        wanted: dict[str, tuple[MCPTool, ToolDefinition]] = {}
        taken = frozenset(self._registry.names())
        for tool in tools:
            name = names.name(self._number, self.server.name, tool.name, taken)
            wanted[name] = (tool, ToolDefinition(name, tool.description, tool.parameters))
        gone = [name for name, there in self._there.items() if name not in wanted or wanted[name][1] != there]
        for name in gone:
            self._remove(name)
        changed = bool(gone)
        for name, (tool, definition) in wanted.items():
            if name in self._there:
                continue
            try:
                self._registry.register(
                    definition, _handler(self.server, tool.name), timeout=2 * self.server.timeout + _GRACE_S
                )
            except ValueError as err:
                odd.append(f"MCP server '{self.server.name}': {err}")
            else:
                self._there[name] = definition
                changed = True
        self.odd = tuple(odd)
        return changed

    def clear(self) -> None:
        """Take all tools out of the registry."""
        for name in list(self._there):
            self._remove(name)
        self.failures = self.odd = ()

    def _remove(self, name: str) -> None:
        del self._there[name]
        if name in self._registry.names():
            self._registry.remove(name)


def _handler(server: MCPServer, tool: str) -> Callable[[Mapping[str, object]], Awaitable[object]]:
    async def call(arguments: Mapping[str, object]) -> object:
        return await server.call_tool(tool, arguments) or None

    return call
