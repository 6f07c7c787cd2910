"""Where all facts come in, in order."""

import asyncio
from collections import deque

from ..conversation.facts import Fact


class Inbox:
    """Facts waiting to be decided on.

    Facts of the provider wait while more than `capacity` facts are queued, which makes the socket wait. Facts of our
    own are few by nature and are always taken at once.
    """

    def __init__(self, capacity: int = 256) -> None:
        self._capacity = capacity
        self._facts: deque[Fact] = deque()
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    @property
    def waiting(self) -> bool:
        """Whether facts wait to be decided on."""
        return bool(self._facts)

    def post(self, fact: Fact) -> None:
        """Take a fact of our own."""
        self._facts.append(fact)
        self._filled.set()

    async def offer(self, fact: Fact) -> None:
        """Take a fact of the provider, as soon as there is room."""
        while len(self._facts) >= self._capacity:
            self._room.clear()
            await self._room.wait()
        self.post(fact)

    async def take(self) -> Fact:
        """Wait for the next fact."""
        while not self._facts:
            self._filled.clear()
            await self._filled.wait()
        fact = self._facts.popleft()
        if len(self._facts) < self._capacity:
            self._room.set()
        return fact
