"""Where all facts come in, in order, and where what follows from them is carried out, in order."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from ..conversation.effects import ClearPlayout, Close, Effect
from ..conversation.facts import Fact, ModelEvent
from ..eager import begin, succeeded


class Decisions:
    """Has each fact decided on and its effects carried out before the next: `clear` may take time, all else takes none.

    A fact of the provider is decided on in the step in which it came, if none is before it: a delta is then played, or
    the speaker silenced, without any task being woken in between. So is the result of a tool. Otherwise facts wait:
    those of the provider while more than `capacity` are queued, which makes the socket wait; our own are few by nature
    and always taken at once.
    """

    def __init__(
        self,
        decide: Callable[[Fact], list[Effect]],
        *,
        clear: Callable[[], Coroutine[Any, Any, None]],
        capacity: int = 256,
    ) -> None:
        self._decide = decide
        self._clear = clear
        self._capacity = capacity
        self._facts: deque[Fact] = deque()
        self._effects: deque[Effect] = deque()
        self._clearing: asyncio.Task[None] | None = None
        """What of `clear` was not done at once."""
        self._act_at_once: Callable[[Effect], None] | None = None
        """Carries out effects beside `run`, while that waits for something to do."""
        self._acting = False
        """Whether it does so at the moment: what follows from that is no step of its own."""
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._settled = asyncio.Event()

    @property
    def waiting(self) -> bool:
        """Whether facts wait to be decided on, or effects to be carried out."""
        return bool(self._facts or self._effects or self._clearing)

    def post(self, fact: Fact) -> None:
        """Take a fact of our own."""
        self._facts.append(fact)
        self._filled.set()

    def take(self, fact: Fact) -> None:
        """Take a fact of our own that the user waits for: it is decided on in this very step, if none is before it."""
        if not self._decided_at_once(fact):
            self.post(fact)

    async def offer(self, fact: ModelEvent) -> None:
        """Take a fact of the provider, as soon as there is room."""
        if self._decided_at_once(fact):
            return
        while len(self._facts) >= self._capacity:
            self._room.clear()
            await self._room.wait()
        self.post(fact)

    async def run(self, act: Callable[[Effect], None]) -> Close:
        """Decide until the conversation closes the session; `act` carries out what takes no time."""
        try:
            while True:
                self._work(act)
                if self._clearing is not None:
                    await self._clearing
                    self._clearing = None
                elif self._effects and isinstance(close := self._effects[0], Close):
                    return close
                else:
                    self._settled.set()
                    await self._come(act)
        finally:
            if self._clearing is not None:
                self._clearing.cancel()
                await asyncio.wait([self._clearing])

    async def settled(self) -> None:
        """Wait until one more fact was decided on, or there will be none any more."""
        self._settled.clear()
        await self._settled.wait()

    def end(self) -> None:
        """Nothing is decided on any more."""
        self._settled.set()

    async def _come(self, act: Callable[[Effect], None]) -> None:
        """Wait for something to do."""
        self._act_at_once = act
        try:
            while not self.waiting:
                self._filled.clear()
                await self._filled.wait()
        finally:
            self._act_at_once = None

    def _decided_at_once(self, fact: Fact) -> bool:
        if self._act_at_once is None or self._acting or self.waiting:
            return False
        self._acting = True
        try:
            self._effects.extend(self._decide(fact))
            self._work(self._act_at_once)
        finally:
            self._acting = False
        self._tell()
        return True

    def _tell(self) -> None:
        """Wake whoever waits for something to do, or for there being nothing."""
        (self._filled if self.waiting else self._settled).set()

    def _take(self) -> Fact:
        fact = self._facts.popleft()
        if len(self._facts) < self._capacity:
            self._room.set()
        return fact

    def _work(self, act: Callable[[Effect], None]) -> None:
        """Decide and carry out until nothing is left, or something takes its time, or ends it all."""
        self._carry_out(act)
        while self._facts and not self._effects and self._clearing is None:
            self._effects.extend(self._decide(self._take()))
            self._carry_out(act)

    def _carry_out(self, act: Callable[[Effect], None]) -> None:
        """Carry out effects up to one that takes its time, or ends it all."""
        while self._clearing is None and self._effects and not isinstance(self._effects[0], Close):
            effect = self._effects.popleft()
            if isinstance(effect, ClearPlayout):
                self._fall_silent()
            else:
                act(effect)

    def _fall_silent(self) -> None:
        clearing = begin(self._clear(), "rtvoice clear")
        if not succeeded(clearing):
            self._clearing = clearing
