"""The way of commands to the provider."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from ..conversation.effects import CommitInput, ModelCommand, OpenInput
from ..ports import Connection


class Sender:
    """Sends commands one by one, in order, so that a congested socket does not hold up the conversation.

    Commands are never dropped; the conversation makes few of them and waits for most. `OpenInput` among them lets the
    microphone's audio flow, once everything before it is sent. A turn is committed behind its audio, which takes
    another way: `audio_sent` waits for that.
    """

    def __init__(self, audio_sent: Callable[[], Awaitable[None]]) -> None:
        self._audio_sent = audio_sent
        self._commands: deque[ModelCommand | OpenInput] = deque()
        self._filled = asyncio.Event()
        self._gone = False
        self._input_open = asyncio.Event()

    def put(self, command: ModelCommand | OpenInput) -> None:
        """Queue a command, unless the link that it is meant for is gone."""
        if self._gone:
            return
        self._commands.append(command)
        self._filled.set()

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
        while True:
            while not self._commands:
                self._filled.clear()
                await self._filled.wait()
            command = self._commands.popleft()
            if isinstance(command, OpenInput):
                self._input_open.set()
                continue
            if isinstance(command, CommitInput):
                await self._audio_sent()
            await connection.send(command)
