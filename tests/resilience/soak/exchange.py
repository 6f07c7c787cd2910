"""Where the provider's connections end: the simulator's, behind wires in memory, one line for each person."""

import asyncio
import itertools
import logging
import random
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context

import aiohttp
from yarl import URL

from simulator.connection import Connection, ConnectionObserver
from simulator.options import REFUSALS, Behaviour
from simulator.plan import Brain
from simulator.session import ServerSession, SessionOptions

from .wires import Cable, ClientEnd, Network, Wires, refused_handshake

TOOL_RUNS = "response.create before the output of tool call"

_LOGGER = logging.getLogger(__name__)


class Exchange:
    """Serves one client: each connection is a new session of the simulator, unless it refuses for a while."""

    def __init__(
        self, chance: random.Random, brain: Brain, behaviour: Behaviour, tasks: asyncio.TaskGroup, *, slowest_s: float
    ) -> None:
        self.network = Network(self._answer)
        self.behaviour = behaviour
        self.refusing_until_s = 0.0
        self.refusals = 0
        self.opened = 0
        self.violations: list[str] = []
        self.watch: Callable[[Connection], ConnectionObserver] = lambda _: ConnectionObserver()
        self.wires: Wires | None = None
        self.connection: Connection | None = None
        self._chance = chance
        self._brain = brain
        self._tasks = tasks
        self._slowest_s = slowest_s

    @property
    def link(self) -> Wires | None:
        """The connection that there is now."""
        wires = self.wires
        return None if wires is None or wires.broken or wires.up.swallows else wires

    def refuse(self, seconds: float) -> None:
        """Refuse all that connect meanwhile."""
        self.refusing_until_s = asyncio.get_running_loop().time() + seconds

    def _answer(self, url: URL) -> ClientEnd:
        wires = Wires(self._chance, self._slowest_s)
        if asyncio.get_running_loop().time() < self.refusing_until_s:
            self.refusals += 1
            self._refuse(url, wires)
            return wires.client
        self.opened += 1
        observer = _Later()
        connection = Connection(self.opened, self._session(), self._brain, self.behaviour, observer)
        # Sessions of hours have too many events to keep them.
        connection.client_events = connection.server_events = deque(maxlen=0)  # type: ignore[assignment]
        observer.observer = self.watch(connection)
        self.wires, self.connection = wires, connection
        # The far end of a wire knows nothing of who is at this end.
        self._tasks.create_task(self._serve(connection, wires), name="simulator connection", context=Context())
        return wires.client

    def _refuse(self, url: URL, wires: Wires) -> None:
        match self._chance.randrange(5):
            case 0:
                raise aiohttp.ClientConnectionError("Nobody answers")
            case 1:
                raise refused_handshake(url, 503)
            case 2:
                raise refused_handshake(url, 429)
            case 3:
                self._tasks.create_task(_say_no(wires), name="simulator refusal")
            case _:
                wires.fall_silent()

    async def _serve(self, connection: Connection, wires: Wires) -> None:
        try:
            await connection.serve(wires.server, Cable(wires))  # type: ignore[arg-type]  # as far as it is used
        except* ConnectionError:
            _LOGGER.debug("A connection broke")
        # What is said while a tool runs is asked for on purpose; whether it runs is looked at elsewhere.
        self.violations += [text for text in connection.session.violations if not text.startswith(TOOL_RUNS)]

    def _session(self) -> ServerSession:
        counter = itertools.count(1)
        tag = f"{self.opened}x"
        options = SessionOptions(
            session_id=f"sess_{tag}",
            expires_at=int(time.time() + self.behaviour.session_s),
            delta_ms=self.behaviour.delta_ms,
            late_deltas=self.behaviour.late_deltas,
            semantic_silence_ms=self.behaviour.semantic_silence_ms,
        )
        return ServerSession(options, lambda prefix: f"{prefix}_{tag}{next(counter):06d}")


class _Later(ConnectionObserver):
    """Hands on to an observer that is known only once there is a connection."""

    remembers = False

    def __init__(self) -> None:
        self.observer = ConnectionObserver()

    def client_event(self, event) -> None:
        self.observer.client_event(event)

    def server_event(self, event) -> None:
        self.observer.server_event(event)


async def _say_no(wires: Wires) -> None:
    refusal = REFUSALS["server_error"]
    session = ServerSession(SessionOptions(), lambda prefix: prefix)
    event = session.emit("error", error=refusal.error())
    import orjson

    await wires.server.send_str(orjson.dumps(event).decode())
    await wires.server.close(code=refusal.close_code, message=refusal.reason.encode())
