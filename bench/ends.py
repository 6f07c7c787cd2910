"""The far ends of the paths: satellites and players that stamp what they bring and what they get."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, override

import aiohttp
from aiohttp import web
from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event
from wyoming.ping import Ping, Pong
from wyoming.snd import Played

from demo.api import HomeAssistantApi
from tests.ha.wyoming_rig import RATE_HZ, RigSatellite

from .clocks import ProcessorTime
from .marks import Stamp, marked

FRAME_S = 0.02
_WAV_HEADER_BYTES = 44


class StampedEnd:
    """Brings marked frames in time, and keeps what it got."""

    def __init__(self, clock: ProcessorTime, rate_hz: int) -> None:
        self._clock = clock
        self._rate_hz = rate_hz
        self._number = 0
        self.heard: list[Stamp] = []
        self.given: list[Stamp] = []

    def stamp(self, pcm: bytes) -> Stamp:
        """Now."""
        return Stamp(time.monotonic(), self._clock.now_s(), pcm)

    async def bring(self, frames: int, send: Callable[[bytes], Awaitable[None]], *, silence: int = 0) -> None:
        """Hear so many marked frames, then silent ones, in real time."""
        due_s = time.monotonic()
        for index in range(frames + silence):
            due_s += FRAME_S
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            samples = round(self._rate_hz * FRAME_S)
            if index >= frames:
                await send(bytes(2 * samples))
                continue
            pcm = marked(self._number, samples)
            self._number += 1
            self.heard.append(self.stamp(pcm))
            await send(pcm)


class WyomingEnd(RigSatellite):
    """A Wyoming satellite; with a wake word it brings what it hears only when it was woken."""

    def __init__(self, clock: ProcessorTime, *, wake_word: str | None) -> None:
        super().__init__(wake_word=wake_word)
        self.audio = StampedEnd(clock, RATE_HZ)

    async def bring(self, frames: int, *, silence: int = 0) -> None:
        """Hear marked frames, then silent ones."""
        await self.audio.bring(frames, self._send_frame, silence=silence)

    async def finish(self) -> None:
        """What was said is over."""
        self.streaming = False
        await self.send(AudioStop().event())

    async def _send_frame(self, pcm: bytes) -> None:
        await self.send(AudioChunk(RATE_HZ, 2, 1, pcm).event())

    @override
    async def _obey(self, event: Event) -> None:
        if AudioChunk.is_type(event.type):
            self.audio.given.append(self.audio.stamp(event.payload or b""))
            return
        await super()._obey(event)
        if Ping.is_type(event.type):
            await self.send(Pong(text=Ping.from_event(event).text).event())
        if AudioStop.is_type(event.type):
            await self.send(Played().event())


class PageEnd:
    """A page with the card on it, at 48 kHz as most browsers are."""

    RATE_HZ = 48_000

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, clock: ProcessorTime) -> None:
        self._socket = socket
        self.audio = StampedEnd(clock, self.RATE_HZ)
        self._epoch = 0
        self._got = 0
        self._played = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, api: HomeAssistantApi, base_url: str, entity_id: str, clock: ProcessorTime
    ) -> AsyncIterator[PageEnd]:
        """The page while the body runs."""
        url = (await api.call("rtvoice/browser/connect", entity_id=entity_id))["url"]
        async with aiohttp.ClientSession() as session, session.ws_connect(base_url + url) as socket:
            page = cls(socket, clock)
            hello = {"type": "hello", "protocol": 1, "input_rate_hz": cls.RATE_HZ, "output_rate_hz": cls.RATE_HZ}
            await socket.send_json(hello)
            working = [asyncio.create_task(work(), name="bench page") for work in (page._read, page._play)]
            try:
                yield page
            finally:
                for task in working:
                    task.cancel()
                await asyncio.wait(working)

    async def bring(self, frames: int, *, silence: int = 0) -> None:
        """Hear marked frames, then silent ones."""
        await self.audio.bring(frames, self._socket.send_bytes, silence=silence)

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.audio.given.append(self.audio.stamp(message.data[4:]))
                self._got += (len(message.data) - 4) // 2
            elif message.type is aiohttp.WSMsgType.TEXT:
                await self._obey(message.json())

    async def _obey(self, message: dict[str, Any]) -> None:
        if message["type"] == "ping":
            await self._socket.send_json({"type": "pong"})
        elif message["type"] == "clear":
            self._epoch, self._got, self._played = message["epoch"], 0, 0

    async def _play(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            if (now := min(self._got, self._played + self.RATE_HZ // 20)) > self._played:
                self._played = now
                await self._socket.send_json({"type": "played", "epoch": self._epoch, "samples": now})


class PlayerEnd:
    """A media player in the network that fetches what it is told to."""

    def __init__(self, clock: ProcessorTime) -> None:
        self.audio = StampedEnd(clock, 48_000)
        self.url = ""
        self._fetching: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[PlayerEnd]:
        """It is there while the body runs."""
        app = web.Application()
        app.router.add_post("/play", self._told_to_play)
        app.router.add_post("/stop", self._told_to_stop)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            self._stop()
            await runner.cleanup()

    def _stop(self) -> None:
        for task in self._fetching:
            task.cancel()

    async def _told_to_play(self, request: web.Request) -> web.Response:
        self._stop()
        task = asyncio.create_task(self._fetch(await request.text()), name="bench player fetches")
        self._fetching.add(task)
        task.add_done_callback(self._fetching.discard)
        return web.Response()

    async def _told_to_stop(self, _request: web.Request) -> web.Response:
        self._stop()
        return web.Response()

    async def _fetch(self, url: str) -> None:
        header = _WAV_HEADER_BYTES
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            async for piece in response.content.iter_any():
                pcm = piece[header:]
                header = max(0, header - len(piece))
                if pcm:
                    self.audio.given.append(self.audio.stamp(pcm))
