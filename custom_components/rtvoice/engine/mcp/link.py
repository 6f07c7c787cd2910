"""One connection to a server, kept by a task of its own.

The `mcp` package's contexts must be entered and left by the same task, whoever asks for the connection.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

from ..errors import ToolTimeoutError
from .discretion import Discretion, discreet
from .errors import LinkLostError, ServerUnavailableError, reason_of
from .package import REQUESTS, Item, Package, Session, Streams, load
from .streams import Outbound, watched

_LOGGER = logging.getLogger(__name__)

_CLOSE_S: Final = 5.0
_NOTICE_S: Final = 5.0
_ENDED: Final = "the connection ended"
_TOOLS_CHANGED: Final = "notifications/tools/list_changed"


class OnEnd(Protocol):
    """Tells a link that its connection is over."""

    def __call__(self, *, forgotten: bool = False, reason: str | None = None) -> None:
        """`forgotten`: the server did not even look at the last request. `reason`: why, where that is known now."""


type Transport = Callable[[Package, OnEnd], AbstractAsyncContextManager[Streams]]


class Link:
    """A connection from its handshake to its end."""

    def __init__(
        self,
        name: str,
        transport: Transport,
        on_event: Callable[[Link], None],
        discretion: Discretion,
    ) -> None:
        """`on_event` is called when the server's tools have changed, and once when the connection has ended."""
        self._name = name
        self._transport = transport
        self._on_event = on_event
        self._discretion = discretion
        self._task: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self._settled = asyncio.Event()
        # Word of cancelled calls is a courtesy: when the server does not read, the oldest is dropped.
        self._notices: deque[Item] = deque(maxlen=64)
        self._wake = asyncio.Event()
        self._deadlines: set[asyncio.Timeout] = set()
        self._over = False
        self.forgotten = False
        """Whether the server has forgotten the session, so that it has not looked at requests that failed."""
        self.server_name = ""
        self.reason = _ENDED

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        return self._session is not None and not self._over

    @property
    def was_open(self) -> bool:
        """Whether the handshake succeeded."""
        return self._session is not None

    async def open(self) -> None:
        """Connect and shake hands. Raises ServerUnavailableError; nothing is left then, nor when this is cancelled."""
        self._task = asyncio.create_task(self._keep(), name=f"mcp {self._name}")
        try:
            await self._settled.wait()
        except BaseException:
            await self.close()
            raise
        if not self.is_open:
            await self.close()
            raise ServerUnavailableError(self.reason)

    async def close(self) -> None:
        """End the connection and everything that belongs to it. Idempotent."""
        if self._task is None:
            return
        cancelled: asyncio.CancelledError | None = None
        while not self._task.done():
            # The first cancellation begins an orderly end; each further one cuts short what it waits for.
            self._task.cancel()
            try:
                await asyncio.wait({self._task}, timeout=_CLOSE_S)
            except asyncio.CancelledError as err:
                cancelled = err
        if cancelled is not None:
            raise cancelled

    async def request[T](self, ask: Callable[[Session], Awaitable[T]], timeout_s: float) -> T:
        """Ask the server something. Raises RemoteError, ToolTimeoutError or ServerUnavailableError.

        Without an answer in time, and when the caller is cancelled, the server is told that nobody waits any more.
        """
        session = self._session
        if session is None or self._over:
            raise ServerUnavailableError(self.reason)
        sent: list[int | str] = []
        token = REQUESTS.set(sent)
        deadline = asyncio.timeout(timeout_s)
        try:
            async with deadline, self._listed(deadline):
                with discreet(self._discretion):
                    return await ask(session)
        except TimeoutError as err:
            if self._over:
                raise ServerUnavailableError(self.reason) from err
            await self._give_up(session, sent)
            raise ToolTimeoutError(f"it did not answer within {timeout_s:g} s") from err
        except asyncio.CancelledError:
            await self._give_up(session, sent)
            raise
        except LinkLostError as err:
            self._end()
            raise ServerUnavailableError(self.reason) from err
        finally:
            REQUESTS.reset(token)

    @asynccontextmanager
    async def _listed(self, deadline: asyncio.Timeout) -> AsyncGenerator[None]:
        """Lets the end of the connection be the end of a request, which the package does not always see to."""
        self._deadlines.add(deadline)
        try:
            yield
        finally:
            self._deadlines.discard(deadline)

    async def _keep(self) -> None:
        try:
            with discreet(self._discretion):
                await self._live()
        except Exception as err:  # noqa: BLE001 - whatever a transport raises, the connection is over
            if self.reason == _ENDED:
                self.reason = self._discretion(reason_of(err))
            # Without a traceback: the texts of HTTP errors hold addresses, and those may hold keys.
            _LOGGER.debug("The connection to MCP server %s ended: %s", self._name, self.reason)
        finally:
            self._end()
            self._settled.set()
            self._on_event(self)

    async def _live(self) -> None:
        package = await load()
        async with self._transport(package, self._end) as (read, write):
            inbound, outbound = watched(read, write, self._end, self._later)
            async with package.session(inbound, outbound, self._on_notice) as session:
                self.server_name = await session.initialize()
                self._session = session
                self._settled.set()
                while not self._over:
                    self._wake.clear()
                    await self._tell(outbound)
                    await self._wake.wait()

    async def _tell(self, outbound: Outbound) -> None:
        while self._notices and not self._over:
            notice = self._notices.popleft()
            try:
                async with asyncio.timeout(_NOTICE_S):
                    await outbound.forward(notice)
            except TimeoutError:
                _LOGGER.debug("MCP server %s could not be told about a cancelled call", self._name)

    async def _give_up(self, session: Session, sent: list[int | str]) -> None:
        if sent and not self._over and not session.cancels_by_itself:
            await session.cancel(sent[-1])

    def _later(self, notice: Item) -> None:
        self._notices.append(notice)
        self._wake.set()

    def _end(self, *, forgotten: bool = False, reason: str | None = None) -> None:
        """Let all that wait for answers know that none will come, and let the task go."""
        self.reason = reason or self.reason
        self.forgotten |= forgotten
        self._over = True
        self._wake.set()
        now = asyncio.get_running_loop().time()
        for deadline in self._deadlines:
            if not deadline.expired():
                deadline.reschedule(now)

    def _on_notice(self, method: str) -> None:
        if method == _TOOLS_CHANGED:
            self._on_event(self)
