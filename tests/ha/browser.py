"""A browser that has the card open: it keeps to docs/browser-protocol.md, or does not where a test wants that."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient
from homeassistant.auth.models import Credentials
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import CLIENT_ID, MockConfigEntry, MockUser

from custom_components.rtvoice.const import CONF_KIND, KIND_BROWSER
from simulator import tone

from .house import PATIENCE_S, add_satellite

TABLET = "assist_satellite.tablet"
TABLET_ID = "satellite_tablet"
PHONE = "assist_satellite.phone"
PHONE_ID = "satellite_phone"


@dataclass
class Commands:
    """A connection of Home Assistant's websocket; events are kept by the id of their subscription."""

    socket: Any
    events: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    last_id: int = 0
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    reading: asyncio.Task[None] | None = None

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send a command of the integration and return the whole answer."""
        self.reading = self.reading or asyncio.create_task(self._read())
        self.last_id += 1
        message_id = self.last_id
        await self.socket.send_json({"id": message_id, "type": f"rtvoice/{kind}", **fields})
        await self.until(lambda: message_id in self.answers)
        return self.answers[message_id]

    async def result(self, kind: str, **fields: Any) -> Any:
        """Send a command that must succeed."""
        answer = await self.ask(kind, **fields)
        assert answer["success"], answer
        return answer["result"]

    async def error(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send a command that must fail."""
        answer = await self.ask(kind, **fields)
        assert not answer["success"], answer
        return answer["error"]

    async def follow(self, entity_id: str) -> list[dict[str, Any]]:
        """Subscribe; the list grows with what is told, and has the snapshot already."""
        await self.result("session/subscribe", entity_id=entity_id)
        told = self.events.setdefault(self.last_id, [])
        await self.until(lambda: bool(told))
        return told

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that was received makes a condition true."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def close(self) -> None:
        """Hang up."""
        if self.reading is not None:
            self.reading.cancel()
            await asyncio.gather(self.reading, return_exceptions=True)
        await self.socket.close()

    async def _read(self) -> None:
        async for raw in self.socket:
            messages = raw.json()
            for message in messages if isinstance(messages, list) else [messages]:
                if message["type"] == "event":
                    self.events.setdefault(message["id"], []).append(message["event"])
                else:
                    self.answers[message["id"]] = message
            self.changed.set()


def state(told: list[dict[str, Any]]) -> dict[str, Any]:
    """How a satellite was said to be last."""
    return next(one for one in reversed(told) if one["type"] in {"state", "snapshot"})


class Page:
    """An open page: it speaks into its microphone when told to, and plays what it gets `speed` times as fast."""

    def __init__(self, socket: ClientWebSocketResponse, *, rate_hz: int = 24_000, speed: float = 4.0) -> None:
        self.socket = socket
        self.rate_hz = rate_hz
        self.speed = speed
        self.answers_pings = True
        self.reports = True
        self.messages: list[dict[str, Any]] = []
        self.times: dict[str, float] = {}
        """When a message of a type came last, on the loop's clock."""
        self.epoch = 0
        self.audio: dict[int, bytes] = {}
        self.played: dict[int, int] = {}
        self.close_code: int | None = None
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(cls, client: TestClient, url: str, **options: Any) -> Page:
        """Open the socket, say hello and wait until it was understood."""
        page = cls(await client.ws_connect(url), **options)
        page.start()
        await page.say("hello", protocol=1, input_rate_hz=page.rate_hz, output_rate_hz=page.rate_hz)
        await page.until(lambda: page.got("ready"))
        return page

    def start(self) -> None:
        """Begin to read and to play."""
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._play())]

    async def say(self, kind: str, **fields: Any) -> None:
        """Send a message."""
        await self.socket.send_str(json.dumps({"type": kind, **fields}))

    async def speak(self, seconds: float, *, silence_s: float = 1.0) -> None:
        """Have the microphone hear somebody, and then nobody; a little faster than in life."""
        pcm = tone(seconds) + bytes(int(silence_s * self.rate_hz) * 2)
        step = self.rate_hz // 50 * 2
        for start in range(0, len(pcm), step):
            await self.socket.send_bytes(pcm[start : start + step])
            await asyncio.sleep(0.01)

    def got(self, kind: str, **fields: Any) -> bool:
        """Whether such a message has come."""
        wanted = {"type": kind, **fields}
        return any(wanted.items() <= message.items() for message in self.messages)

    @property
    def all_audio(self) -> bytes:
        """What came, of all epochs."""
        return b"".join(self.audio.values())

    async def until(self, condition: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
        """Wait until something that was received or played makes a condition true."""
        async with asyncio.timeout(within_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_closed(self, within_s: float = PATIENCE_S) -> int | None:
        """Wait for the end of the socket; its code."""
        async with asyncio.timeout(within_s):
            await self._tasks[0]
        return self.close_code

    async def vanish(self) -> None:
        """Be gone without a word: the connection breaks."""
        transport = self.socket._conn.transport
        assert transport is not None
        transport.abort()
        await self.leave()

    def freeze(self) -> None:
        """Be gone, with the connection left open: nothing is read or said any more."""
        for task in self._tasks:
            task.cancel()

    async def leave(self) -> None:
        """Close the page."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.socket.close()

    async def _read(self) -> None:
        async for message in self.socket:
            match message.type:
                case WSMsgType.TEXT:
                    await self._take(message.json())
                case WSMsgType.BINARY:
                    epoch = int.from_bytes(message.data[:4], "little")
                    if epoch >= self.epoch:
                        self.audio[epoch] = self.audio.get(epoch, b"") + message.data[4:]
            self._changed.set()
        self.close_code = self.socket.close_code
        self._changed.set()

    async def _take(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self.times[message["type"]] = asyncio.get_running_loop().time()
        if message["type"] == "clear":
            self.epoch = message["epoch"]
        if message["type"] == "ping" and self.answers_pings:
            await self.say("pong")

    async def _play(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            have = len(self.audio.get(self.epoch, b"")) // 2
            before = self.played.get(self.epoch, 0)
            now = min(have, before + int(0.05 * self.speed * self.rate_hz))
            if now > before and self.reports:
                self.played[self.epoch] = now
                await self.say("played", epoch=self.epoch, samples=now)
                self._changed.set()


def add_browser(
    hass: HomeAssistant, entry: MockConfigEntry, subentry_id: str = TABLET_ID, title: str = "Tablet"
) -> None:
    """Add a browser satellite to an account that is not set up."""
    add_satellite(hass, entry, subentry_id, {CONF_KIND: KIND_BROWSER}, title=title)


async def async_guest(hass: HomeAssistant, policy: Any) -> tuple[MockUser, str]:
    """A user who may do what a policy says, and their access token."""
    user = MockUser(name="Guest").add_to_hass(hass)
    user.mock_policy(policy)
    credential = Credentials(
        id=f"credential-{user.id}",
        auth_provider_type="homeassistant",
        auth_provider_id=None,
        data={"username": user.id},
        is_new=False,
    )
    user.credentials.append(credential)
    token = await hass.auth.async_create_refresh_token(user, CLIENT_ID, credential=credential)
    return user, hass.auth.async_create_access_token(token)
