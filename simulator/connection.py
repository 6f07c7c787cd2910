"""One client's socket: carries a session's events, and runs the brain beside it."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from .actions import Action, Hear, Later, Respond, Send
from .checks import Json
from .conversation import Item
from .errors import Rejected
from .options import Behaviour
from .plan import Brain, CloseSocket, Cut, Fail, Fault, Garbage, Heard, Incomplete, NoAnswer, Stall
from .record import Event
from .responses import Response
from .session import ServerSession

_OUTBOX = 20_000


class Connection:
    """A client that is or was connected. Tests may make the server misbehave through its methods.

    What the client does not read waits, up to 20,000 frames; then the connection is broken.
    """

    def __init__(
        self, number: int, session: ServerSession, brain: Brain, behaviour: Behaviour, observer: ConnectionObserver
    ) -> None:
        self.number = number
        self.session = session
        self.client_events: list[Event] = []
        self.server_events: list[Event] = []
        self.close_code: int | None = None
        """The code in the close frame that ended the connection, whoever sent it."""
        self.closed = asyncio.Event()
        self._brain = brain
        self._behaviour = behaviour
        self._observer = observer
        self._outbox: asyncio.Queue[str | bytes | tuple[int, str]] = asyncio.Queue(_OUTBOX)
        self._hearings: dict[str, asyncio.Task[Heard]] = {}
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[Any]] = []
        self._settled = False
        self._transport: asyncio.Transport | None = None

    # --- for tests ----------------------------------------------------------------------------------------------------

    def send(self, event: Json) -> None:
        """Send an event, valid or not; an `event_id` is added where there is none."""
        self._post({"event_id": f"event_test_{len(self.server_events)}", **event})

    def send_raw(self, frame: str | bytes) -> None:
        """Send a text or binary frame."""
        self._put(frame)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame."""
        self._put((code, reason))

    def cut(self) -> None:
        """Break the socket without a close frame."""
        if self._transport:
            self._transport.abort()

    # --- for the server -----------------------------------------------------------------------------------------------

    async def serve(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        """Serve the client until either side ends the connection."""
        self._transport = transport
        try:
            async with self._tasks:
                self._spawn(self._write(socket), name="write")
                self._spawn(self._expire(), name="expire")
                self._spawn(self._ping(socket), name="ping")
                if not self._behaviour.mute:
                    self._do(self.session.open())
                await self._read(socket)
                for task in self._running:
                    task.cancel()
        finally:
            self.close_code = self.close_code or socket.close_code
            self.closed.set()

    async def _read(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            early = await self._settle(socket) if self._updates(message) else []
            for frame in (message, *early):
                self._take(frame)
            if socket.closed:
                return

    def _take(self, message: WSMessage) -> None:
        if message.type is WSMsgType.TEXT:
            self._note(message.data)
            if not self._behaviour.mute:
                self._do(self.session.receive_text(message.data))
        elif message.type is WSMsgType.BINARY:
            self._do(self.session.receive_binary())

    def _updates(self, message: WSMessage) -> bool:
        """Whether this is the client's first `session.update`."""
        if self._settled or message.type is not WSMsgType.TEXT or '"session.update"' not in message.data:
            return False
        self._settled = True
        return True

    async def _settle(self, socket: web.WebSocketResponse) -> list[WSMessage]:
        """What the client sends while its settings are being taken over; audio among it comes too early."""
        early: list[WSMessage] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._behaviour.settle_s):
                while not socket.closed:
                    early.append(await socket.receive())
        if any(frame.type is WSMsgType.TEXT and '"input_audio_buffer.append"' in frame.data for frame in early):
            self.session.violations.append("audio before session.updated")
        return early

    async def _write(self, socket: web.WebSocketResponse) -> None:
        while True:
            match await self._outbox.get():
                case (int(code), str(reason)):
                    self.close_code = code
                    await socket.close(code=code, message=reason.encode())
                    return
                case bytes(frame):
                    await socket.send_bytes(frame)
                case str(frame):
                    await socket.send_str(frame)

    async def _ping(self, socket: web.WebSocketResponse) -> None:
        while True:
            await asyncio.sleep(self._behaviour.ping_s)
            await socket.ping()

    async def _expire(self) -> None:
        await asyncio.sleep(self._behaviour.session_s)
        message = "Your session hit the maximum duration of 60 minutes."
        self._do([self.session.error(Rejected("session_expired", message))])
        self.close(1001, message)

    # --- what the session wants done ----------------------------------------------------------------------------------

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(event):
                    self._post(event)
                case Hear(item):
                    context = self.session.context()
                    hearing = self._spawn(self._brain.hear(bytes(item.audio), context), name="hear")
                    self._hearings[item.id] = hearing
                    self._spawn(self._transcribe(item, hearing), name="transcribe")
                case Respond(response):
                    self._start(response)
                case Later(seconds, work):
                    self._spawn(self._wait(seconds, work), name="later")

    async def _wait(self, seconds: float, work: Callable[[], list[Action]]) -> None:
        await asyncio.sleep(seconds)
        self._do(work())

    async def _transcribe(self, item: Item, hearing: asyncio.Task[Heard]) -> None:
        heard = await hearing
        self.session.heard(item, heard)
        del self._hearings[item.id]
        if heard.delay_s:
            await asyncio.sleep(heard.delay_s)
        self._do(self.session.transcribed(item, heard))

    def _start(self, response: Response) -> None:
        match self._brain.before_response(self.session.context(response)):
            case NoAnswer() | Cut() | CloseSocket() as fault:
                self.session.abandon(response)
                self._break(fault)
            case fault:
                self._do(self.session.begin(response))
                self._spawn(self._respond(response, fault), name=response.id)

    async def _respond(self, response: Response, fault: Fault | None) -> None:
        if fault and await self._go_wrong(response, fault):
            return
        if self._hearings:
            await asyncio.wait(list(self._hearings.values()))
            await asyncio.sleep(0)
        if self._behaviour.think_s:
            await asyncio.sleep(self._behaviour.think_s)
        plan = await self._brain.respond(self.session.context(response))
        self.session.write(response, plan)
        ahead_ms = 0
        while True:
            written = self.session.advance(response)
            self._post_all(written.events)
            self._do(self.session.take_steps())
            if written.finished or (written.fault and await self._go_wrong(response, written.fault)):
                return
            ahead_ms += written.audio_ms
            if ahead_ms >= self._behaviour.burst_ms:
                await asyncio.sleep(ahead_ms / 1000 / self._behaviour.speed if self._behaviour.speed else 0)
                ahead_ms = 0

    async def _go_wrong(self, response: Response, fault: Fault) -> bool:
        """Let a fault happen; whether the response is over."""
        match fault:
            case Fail(code, message, kind):
                error = {"type": kind, "code": code, "message": message}
                self._post_all(self.session.finish(response, "failed", {"type": "failed", "error": error}))
            case Incomplete(reason):
                self._post_all(self.session.finish(response, "incomplete", {"type": "incomplete", "reason": reason}))
            case Garbage(frame):
                self.send_raw(frame)
                return False
            case Stall(None):
                await asyncio.Event().wait()
            case Stall(float() | int() as seconds):
                await asyncio.sleep(seconds)
                return False
            case Cut() | CloseSocket() | NoAnswer():
                self._break(fault)
        return True

    def _break(self, fault: Cut | CloseSocket | NoAnswer) -> None:
        match fault:
            case Cut():
                self.cut()
            case CloseSocket(code, reason, error):
                if error is not None:
                    self._post(self.session.emit("error", error={"param": None, "event_id": None, **error}))
                self.close(code, reason)
            case NoAnswer():
                pass

    def _spawn[T](self, work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        task = self._tasks.create_task(work, name=name)
        self._running = [*(other for other in self._running if not other.done()), task]
        return task

    # --- events -------------------------------------------------------------------------------------------------------

    def _note(self, frame: str) -> None:
        try:
            event = json.loads(frame)
        except ValueError:
            event = {"type": None, "raw": frame}
        noted = Event(event if isinstance(event, dict) else {"type": None, "raw": frame}, self.number, time.monotonic())
        if self._observer.remembers:
            self.client_events.append(noted)
        self._observer.client_event(noted)

    def _post_all(self, events: list[Json]) -> None:
        for event in events:
            self._post(event)

    def _post(self, event: Json) -> None:
        noted = Event(event, self.number, time.monotonic())
        if self._observer.remembers:
            self.server_events.append(noted)
        self._put(json.dumps(event))
        self._observer.server_event(noted)

    def _put(self, frame: str | bytes | tuple[int, str]) -> None:
        if self._outbox.full():
            self.cut()
            return
        self._outbox.put_nowait(frame)


class ConnectionObserver:
    """Told of every event of every connection."""

    remembers: bool
    """Whether connections keep their events."""

    def client_event(self, event: Event) -> None:
        """A client sent an event."""

    def server_event(self, event: Event) -> None:
        """The server sent an event."""
