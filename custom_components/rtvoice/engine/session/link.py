"""The way to the provider and back, made anew when it breaks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ..conversation.facts import LinkLost, SessionReady
from ..errors import ConnectionLostError, EngineError
from ..options import SessionOptions
from ..ports import Connection, RealtimeProvider
from .decisions import Decisions
from .sender import Sender
from .supervisor import Supervisor
from .uplink import Uplink

REASON_S = 2.0
"""How long the reading side of a broken link has to say why it broke."""


class _RolloverDueError(EngineError):
    """The link is given up on purpose, for a fresh one."""


@dataclass(slots=True)
class Ends:
    """Where facts go to, and where audio and commands come from."""

    decisions: Decisions
    uplink: Uplink
    sender: Sender
    devices_open: Callable[[], Awaitable[None]]


class Link:
    """Connects, carries audio, commands and events, and connects again as the supervisor says.

    The first connection is not repeated on the same provider: what makes a session impossible is told at once.
    """

    def __init__(self, supervisor: Supervisor, options: SessionOptions, ends: Ends) -> None:
        self.options = options
        """What the next connection is set up with; kept up to date by whoever changes settings."""
        self.established = False
        """Whether audio ever could flow."""
        self._supervisor = supervisor
        self._ends = ends
        self._rollover = asyncio.Event()

    def roll_over(self) -> None:
        """Move to a fresh connection now."""
        self._rollover.set()

    async def run(self) -> None:
        """Keep the link up until cancelled. Raises the EngineError that it cannot be made anew after."""
        loop = asyncio.get_running_loop()
        provider = self._supervisor.provider
        while True:
            try:
                await self._live(provider)
            except _RolloverDueError:
                self._lost()
            except EngineError as err:
                retry = self._supervisor.after(err, loop.time())
                if retry is None or (not self.established and retry.provider is provider):
                    raise
                self._lost()
                provider = retry.provider
                await asyncio.sleep(retry.after_s)

    def _lost(self) -> None:
        self._ends.sender.forget()
        self._ends.uplink.rewind()
        if self.established:
            self._ends.decisions.post(LinkLost())
        else:
            self._ends.sender.renew()

    async def _live(self, provider: RealtimeProvider) -> None:
        self._rollover.clear()
        async with provider.connect(self.options) as connection:
            await self._ends.devices_open()
            self._supervisor.connected(asyncio.get_running_loop().time())
            self.established = True
            self._ends.decisions.post(SessionReady())
            failure: EngineError | None = None
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._receive(connection), name="rtvoice downlink")
                    tasks.create_task(self._send_audio(connection), name="rtvoice uplink")
                    tasks.create_task(self._send_commands(connection), name="rtvoice commands")
                    tasks.create_task(self._watch_rollover(), name="rtvoice rollover")
            except* EngineError as errors:
                failure = _first(errors)
            if failure is not None:
                raise failure

    async def _receive(self, connection: Connection) -> None:
        async for event in connection.receive():
            await self._ends.decisions.offer(event)

    async def _send_audio(self, connection: Connection) -> None:
        await self._ends.sender.input_open()
        async with _reason_is_read():
            await self._ends.uplink.forward(connection)

    async def _send_commands(self, connection: Connection) -> None:
        async with _reason_is_read():
            await self._ends.sender.run(connection)

    async def _watch_rollover(self) -> None:
        await self._rollover.wait()
        raise _RolloverDueError


@asynccontextmanager
async def _reason_is_read() -> AsyncIterator[None]:
    """Hold back the failure of a sender: the reading side knows why the link broke, and is asked first."""
    try:
        yield
    except ConnectionLostError:
        await asyncio.sleep(REASON_S)
        raise


def _first(errors: ExceptionGroup[EngineError]) -> EngineError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
