"""A speaker whose sound is what a pipeline's satellite plays, somewhere else and unseen."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Final

from ...engine.audio.frame import SAMPLE_BYTES

SAMPLE_RATE_HZ: Final = 24_000
MAX_HELD_S: Final = 600
"""What nobody has fetched beyond this is dropped."""
START_S: Final = 0.2
"""About how long it takes from the first sample's being fetched to its being heard."""

TOLERANCE_S: Final = 0.5
"""How far the reckoning of what was heard may be off."""


class Voice:
    """What the agent says in one turn, as it comes: 16-bit mono PCM at SAMPLE_RATE_HZ, read once."""

    def __init__(self, on_begun: Callable[[], None]) -> None:
        self._on_begun = on_begun
        self._chunks: deque[bytes] = deque()
        self._held_bytes = 0
        self._changed = asyncio.Event()
        self._fetched = asyncio.Event()
        self.begun = False
        """Whether anything was said."""
        self.ended = False
        """Whether nothing more will come."""
        self.taken = False
        """Whether somebody fetches it."""

    def put(self, pcm: bytes) -> None:
        """Say this too; dropped when too much is waiting to be fetched."""
        if self.ended or self._held_bytes > MAX_HELD_S * SAMPLE_RATE_HZ * SAMPLE_BYTES:
            return
        self._chunks.append(pcm)
        self._held_bytes += len(pcm)
        self._changed.set()
        if not self.begun:
            self.begun = True
            self._on_begun()

    def end(self) -> None:
        """Nothing more will come."""
        self.ended = True
        self._changed.set()

    def cut(self) -> None:
        """Fall silent now: what was not fetched is dropped."""
        self._chunks.clear()
        self.end()

    async def chunks(self) -> AsyncGenerator[bytes]:
        """What is said, until it ends."""
        self.taken = True
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._held_bytes -= len(chunk)
                self._fetched.set()
                yield chunk
            if self.ended:
                return
            self._changed.clear()
            await self._changed.wait()

    async def wait_fetched(self, timeout_s: float) -> bool:
        """Wait until somebody has fetched something of it; False if that takes too long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._fetched.wait()
        except TimeoutError:
            return False
        return True


class PipelineSpeaker:
    """Plays by handing over, at any pace; how much was heard is reckoned by the clock.

    A satellite plays what it is given as time goes by, from shortly after the first sample was fetched, or (`late`)
    from shortly after the last one had been said. `clock` is monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._voice: Voice | None = None
        self._next: tuple[Voice, bool] | None = None
        self._late = False
        self._given = 0
        self._settled = 0
        self._since_s: float | None = None

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return SAMPLE_RATE_HZ

    @property
    def is_playing(self) -> bool:
        """Whether something has not been heard yet."""
        return self.played_samples < self._given

    @property
    def played_samples(self) -> int:
        """How many samples were heard, as far as can be reckoned."""
        if self._since_s is None:
            return self._settled
        heard = max(0, int((self._clock() - self._since_s) * SAMPLE_RATE_HZ))
        return min(self._given, self._settled + heard)

    async def wait_heard(self) -> None:
        """Wait until all that was given has been heard, as far as can be reckoned."""
        while (left := self._given - self.played_samples) > 0:  # noqa: ASYNC110 - nobody tells but the clock
            # Before the first of it is heard, a little passes.
            await asyncio.sleep(left / SAMPLE_RATE_HZ + 0.01)

    def begin(self, voice: Voice, *, late: bool) -> None:
        """What is played next is part of `voice`; what was played before has been heard or cleared by then."""
        self._next = voice, late

    def fetched(self) -> None:
        """The satellite begins to be given the voice."""
        if not self._late:
            self._start()

    def ended(self) -> None:
        """All of the voice was said."""
        if self._late:
            self._start()

    def settle(self) -> None:
        """The satellite is done with playing: if next to nothing is missing by the reckoning, all was heard."""
        if self._since_s is not None and self._given - self.played_samples <= TOLERANCE_S * SAMPLE_RATE_HZ:
            self._settled, self._since_s = self._given, None

    async def start(self) -> None:
        """Do nothing; it is always ready."""

    async def stop(self) -> None:
        """End what is being said. Idempotent."""
        if self._voice is not None:
            self._voice.cut()

    async def play_chunk(self, pcm: bytes) -> None:
        """Hand over whole samples; what nobody waits for is taken for heard, so that nothing waits for it."""
        if self._next is not None:
            self._turn_to(*self._next)
        played = self.played_samples
        dry = played == self._given
        self._given += len(pcm) // SAMPLE_BYTES
        if self._voice is None or self._voice.ended:
            self._settled, self._since_s = self._given, None
            return
        if dry and self._since_s is not None:
            # It had fallen silent; time went by in which nothing was heard.
            self._settled, self._since_s = played, max(self._since_s, self._clock())
        self._voice.put(pcm)

    async def clear_buffer(self) -> None:
        """Hand over nothing more of what is being said."""
        self._given = self._settled = self.played_samples
        self._since_s = None
        if self._voice is not None:
            self._voice.cut()

    def _turn_to(self, voice: Voice, late: bool) -> None:
        if self._voice is not None:
            self._voice.cut()
        self._voice, self._late, self._next = voice, late, None
        self._settled, self._since_s = self._given, None

    def _start(self) -> None:
        if self._since_s is None:
            self._since_s = self._clock() + START_S
