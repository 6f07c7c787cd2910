"""The card in a real browser, against a server that is the test: what it captures, plays, counts and cuts off."""

import array
import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest_asyncio
from aiohttp import WSMsgType, web
from playwright.async_api import Page, async_playwright, expect

from demo.home_assistant import ROOT, free_port

WWW = ROOT / "custom_components" / "rtvoice" / "www"
HERE = Path(__file__).parent
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
WITHIN_S = 30.0
PLAYED_S, GIVEN_S = 0.5, 1.5
"""The user speaks after this much of what the page was given."""


@dataclass
class Server:
    """The other end of the audio socket."""

    socket: asyncio.Future[web.WebSocketResponse]
    url: str = ""
    hello: dict[str, object] = field(default_factory=dict)
    frames: list[bytes] = field(default_factory=list)
    played: list[tuple[int, int]] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, request: web.Request) -> web.Response:
        self.started.set()
        return web.Response()

    async def audio(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                self.frames.append(message.data)
                continue
            content = message.json()
            if content["type"] == "hello":
                self.hello = content
                await socket.send_json({"type": "ready"})
                self.socket.set_result(socket)
            elif content["type"] == "played":
                self.played.append((content["epoch"], content["samples"]))
        self.gone.set()
        return socket

    async def tell(self, **message: object) -> None:
        await (await self.socket).send_json(message)

    async def play(self, epoch: int, pcm: bytes) -> None:
        await (await self.socket).send_bytes(epoch.to_bytes(4, "little") + pcm)

    async def until_played(self, epoch: int, samples: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not any(at == epoch and count >= samples for at, count in self.played):
                await asyncio.sleep(0.01)


async def card_page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(HERE / "card_page.html")


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """The server, with a page that has nothing but the card."""
    server = Server(asyncio.get_running_loop().create_future())
    app = web.Application()
    app.router.add_get("/", card_page)
    app.router.add_static("/www", WWW)
    app.router.add_post("/start", server.start)
    app.router.add_get("/audio", server.audio)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    server.url = f"http://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def server(sockets: None) -> AsyncIterator[Server]:
    async with serving() as server:
        yield server


@contextlib.asynccontextmanager
async def card(server: Server, chromium: str) -> AsyncIterator[Page]:
    """The card, tapped, with a session."""
    async with async_playwright() as playwright:
        program = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        try:
            page = await program.new_page()
            await page.add_init_script(path=HERE / "card_probe.js")
            await page.goto(server.url)
            await page.get_by_role("button", name="Start talking with Tablet").click()
            async with asyncio.timeout(WITHIN_S):
                await server.started.wait()
            yield page
        finally:
            await program.close()


def tone(rate_hz: int, seconds: float) -> bytes:
    """A sine wave, loud."""
    samples = (int(16_000 * math.sin(2 * math.pi * 440 * at / rate_hz)) for at in range(int(rate_hz * seconds)))
    return array.array("h", samples).tobytes()


async def test_the_card_captures_plays_counts_and_falls_silent(server: Server, chromium: str) -> None:
    async with card(server, chromium) as page:
        # It listens only while it is to.
        assert server.hello["protocol"] == 1
        rate_hz = server.hello["output_rate_hz"]
        assert isinstance(rate_hz, int)
        assert not server.frames
        await server.tell(type="microphone", open=True)
        async with asyncio.timeout(WITHIN_S):
            # The browser's pretended microphone beeps now and then.
            while len(server.frames) < 50 or not any(any(frame) for frame in server.frames):
                await asyncio.sleep(0.02)
        assert {len(frame) for frame in server.frames} == {rate_hz // 50 * 2}
        await expect(page.get_by_role("button", name="End the conversation with Tablet")).to_be_visible()

        # It counts each sample that it has played, also of the last incomplete block.
        short = tone(rate_hz, 0.5)[:-14]
        await server.play(0, short)
        await server.until_played(0, len(short) // 2)
        assert server.played[-1] == (0, len(short) // 2)

        # It falls silent in the middle of a word, and drops what comes late.
        await server.play(0, tone(rate_hz, GIVEN_S))
        await server.until_played(0, len(short) // 2 + int(rate_hz * PLAYED_S))
        await server.tell(type="clear", epoch=1)
        await server.play(0, tone(rate_hz, 0.5))
        await asyncio.sleep(0.5)
        probe = await page.evaluate("({ ...window.probe, tracks: window.probe.tracks.length })")
        assert probe["loudAt"] is not None
        # How soon is for bench/silence.py to say; that it is soon is seen from what was left to be played.
        assert probe["loudAt"] - probe["clearedAt"] <= (GIVEN_S - PLAYED_S) * 1000 / 5
        assert server.played[-1][0] == 0

        # The new epoch is counted from its beginning.
        await server.play(1, tone(rate_hz, 0.2))
        await server.until_played(1, rate_hz // 5)
        assert server.played[-1] == (1, rate_hz // 5)

        # The microphone is closed when nobody listens any more.
        await server.tell(type="microphone", open=False)
        await asyncio.sleep(0.3)
        heard = len(server.frames)
        await asyncio.sleep(0.3)
        assert len(server.frames) == heard
        assert await page.evaluate("window.probe.tracks.every(track => track.readyState === 'ended')")

        # Another page takes over: this one says so and stays away.
        await server.tell(type="replaced")
        await expect(page.get_by_text("Another page is this satellite now.")).to_be_visible()
        async with asyncio.timeout(WITHIN_S):
            await server.gone.wait()
