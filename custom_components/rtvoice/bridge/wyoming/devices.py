"""A satellite's microphone and speaker, as a session uses them."""

from typing import Final, override

from wyoming.audio import AudioChunk, AudioStart, AudioStop

from ...engine.devices.fed import FedInput
from ...engine.devices.paced import PacedOutput
from ...engine.errors import SinkError, SourceError
from .audio import RATE_HZ
from .link import WyomingLink

SPEAKER_RATE_HZ: Final = 22_050
"""What satellites of this protocol play unless they are told another rate, as Home Assistant's own speech has it."""
LATENCY_S: Final = 0.15
"""What lies between the network and the ear, as a guess: programs, pipes and a sound card's buffer."""
_CAPACITY_CHUNKS: Final = 500


class WyomingInput(FedInput):
    """The microphone."""

    def __init__(self, link: WyomingLink) -> None:
        super().__init__(RATE_HZ, max_chunks=_CAPACITY_CHUNKS)
        self._link = link

    @override
    async def start(self) -> None:
        """Begin to hear, with what was said since the satellite was woken."""
        await super().start()
        self._link.hear(self.hear, self._lose)

    @override
    async def stop(self) -> None:
        """Hear no more. Idempotent."""
        await super().stop()
        self._link.ignore(self.hear)

    def _lose(self) -> None:
        self.break_off(SourceError("The satellite is gone"))


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
