"""The server: HTTP routes, the handshake, and the simulator that tests and the program start."""

import asyncio
import itertools
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, override

from aiohttp import web

from .chat import complete
from .checks import Json
from .connection import Connection, ConnectionObserver
from .errors import Refused, Rejected
from .options import MODELS, REFUSALS, SHUTDOWN_DATES, Behaviour
from .plan import Brain
from .record import Event, EventLog, RecordFile, Wanted
from .scripted import ScriptedBrain
from .session import ServerSession, SessionOptions

_LOGGER = logging.getLogger(__name__)

type EventCallback = Callable[[Event], None]


class Simulator(ConnectionObserver):
    """A Realtime API server on loopback, serving while its context is entered.

    An exception of the brain or of a callback ends that connection and is raised again when the context is left. One
    that does not remember keeps no events, and is for long or heavy work: only the callbacks know what happened.
    """

    def __init__(
        self,
        brain: Brain | None = None,
        *,
        api_key: str | None = None,
        models: Sequence[str] = MODELS,
        host: str = "127.0.0.1",
        port: int = 0,
        record: Path | None = None,
        remembers: bool = True,
        behaviour: Behaviour | None = None,
        on_client_event: EventCallback | None = None,
        on_server_event: EventCallback | None = None,
    ) -> None:
        self.brain = brain or ScriptedBrain()
        self.behaviour = behaviour or Behaviour()
        self.api_key = api_key
        """The key that clients must show; None accepts any."""
        self.models = tuple(models)
        self.remembers = remembers
        self.connections: list[Connection] = []
        """All that got past the handshake, also those that have ended."""
        self.requests: list[Json] = []
        """Method, path, query and headers of every HTTP request."""
        self.on_client_event = on_client_event
        self.on_server_event = on_server_event
        self.failures: list[Exception] = []
        self._host, self._port = host, port
        self._client_log, self._server_log = EventLog(), EventLog()
        self._header_violations: list[str] = []
        self._record = RecordFile(record) if record else None
        self._runner: web.AppRunner | None = None
        self._stack = ExitStack()

    # --- what happened ------------------------------------------------------------------------------------------------

    @property
    def base_url(self) -> str:
        """Where the API is, such as `http://127.0.0.1:40123/v1`."""
        return f"http://{self._host}:{self._port}/v1"

    @property
    def client_events(self) -> list[Event]:
        """All client events of all connections, in order."""
        return self._client_log.events

    @property
    def server_events(self) -> list[Event]:
        """All server events of all connections, in order."""
        return self._server_log.events

    @property
    def errors(self) -> list[Json]:
        """The `error` objects of all error events that were sent."""
        return [event["error"] for event in self.server_events if event.get("type") == "error"]

    @property
    def violations(self) -> list[str]:
        """What clients did that a correct client never does."""
        return [*self._header_violations, *(text for link in self.connections for text in link.session.violations)]

    async def wait_for(self, wanted: Wanted, timeout: float = 5.0, *, count: int = 1) -> Event:  # noqa: ASYNC109  it names the time in its error
        """The `count`-th client event of a type or that a predicate wants, past or future. Raises TimeoutError."""
        return await self._client_log.wait_for(wanted, timeout, count)

    async def wait_for_sent(self, wanted: Wanted, timeout: float = 5.0, *, count: int = 1) -> Event:  # noqa: ASYNC109  it names the time in its error
        """The same for server events."""
        return await self._server_log.wait_for(wanted, timeout, count)

    # --- life ---------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.brain.start()
        if self._record:
            self._stack.enter_context(self._record)
        app = web.Application(client_max_size=2**26)
        app.router.add_get("/v1/models", self._list_models)
        app.router.add_get("/v1/realtime", self._realtime)
        app.router.add_post("/v1/chat/completions", self._chat)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        if self.failures and error is None:
            raise ExceptionGroup("The simulator failed", self.failures)

    async def stop(self) -> None:
        """Close all connections and the server. Idempotent."""
        for connection in self.connections:
            if not connection.closed.is_set():
                connection.close(1001, "Server is shutting down")
        for connection in self.connections:
            try:
                async with asyncio.timeout(1.0):
                    await connection.closed.wait()
            except TimeoutError:
                connection.cut()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
        await self.brain.close()
        self._stack.close()

    # --- routes -------------------------------------------------------------------------------------------------------

    async def _list_models(self, request: web.Request) -> web.Response:
        self._note_request(request)
        if status := self.behaviour.handshake_status:
            return _http_error(status, "server_error", "The server refuses on purpose.")
        if not self._key_fits(request):
            return _http_error(401, "invalid_api_key", "Incorrect API key provided.")
        models = [
            {
                "id": model,
                "object": "model",
                "created": 1_750_000_000,
                "owned_by": "system",
                "shutdown_date": SHUTDOWN_DATES.get(model),
            }
            for model in self.models
        ]
        return web.json_response({"object": "list", "data": models})

    async def _chat(self, request: web.Request) -> web.Response:
        self._note_request(request)
        if not self._key_fits(request):
            return _http_error(401, "invalid_api_key", "Incorrect API key provided.")
        try:
            return web.json_response(await complete(self.brain, await request.json()))
        except Rejected as err:
            status = {"model_not_found": 404, "server_error": 500}.get(err.code, 400)
            return _http_error(status, err.code, err.message, param=err.param, kind=err.kind)

    async def _realtime(self, request: web.Request) -> web.StreamResponse:
        self._note_request(request)
        if status := self.behaviour.handshake_status:
            return _http_error(status, "server_error", "The server refuses on purpose.")
        socket = web.WebSocketResponse(compress=False, max_msg_size=2**25)
        await socket.prepare(request)
        refusal = self._refusal(request)
        number = len(self.connections)
        connection = Connection(
            number, self._session(request.query.get("model", ""), number), self.brain, self.behaviour, self
        )
        if refusal:
            event = connection.session.emit("error", error=refusal.error())
            self.server_event(Event(event, number, time.monotonic()))
            await socket.send_json(event)
            await socket.close(code=refusal.close_code, message=refusal.reason.encode())
            return socket
        self.connections.append(connection)
        try:
            await connection.serve(socket, request.transport)
        except* ConnectionError:
            _LOGGER.debug("Connection %s broke", number)
        except* Exception as group:
            _LOGGER.exception("Connection %s failed", number)
            self.failures.extend(group.exceptions)
            await socket.close(code=1011, message=b"server_error")
        return socket

    def _session(self, model: str, number: int) -> ServerSession:
        counter = itertools.count(1)
        tag = f"{number}{uuid.uuid4().hex[:8]}"
        how = self.behaviour
        options = SessionOptions(
            model=model,
            session_id=f"sess_{tag}",
            expires_at=int(time.time() + how.session_s),
            delta_ms=how.delta_ms,
            late_deltas=how.late_deltas,
            semantic_silence_ms=how.semantic_silence_ms,
            answers_updates=how.answers_updates,
            sends_rate_limits=how.sends_rate_limits,
            mcp_tools=how.mcp_tools,
        )
        return ServerSession(options, lambda prefix: f"{prefix}_{tag}{next(counter):06d}")

    def _refusal(self, request: web.Request) -> Refused | None:
        code = self.behaviour.refusal
        model = request.query.get("model")
        if "OpenAI-Beta" in request.headers:
            self._header_violations.append("OpenAI-Beta header")
            code = "beta_api_shape_disabled"
        elif not self._key_fits(request):
            code = "invalid_api_key"
        elif not code and not model:
            code = "missing_model"
        elif not code and model not in self.models:
            code = (
                "invalid_model" if str(model).startswith("gpt-") and "realtime" not in str(model) else "model_not_found"
            )
        return REFUSALS[code] if code else None

    def _key_fits(self, request: web.Request) -> bool:
        if self.api_key is None:
            return True
        given = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.headers.get("api-key")
        return given == self.api_key

    def _note_request(self, request: web.Request) -> None:
        self.requests.append(
            {
                "method": request.method,
                "path": request.path,
                "query": dict(request.query),
                "headers": dict(request.headers),
            }
        )

    # --- observing ----------------------------------------------------------------------------------------------------

    @override
    def client_event(self, event: Event) -> None:
        if self._record:
            self._record.write(event, sender="client")
        if self.remembers:
            self._client_log.add(event)
        if self.on_client_event:
            self.on_client_event(event)

    @override
    def server_event(self, event: Event) -> None:
        if self._record:
            self._record.write(event, sender="server")
        if self.remembers:
            self._server_log.add(event)
        if self.on_server_event:
            self.on_server_event(event)


def _http_error(
    status: int, code: str, message: str, *, param: str | None = None, kind: str = "invalid_request_error"
) -> web.Response:
    error = {"message": message, "type": kind, "param": param, "code": code}
    return web.json_response({"error": error}, status=status)
