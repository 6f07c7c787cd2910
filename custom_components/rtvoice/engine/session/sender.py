"""The way of commands to the provider."""

import asyncio
from collections import deque

from ..conversation.effects import ModelCommand
from ..ports import Connection


class Sender:
    """Sends commands one by one, in order, so that a congested socket does not hold up the conversation.

    Commands are never dropped; the conversation makes few of them and waits for most.
    """

    def __init__(self) -> None:
        self._commands: deque[ModelCommand] = deque()
        self._filled = asyncio.Event()

    def put(self, command: ModelCommand) -> None:
        """Queue a command."""
        self._commands.append(command)
        self._filled.set()

    async def run(self, connection: Connection) -> None:
        """Send until cancelled. Raises ConnectionLostError."""
        while True:
            while not self._commands:
                self._filled.clear()
                await self._filled.wait()
            await connection.send(self._commands.popleft())
