"""One page at its socket, from its hello to its end."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from aiohttp import WSMsgType, web

from ...engine.audio.frame import SAMPLE_BYTES
from .allowance import Allowance
from .seat import PageRates, Seat
from .wire import (
    GOING_AWAY_CODE,
    POLICY_CODE,
    Farewell,
    FaultCode,
    Hello,
    MicrophoneFailed,
    PageFaultError,
    PageMessage,
    Played,
    check_audio,
    fault_farewell,
    read_message,
    to_text,
)

_LOGGER = logging.getLogger(__name__)

HELLO_WITHIN_S: Final = 10.0
PING_EVERY_S: Final = 3.0
_LOOK_EVERY_S: Final = 0.5
SILENT_FOR_S: Final = 6.0
"""A page that says nothing for so long, not even to a ping, is gone."""
GRACE_AFTER_CLOSE_S: Final = 8.0
"""How long a session waits for a page whose socket was closed: it may only be loading again."""
GRACE_AFTER_SILENCE_S: Final = 2.0
"""How long it waits for one that has been silent already."""
_CLOSE_WITHIN_S: Final = 2.0

type Socket = web.WebSocketResponse


class Page:
    """A page at the seat of a satellite. `may_stay` is asked as long as it is there.

    What waits to be sent is at most one message of each kind, and audio that the seat holds, so that a page that does
    not read costs nothing.
    """

    def __init__(self, socket: Socket, hello: Hello, seat: Seat, may_stay: Callable[[], bool]) -> None:
        self._socket = socket
        self._seat = seat
        self._may_stay = may_stay
        self._rates = PageRates(hello.input_rate_hz, hello.output_rate_hz)
        self._waiting: dict[str, str] = {"ready": to_text("ready")}
        self._awake = asyncio.Event()
        self._allowance = Allowance()
        self._loop = asyncio.get_running_loop()
        self._heard_s = self._loop.time()
        self._end: asyncio.Future[Farewell] = self._loop.create_future()
        self._grace_s = GRACE_AFTER_CLOSE_S

    @property
    def rates(self) -> PageRates:
        """At what it captures and plays."""
        return self._rates

    def say(self, kind: str, **fields: object) -> None:
        """Send a message; of several of a kind that wait, only the last."""
        self._waiting.pop(kind, None)
        self._waiting[kind] = to_text(kind, **fields)
        self._awake.set()

    def wake(self) -> None:
        """There is audio to send."""
        self._awake.set()

    def dismiss(self, farewell: Farewell) -> None:
        """Close the socket; the first who wants that says how."""
        if not self._end.done():
            self._end.set_result(farewell)

    async def run(self) -> None:
        """Be the satellite's ears and mouth until the socket is closed, by whomever."""
        self._seat.sit(self)
        works: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "read": self._read,
            "write": self._write,
            "watch": self._watch,
        }
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work(), name=f"rtvoice page {name}") for name, work in works.items()]
                farewell = await self._end
                for task in tasks:
                    task.cancel()
        finally:
            self._seat.leave(self, grace_s=self._grace_s)
        await say_farewell(self._socket, farewell)

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                self._heard_s = self._loop.time()
                match message.type:
                    case WSMsgType.BINARY:
                        self._hear(message.data)
                    case WSMsgType.TEXT:
                        self._receive(read_message(message.data))
                    case _:
                        break
        except PageFaultError as fault:
            _LOGGER.debug("A page was dismissed: %s", fault)
            self.dismiss(fault_farewell(fault))
        except ConnectionError as err:
            # A ping was to be answered.
            _LOGGER.debug("A page is gone: %r", err)
        self.dismiss(Farewell(GOING_AWAY_CODE))

    def _hear(self, pcm: bytes) -> None:
        check_audio(pcm, self._rates.input_hz)
        self._allowance.spend(len(pcm) / SAMPLE_BYTES / self._rates.input_hz, self._heard_s)
        self._seat.hear(self, pcm)

    def _receive(self, message: PageMessage | None) -> None:
        match message:
            case Played():
                self._seat.played(self, message.epoch, message.samples)
            case MicrophoneFailed():
                self._seat.microphone_failed(self, message.reason)
            case Hello():
                raise PageFaultError(FaultCode.BAD_MESSAGE, "A page says hello once")
            case _:
                # A pong, or what a later version has to say: the page is there.
                pass

    async def _write(self) -> None:
        try:
            while True:
                if self._waiting:
                    # In the order of their kinds' last use, and before all audio, so that nothing delays a clear.
                    await self._socket.send_str(self._waiting.pop(next(iter(self._waiting))))
                elif (frame := self._seat.next_audio(self)) is not None:
                    await self._socket.send_bytes(frame)
                else:
                    self._awake.clear()
                    await self._awake.wait()
        except ConnectionError as err:
            _LOGGER.debug("A page is gone: %r", err)
            self.dismiss(Farewell(GOING_AWAY_CODE))

    async def _watch(self) -> None:
        pinged_s = self._loop.time()
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            now_s = self._loop.time()
            if not self._may_stay():
                self.dismiss(Farewell(POLICY_CODE))
            elif now_s - self._heard_s >= SILENT_FOR_S:
                self._grace_s = GRACE_AFTER_SILENCE_S
                self.dismiss(Farewell(GOING_AWAY_CODE))
            elif now_s - pinged_s >= PING_EVERY_S:
                pinged_s = now_s
                self.say("ping")


async def receive_hello(socket: Socket) -> Hello:
    """The first message of a page. Raises PageFaultError."""
    try:
        async with asyncio.timeout(HELLO_WITHIN_S):
            first = await socket.receive()
    except (TimeoutError, ConnectionError) as err:
        raise PageFaultError(FaultCode.BAD_HELLO, "The page has not said hello") from err
    if first.type is not WSMsgType.TEXT:
        raise PageFaultError(FaultCode.BAD_HELLO, "The first message must be a hello")
    try:
        hello = read_message(first.data)
    except PageFaultError as fault:
        raise PageFaultError(FaultCode.BAD_HELLO, str(fault)) from fault
    if not isinstance(hello, Hello):
        raise PageFaultError(FaultCode.BAD_HELLO, "The first message must be a hello")
    return hello


async def say_farewell(socket: Socket, farewell: Farewell) -> None:
    """Close a socket, within a bounded time also when nobody reads at the other end."""
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(_CLOSE_WITHIN_S):
            if farewell.message is not None and not socket.closed:
                await socket.send_str(farewell.message)
            await socket.close(code=farewell.code)
