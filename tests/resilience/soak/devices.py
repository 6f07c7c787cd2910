"""A microphone that the scripted user speaks into, and speakers that know what they have played of whom."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from custom_components.rtvoice.engine.errors import SinkError, SourceError

from .excuses import BROKEN_OFF, HALF_DUPLEX
from .voices import RATE_HZ, SILENCE, is_gap, noise_frame, runs_in, user_frame


@dataclass(slots=True)
class Utterance:
    """Something that the user says."""

    number: int
    frames: int
    begun_s: float = 0.0
    ended_s: float = 0.0
    spared: str = ""
    """Why it need not be heard."""


class Microphone:
    """Captures silence and what it is told, `chunk_frames` frames of 20 ms at a time."""

    sample_rate = RATE_HZ

    def __init__(self, speaker: Speaker, chunk_frames: int, *, half_duplex: bool) -> None:
        self.is_active = False
        self.broken = False
        self.current: Utterance | None = None
        self.quiet_since_s = 0.0
        self._speaker = speaker
        self._chunk_frames = chunk_frames
        self._half_duplex = half_duplex
        self._frames: deque[tuple[bytes, Utterance | None, bool]] = deque()

    async def start(self) -> None:
        await asyncio.sleep(0.005)
        self.is_active = True

    async def stop(self) -> None:
        self.is_active = self.broken = False
        for _, utterance, _ in self._frames:
            if utterance is not None:
                utterance.spared = utterance.spared or BROKEN_OFF
        self._frames.clear()
        self.current = None

    def say(self, utterance: Utterance) -> None:
        """Hear an utterance, behind what is being said already."""
        loud = user_frame(utterance.number)
        last = utterance.frames - 1
        for index in range(utterance.frames):
            self._frames.append((SILENCE if is_gap(index) else loud, utterance, index == last))

    def rustle(self, frames: int) -> None:
        """Hear a noise."""
        self._frames.extend([(noise_frame(), None, False)] * frames)

    @property
    def idle(self) -> bool:
        return not self._frames

    async def stream_chunks(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        silence = SILENCE * self._chunk_frames
        due_s = loop.time()
        while self.is_active:
            due_s += 0.02 * self._chunk_frames
            await asyncio.sleep(due_s - loop.time())
            if self.broken:
                raise SourceError("The microphone was unplugged")
            if self._frames:
                yield b"".join(self._next(due_s - 0.02 * left) for left in range(self._chunk_frames, 0, -1))
            else:
                yield silence

    def _next(self, at_s: float) -> bytes:
        if not self._frames:
            return SILENCE
        frame, utterance, last = self._frames.popleft()
        self.quiet_since_s = at_s + 0.02
        self.current = utterance
        if utterance is not None:
            utterance.begun_s = utterance.begun_s or at_s
            if self._half_duplex and at_s - self._speaker.sounded_s < 0.5:
                utterance.spared = HALF_DUPLEX
            if last:
                utterance.ended_s = at_s + 0.02
                self.current = None
        return frame


class Speaker:
    """Plays at `pace` times real speed, holds `room_s`, and counts what it has played in blocks of `block_samples`."""

    sample_rate = RATE_HZ

    def __init__(self, *, pace: float = 1.0, room_s: float = 0.1, block_samples: int = 1) -> None:
        self.runs: list[tuple[int, int]] = []
        """What was really played: sample values and how many in a row."""
        self.broken = False
        self.stalled_until_s = 0.0
        self.sounded_s = float("-inf")
        self._rate = pace * RATE_HZ
        self._room = int(room_s * RATE_HZ)
        self._block = block_samples
        self._queue: deque[tuple[int, int]] = deque()
        self._queued = 0
        self._played = 0
        self._since_s = 0.0

    async def start(self) -> None:
        await asyncio.sleep(0.005)
        self._since_s = asyncio.get_running_loop().time()

    async def stop(self) -> None:
        self.broken = False
        await self.clear_buffer()

    @property
    def played_samples(self) -> int:
        self._settle()
        return self._played

    @property
    def is_playing(self) -> bool:
        self._settle()
        return self._queued > 0

    def stall(self, seconds: float) -> None:
        """Play nothing for a while, though it says that it plays."""
        self._settle()
        self.stalled_until_s = asyncio.get_running_loop().time() + seconds

    def heard(self, value: int) -> int:
        """How many samples of that value were played."""
        self._settle()
        return sum(count for each, count in self.runs if each == value)

    async def play_chunk(self, pcm: bytes) -> None:
        if self.broken:
            raise SinkError("The speaker was unplugged")
        self._settle()
        while self._queued > self._room:
            await asyncio.sleep(max(0.001, (self._queued - self._room) / self._rate))
            self._settle()
        for run in runs_in(pcm):
            self._queue.append(run)
        self._queued += len(pcm) // 2

    async def clear_buffer(self) -> None:
        self._settle()
        self._queue.clear()
        self._queued = 0

    def _settle(self) -> None:
        now_s = asyncio.get_running_loop().time()
        begin_s = max(self._since_s, self.stalled_until_s)
        if not self._queued:
            self._since_s = now_s
            return
        self.sounded_s = now_s
        due = int(max(0.0, now_s - begin_s) * self._rate)
        due = self._queued if due >= self._queued else due - due % self._block
        if due <= 0:
            return
        self._since_s = max(begin_s + due / self._rate, 0.0) if due < self._queued else now_s
        self._played += due
        self._queued -= due
        while due:
            value, count = self._queue.popleft()
            if count > due:
                self._queue.appendleft((value, count - due))
                count = due
            due -= count
            if self.runs and self.runs[-1][0] == value:
                count += self.runs.pop()[1]
            self.runs.append((value, count))
