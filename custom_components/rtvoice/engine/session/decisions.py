"""Where all facts come in, in order, and where what follows from them is carried out, in order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from ..conversation.effects import ClearPlayout, Close, Effect
from ..conversation.facts import Fact, ModelEvent


class Decisions:
    """Has each fact decided on and its effects carried out before the next: `clear` is awaited, all else takes no time.

    A fact of the provider is decided on in the step in which it came, if none is before it: a delta is then played
    without any task being woken in between. Otherwise facts wait: those of the provider while more than `capacity` are
    queued, which makes the socket wait; our own are few by nature and are always taken at once.
    """

    def __init__(
        self,
        decide: Callable[[Fact], list[Effect]],
        *,
        clear: Callable[[], Awaitable[None]],
        capacity: int = 256,
    ) -> None:
        self._decide = decide
        self._act: Callable[[Effect], None] | None = None
        self._clear = clear
        self._capacity = capacity
        self._facts: deque[Fact] = deque()
        self._effects: deque[Effect] = deque()
        self._idle = False
        """Whether `run` waits for something to do."""
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._settled = asyncio.Event()

    @property
    def waiting(self) -> bool:
        """Whether facts wait to be decided on, or effects to be carried out."""
        return bool(self._facts or self._effects)

    def post(self, fact: Fact) -> None:
        """Take a fact of our own."""
        self._facts.append(fact)
        self._filled.set()

    async def offer(self, fact: ModelEvent) -> None:
        """Take a fact of the provider, as soon as there is room."""
        if self._idle and self._act is not None and not self.waiting:
            self._decide_now(fact, self._act)
            return
        while len(self._facts) >= self._capacity:
            self._room.clear()
            await self._room.wait()
        self.post(fact)

    async def run(self, act: Callable[[Effect], None]) -> Close:
        """Decide until the conversation closes the session; `act` carries out what takes no time."""
        self._act = act
        while True:
            if not self._effects:
                self._settled.set()
                await self._come()
            if not self._effects:
                self._effects.extend(self._decide(self._take()))
            while self._effects:
                match effect := self._effects.popleft():
                    case Close():
                        return effect
                    case ClearPlayout():
                        await self._clear()
                    case _:
                        act(effect)

    async def settled(self) -> None:
        """Wait until one more fact was decided on, or there will be none any more."""
        self._settled.clear()
        await self._settled.wait()

    def end(self) -> None:
        """Nothing is decided on any more."""
        self._settled.set()

    async def _come(self) -> None:
        """Wait for something to do."""
        while not self.waiting:
            self._filled.clear()
            self._idle = True
            await self._filled.wait()
            self._idle = False

    def _take(self) -> Fact:
        fact = self._facts.popleft()
        if len(self._facts) < self._capacity:
            self._room.set()
        return fact

    def _decide_now(self, fact: Fact, act: Callable[[Effect], None]) -> None:
        self._effects.extend(self._decide(fact))
        while self._effects and not isinstance(self._effects[0], (ClearPlayout, Close)):
            act(self._effects.popleft())
        if self._effects:
            self._filled.set()
        else:
            self._settled.set()
