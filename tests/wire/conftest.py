"""The whole engine against the simulator, over a real socket on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from custom_components.rtvoice.engine import (
    AgentResult,
    CompatibleProvider,
    EventBus,
    RealtimeAgent,
    ServerVAD,
    SessionEvent,
    Tools,
)
from custom_components.rtvoice.engine.errors import SourceError
from simulator import Behaviour, Event, ScriptedBrain, Simulator, tone
from tests.engine.fakes import FakeSpeaker
from tests.official import ClientEvents

RATE = 24_000
FRAME = 960


class Microphone:
    """Hears silence, and what a test speaks into it, in real time or `faster`."""

    sample_rate = RATE

    def __init__(self) -> None:
        self.is_active = False
        self.broken = False
        self.faster = 1
        self._voice = bytearray()

    async def start(self) -> None:
        self.is_active = True

    async def stop(self) -> None:
        self.is_active = False

    def speak(self, seconds: float = 0.6) -> None:
        self._voice += tone(seconds)

    def pause(self, seconds: float) -> None:
        self._voice += bytes(round(seconds * RATE) * 2)

    async def stream_chunks(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while self.is_active:
            due_s += 0.02 / self.faster
            await asyncio.sleep(due_s - loop.time())
            if self.broken:
                raise SourceError("The microphone was unplugged")
            frame = bytes(self._voice[:FRAME])
            del self._voice[:FRAME]
            yield frame.ljust(FRAME, b"\0")


class House:
    """A simulator, an agent and what happens between them."""

    def __init__(self, simulator: Simulator, brain: ScriptedBrain, **settings: object) -> None:
        self.simulator = simulator
        self.brain = brain
        self.microphone = Microphone()
        self.speaker = FakeSpeaker()
        self.events: list[SessionEvent] = []
        self.provider = settings.pop("make_provider", CompatibleProvider)(base_url=simulator.base_url, api_key="secret")
        bus = EventBus()
        bus.subscribe(SessionEvent, self._see)
        self.agent = RealtimeAgent(
            provider=settings.pop("provider", self.provider),
            audio_input=self.microphone,
            audio_output=self.speaker,
            event_bus=bus,
            turn_detection=settings.pop("turn_detection", ServerVAD(silence_duration_ms=200)),
            **settings,
        )
        self.task: asyncio.Task[AgentResult] | None = None

    async def _see(self, event: SessionEvent) -> None:
        self.events.append(event)

    def of[T](self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition, within_s: float = 10) -> None:
        async with asyncio.timeout(within_s):
            while not condition():
                await asyncio.sleep(0.002)

    async def start(self) -> asyncio.Task[AgentResult]:
        self.task = asyncio.create_task(self.agent.run())
        await self.until(lambda: self.task.done() or self.agent.state == "listening")
        return self.task

    async def stop(self) -> AgentResult:
        await self.agent.stop()
        async with asyncio.timeout(5):
            return await self.task

    def client(self, kind: str) -> list[Event]:
        return [event for event in self.simulator.client_events if event["type"] == kind]

    def server(self, kind: str) -> list[Event]:
        return [event for event in self.simulator.server_events if event["type"] == kind]


@pytest.fixture
def house(socket_enabled):
    """Make a house: `async with house(brain, **agent settings) as h`."""

    @asynccontextmanager
    async def make(brain: ScriptedBrain | None = None, *, behaviour: Behaviour | None = None, sane=True, **settings):
        brain = brain or ScriptedBrain()
        check = ClientEvents()
        async with Simulator(brain, api_key="secret", behaviour=behaviour, on_client_event=check) as simulator:
            settings.setdefault("tools", Tools())
            made = House(simulator, brain, **settings)
            try:
                yield made
            finally:
                if made.task is not None and not made.task.done():
                    await made.agent.stop()
                    await asyncio.gather(made.task, return_exceptions=True)
                await made.provider.close()
            assert check.problems == []
            if sane:
                assert simulator.violations == []
                assert simulator.errors == []

    return make
