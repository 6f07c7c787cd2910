"""Ports implemented for tests: a provider that follows a script, a microphone, a speaker, tools."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from custom_components.rtvoice.engine.conversation.effects import ModelCommand
from custom_components.rtvoice.engine.conversation.facts import ModelEvent
from custom_components.rtvoice.engine.conversation.values import Capabilities, ToolCall, ToolDefinition, ToolOutcome
from custom_components.rtvoice.engine.errors import (
    ConnectionFailedError,
    ConnectionLostError,
    EngineError,
    SinkError,
    SourceError,
)
from custom_components.rtvoice.engine.options import SessionOptions

FRAME = 960
"""Bytes of 20 ms at 24 kHz."""


class FakeConnection:
    """Gives the events it is fed; keeps what it is sent."""

    def __init__(self) -> None:
        self.commands: list[ModelCommand] = []
        self.audio: list[bytes] = []
        self.events: asyncio.Queue[ModelEvent | EngineError] = asyncio.Queue()
        self.stalled = asyncio.Event()
        self.stalled.set()
        self.send_error: EngineError | None = None

    async def send(self, command: ModelCommand) -> None:
        await self.stalled.wait()
        if self.send_error is not None:
            raise self.send_error
        self.commands.append(command)

    async def send_audio(self, pcm: bytes) -> None:
        self.audio.append(pcm)

    async def audio_taken(self) -> None:
        await asyncio.sleep(0)

    async def receive(self) -> AsyncIterator[ModelEvent]:
        while True:
            event = await self.events.get()
            if isinstance(event, EngineError):
                raise event
            yield event

    def feed(self, *events: ModelEvent | EngineError) -> None:
        for event in events:
            self.events.put_nowait(event)

    def sent[T](self, kind: type[T]) -> list[T]:
        return [command for command in self.commands if isinstance(command, kind)]


class FakeProvider:
    """Connects after `delay_s`, or fails: with `error` at once, with those of `later` one by one after the first time.

    The last of `later` is repeated; None stands for a connection.
    """

    def __init__(
        self,
        *,
        delay_s: float = 0.1,
        error: Exception | None = None,
        later: Sequence[Exception | None] = (None,),
        capabilities: Capabilities | None = None,
    ) -> None:
        self.capabilities = capabilities or Capabilities()
        self.later = list(later)
        self.attempts = 0
        self.delay_s = delay_s
        self.error = error
        self.connection = FakeConnection()
        self.connections: list[FakeConnection] = []
        self.options: SessionOptions | None = None
        self.open = 0
        self.prewarmed = 0
        self.closed = False

    async def prewarm(self) -> None:
        self.prewarmed += 1

    @asynccontextmanager
    async def connect(self, options: SessionOptions) -> AsyncIterator[FakeConnection]:
        self.options = options
        await asyncio.sleep(self.delay_s)
        self.attempts += 1
        error = self.error
        if self.attempts > 1:
            error = self.later.pop(0) if len(self.later) > 1 else self.later[0]
        if error is not None:
            raise error
        self.connection = FakeConnection()
        self.connections.append(self.connection)
        self.open += 1
        try:
            yield self.connection
        finally:
            self.open -= 1

    async def close(self) -> None:
        self.closed = True


class FakeMicrophone:
    """Captures a numbered frame every 20 ms while it is started."""

    def __init__(
        self, *, error: SourceError | None = None, start_s: float = 0.0, fails_after: int | None = None
    ) -> None:
        self.sample_rate = 24_000
        self.is_active = False
        self.error = error
        self.start_s = start_s
        self.fails_after = fails_after
        self.stops = 0
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        await asyncio.sleep(self.start_s)
        if self.error is not None:
            raise self.error
        self.is_active = True
        self._stopped.clear()

    async def stop(self) -> None:
        self.stops += 1
        self.is_active = False
        self._stopped.set()

    async def stream_chunks(self) -> AsyncIterator[bytes]:
        count = 0
        while not self._stopped.is_set():
            await asyncio.sleep(0.02)
            if count == self.fails_after:
                raise SourceError("The microphone was unplugged")
            count += 1
            yield (count % 65_536).to_bytes(2, "little") * (FRAME // 2)


class FakeSpeaker:
    """Plays at real speed, by the loop's clock; holds 100 ms."""

    def __init__(self, *, error: SinkError | None = None, start_s: float = 0.0) -> None:
        self.sample_rate = 24_000
        self.error = error
        self.start_s = start_s
        self.stops = 0
        self.given: list[bytes] = []
        self._played = 0
        self._queued = 0
        self._since_s = 0.0

    @property
    def played_samples(self) -> int:
        return self._played + self._running()

    @property
    def is_playing(self) -> bool:
        return self._running() < self._queued

    async def start(self) -> None:
        await asyncio.sleep(self.start_s)
        if self.error is not None:
            raise self.error

    async def stop(self) -> None:
        self.stops += 1
        await self.clear_buffer()

    async def play_chunk(self, pcm: bytes) -> None:
        while self._queued - self._running() > self.sample_rate // 10:
            await asyncio.sleep(0.01)
        self._settle()
        self._queued += len(pcm) // 2
        self.given.append(pcm)

    async def clear_buffer(self) -> None:
        self._settle()
        self._queued = 0

    def _running(self) -> int:
        elapsed_s = asyncio.get_running_loop().time() - self._since_s
        return min(self._queued, int(elapsed_s * self.sample_rate))

    def _settle(self) -> None:
        played = self._running()
        self._played += played
        self._queued -= played
        self._since_s = asyncio.get_running_loop().time()


class FakeTools:
    """Tools as plain coroutine functions."""

    def __init__(self, **handlers: Callable[[ToolCall], object]) -> None:
        self.handlers = handlers
        self.calls: list[ToolCall] = []
        self.cancelled: list[str] = []

    def definitions(self) -> tuple[ToolDefinition, ...]:
        return tuple(ToolDefinition(name, name) for name in self.handlers)

    def status_of(self, call: ToolCall) -> str | None:
        return None

    async def run(self, call: ToolCall) -> ToolOutcome:
        self.calls.append(call)
        try:
            return await self.handlers[call.name](call)
        except asyncio.CancelledError:
            self.cancelled.append(call.call_id)
            raise


def lost() -> ConnectionLostError:
    return ConnectionLostError("The connection was cut")


def unreachable() -> ConnectionFailedError:
    return ConnectionFailedError("Nobody answers")
