"""A satellite's microphone and speaker, as a session uses them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final, override

from wyoming.audio import AudioChunk, AudioStart, AudioStop

from ...engine.devices.paced import PacedOutput
from ...engine.errors import SinkError, SourceError
from .link import RATE_HZ, WyomingLink

SPEAKER_RATE_HZ: Final = 22_050
"""What satellites of this protocol play unless they are told another rate, as Home Assistant's own speech has it."""
LATENCY_S: Final = 0.15
"""What lies between the network and the ear, as a guess: programs, pipes and a sound card's buffer."""
_CAPACITY_CHUNKS: Final = 500


class WyomingInput:
    """The microphone. At most 500 chunks wait (full: the oldest is dropped and counted)."""

    def __init__(self, link: WyomingLink) -> None:
        self._link = link
        self._chunks: deque[bytes] = deque(maxlen=_CAPACITY_CHUNKS)
        self._arrived = asyncio.Event()
        self._lost = False
        self._active = False
        self.dropped_chunks = 0

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return RATE_HZ

    @property
    def is_active(self) -> bool:
        """Whether it is heard."""
        return self._active

    async def start(self) -> None:
        """Begin to hear, with what was said since the satellite was woken."""
        self._active = True
        self._link.hear(self._take, self._lose)

    async def stop(self) -> None:
        """Hear no more. Idempotent."""
        self._active = False
        self._arrived.set()
        self._link.ignore(self._take)

    async def stream_chunks(self) -> AsyncIterator[bytes]:
        """What is heard, as it comes. Raises SourceError when the satellite is gone."""
        while True:
            while self._chunks:
                yield self._chunks.popleft()
            if self._lost:
                raise SourceError("The satellite is gone")
            if not self._active:
                return
            self._arrived.clear()
            await self._arrived.wait()

    def _take(self, pcm: bytes) -> None:
        if len(self._chunks) == _CAPACITY_CHUNKS:
            self.dropped_chunks += 1
        self._chunks.append(pcm)
        self._arrived.set()

    def _lose(self) -> None:
        self._lost = True
        self._arrived.set()


class WyomingOutput(PacedOutput):
    """The speaker, which cannot be told to drop what it was given, nor says what it has played."""

    def __init__(self, link: WyomingLink) -> None:
        super().__init__(SPEAKER_RATE_HZ, latency_s=LATENCY_S)
        self._link = link

    @override
    async def _begin(self) -> None:
        await self._send(AudioStart(rate=self.sample_rate, width=2, channels=1))

    @override
    async def _give(self, pcm: bytes) -> None:
        await self._send(AudioChunk(rate=self.sample_rate, width=2, channels=1, audio=pcm))

    @override
    async def _end(self) -> None:
        await self._send(AudioStop())

    @override
    async def _cut(self) -> None:
        """Nobody listens any more where the satellite has gone."""
        self._link.tell(AudioStop().event())

    async def _send(self, message: AudioStart | AudioChunk | AudioStop) -> None:
        try:
            await self._link.send(message.event())
        except ConnectionError as err:
            raise SinkError("The satellite is gone") from err
