"""The way of commands to the provider."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from ..conversation.effects import CommitInput, ModelCommand, OpenInput
from ..eager import begin, succeeded
from ..ports import Connection


class Sender:
    """Sends commands one by one, in order, so that a congested socket does not hold up the conversation.

    Commands are never dropped; the conversation makes few of them and waits for most. `OpenInput` among them lets the
    microphone's audio flow, once everything before it is sent. A turn is committed behind its audio, which takes
    another way: `audio_sent` waits for that, and `committing` is told then.
    """

    def __init__(self, audio_sent: Callable[[], Awaitable[None]], committing: Callable[[], None]) -> None:
        self._audio_sent = audio_sent
        self._committing = committing
        self._commands: deque[ModelCommand | OpenInput] = deque()
        self._gone = False
        self._input_open = asyncio.Event()
        self._connection: Connection | None = None
        """Where commands are sent to, while `run` does."""
        self._sending: asyncio.Task[None] | None = None
        """What the connection did not take at once."""
        self._broken: asyncio.Future[None] | None = None

    def put(self, command: ModelCommand | OpenInput) -> None:
        """Queue a command, unless the link that it is meant for is gone."""
        if self._gone:
            return
        self._commands.append(command)
        self._go_on()

    def forget(self) -> None:
        """Drop what is queued, and what comes before `renew`: it is meant for a link that is gone."""
        self._gone = True
        self._commands.clear()
        self._input_open.clear()

    def renew(self) -> None:
        """Whoever gives commands knows that the link is gone: what comes now is meant for the next one."""
        self._gone = False

    async def input_open(self) -> None:
        """Wait until audio may flow."""
        await self._input_open.wait()

    async def run(self, connection: Connection) -> None:
        """Send until cancelled. Raises ConnectionLostError."""
        self._connection = connection
        self._broken = asyncio.get_running_loop().create_future()
        try:
            self._go_on()
            await self._broken
        finally:
            self._connection = self._broken = None
            if self._sending is not None:
                self._sending.cancel()
                await asyncio.wait([self._sending])

    def _go_on(self) -> None:
        """Send what the connection takes at once; when it takes its time, this is called again."""
        while self._connection is not None and self._sending is None and self._commands:
            command = self._commands.popleft()
            if isinstance(command, OpenInput):
                self._input_open.set()
                continue
            self._sending = begin(self._send(command, self._connection), "rtvoice command")
            if not succeeded(self._sending):
                self._sending.add_done_callback(self._sent)
                return
            self._sending = None

    def _sent(self, sending: asyncio.Task[None]) -> None:
        self._sending = None
        if succeeded(sending):
            self._go_on()
        elif not sending.cancelled() and (err := sending.exception()) is not None:
            # Nothing more goes to a connection that has failed.
            self._connection = None
            # A sender that is being cancelled knows that already.
            if self._broken is not None and not self._broken.done():
                self._broken.set_exception(err)

    async def _send(self, command: ModelCommand, connection: Connection) -> None:
        if isinstance(command, CommitInput):
            await self._audio_sent()
            self._committing()
        await connection.send(command)
