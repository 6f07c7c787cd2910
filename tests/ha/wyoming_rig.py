"""A Wyoming satellite on loopback that behaves as wyoming-satellite does, in the hands of a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import AsrProgram, Attribution, Describe, Info, Satellite
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import RunSatellite

RATE_HZ = 16_000
NOBODY = Attribution(name="", url="")
INFO = Info(satellite=Satellite("rig", NOBODY, installed=True, description=None, version="1.0"))
NO_SATELLITE = Info(asr=[AsrProgram("ears", NOBODY, installed=True, description=None, version="1", models=[])])


class RigSatellite:
    """Serves one program. With a wake word it streams from the word until it is told that the command is over."""

    def __init__(self, *, wake_word: str | None = "okay_nabu", info: Info = INFO) -> None:
        self.wake_word = wake_word
        self.info = info
        self.answers = True
        self.reads = asyncio.Event()
        self.reads.set()
        self.taken = False
        self.running = asyncio.Event()
        self.streaming = False
        self.received: list[Event] = []
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[RigSatellite]:
        await self.switch_on()
        try:
            yield self
        finally:
            await self.switch_off()

    async def switch_on(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def switch_off(self) -> None:
        assert self._server is not None
        self._server.close()
        self._server.close_clients()
        self.reads.set()
        await self._server.wait_closed()

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.received if event.type == kind]

    @property
    def played(self) -> bytes:
        """What it was given to play."""
        return b"".join(event.payload or b"" for event in self.of("audio-chunk"))

    async def until(self, kind: str, count: int = 1) -> None:
        async with asyncio.timeout(20):
            while len(self.of(kind)) < count:
                await asyncio.sleep(0.01)

    async def wake(self) -> None:
        """Somebody says the wake word."""
        await self.running.wait()
        self.streaming = True
        await self.send(RunPipeline(PipelineStage.ASR, PipelineStage.TTS, wake_word_name=self.wake_word).event())

    async def hear(self, pcm: bytes, *, in_real_time: bool = True) -> None:
        """Stream what it hears, PCM of 16 kHz."""
        for start in range(0, len(pcm), 2048):
            if not self.streaming:
                return
            await self.send(AudioChunk(RATE_HZ, 2, 1, pcm[start : start + 2048]).event())
            if in_real_time:
                await asyncio.sleep(0.064)

    def freeze(self) -> None:
        """Be gone with the connection left open: nothing is read or said any more, until it is switched off."""
        self.answers = self.streaming = False
        self.reads.clear()

    async def send(self, event: Event) -> None:
        assert self._writer is not None
        await async_write_event(event, self._writer)

    async def send_bytes(self, raw: bytes) -> None:
        assert self._writer is not None
        self._writer.write(raw)
        await self._writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError):
            while (event := await async_read_event(reader)) is not None:
                await self.reads.wait()
                if not self.answers:
                    continue
                if Describe.is_type(event.type):
                    await async_write_event(self.info.event(), writer)
                elif self.taken:
                    break
                else:
                    self._writer = writer
                    await self._obey(event)
        writer.close()

    async def _obey(self, event: Event) -> None:
        self.received.append(event)
        if RunSatellite.is_type(event.type):
            self.streaming = self.wake_word is None
            self.running.set()
            if self.streaming:
                await self.send(RunPipeline(PipelineStage.WAKE, PipelineStage.TTS, restart_on_end=True).event())
        elif Transcript.is_type(event.type) and self.wake_word is not None:
            self.streaming = False


__all__ = ["INFO", "NO_SATELLITE", "RATE_HZ", "AudioStart", "AudioStop", "RigSatellite"]
