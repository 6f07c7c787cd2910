"""A real agent, a real server and a network between them, on which faults befall."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, override

import aiohttp

from custom_components.rtvoice.engine import (
    AgentErrorEvent,
    AgentResult,
    AgentSessionConnectedEvent,
    EngineError,
    EventBus,
    OpenAIProvider,
    RealtimeAgent,
    ServerVAD,
    SessionEvent,
    Tools,
)
from custom_components.rtvoice.engine.conversation.values import Capabilities
from custom_components.rtvoice.engine.errors import SinkError, SourceError
from custom_components.rtvoice.engine.providers.openai.dialect import Timeouts
from simulator import Behaviour, Call, Connection, Heard, Plan, Say, ScriptedBrain, Simulator
from simulator.plan import Context
from tests.engine.fakes import FakeSpeaker
from tests.resilience.proxy import Proxy
from tests.wire.conftest import FRAME, Microphone

if TYPE_CHECKING:
    from tests.official import ClientEvents

KEY = "sk-resilience-0123456789"
FIRST = "Where does the heron sleep?"
ANSWER = "The heron sleeps on one leg, in the shallow water near the reeds."
REST = "And there it wakes at dawn."
SECOND = "And the owl, please?"
SECOND_ANSWER = "The owl sleeps by day."
ANSWER_S = 1.6

TIMEOUTS = Timeouts(greet_s=15.0, configure_s=15.0, close_s=0.5, heartbeat_s=15.0)
PATIENCE_S = 25.0
"""However slow a machine is: what takes longer than this hangs."""

FRAME_S = 0.02
LATE_S = 0.2
"""A sound card keeps so much for who comes late."""


class Ears(Microphone):
    """A microphone that may fall silent without saying so, and that hears nothing while the machine sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.stalled = False

    @override
    async def stream_chunks(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while self.is_active:
            due_s = max(due_s + FRAME_S, loop.time() - LATE_S)
            await asyncio.sleep(due_s - loop.time())
            if self.broken:
                raise SourceError("The microphone was unplugged")
            if not self.stalled:
                frame = bytes(self._voice[:FRAME])
                del self._voice[:FRAME]
                yield frame.ljust(FRAME, b"\0")


class Mouth(FakeSpeaker):
    """A speaker that may break, or stand still, which ours notice by themselves after a few seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = False
        self.stalled = False

    @property
    @override
    def is_playing(self) -> bool:
        return super().is_playing and not self.stalled

    @override
    async def play_chunk(self, pcm: bytes) -> None:
        if self.gone:
            raise SinkError("The speaker was unplugged")
        while self.stalled:
            await asyncio.sleep(0.05)
        await super().play_chunk(pcm)

    @override
    def _running(self) -> int:
        return 0 if self.stalled else super()._running()

    def stall(self) -> None:
        """Play no more of what is queued."""
        self._settle()
        self.stalled = True


class Provider(OpenAIProvider):
    """OpenAI at the simulator, whose sessions may last as long as the test wants.

    It lends its client session to the engine, which else loads the certificates of the machine for each.
    """

    session_s = 3600.0

    def __init__(self, url: str, timeouts: Timeouts, connector: aiohttp.TCPConnector | None = None) -> None:
        self._lent = aiohttp.ClientSession(connector=connector)
        super().__init__(KEY, base_url=url, timeouts=timeouts, session=self._lent)

    @override
    async def close(self) -> None:
        await super().close()
        await self._lent.close()

    @property
    @override
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, session_s=self.session_s)


class Brain(ScriptedBrain):
    """Understands what the user has said last, however often it hears it, and answers that."""

    def __init__(self) -> None:
        super().__init__(respond_with=self._answer)
        self.words = ""
        """What the user says."""
        self.tool: Call | None = None
        """What the answer to the first question takes."""

    @override
    async def hear(self, audio: bytes, context: Context) -> Heard:
        self.turns_heard.append((audio, context))
        return Heard(self.words)

    def _answer(self, context: Context) -> Plan:
        if "Go on from there" in (context.response_instructions or ""):
            return Plan((Say(REST, seconds=0.3),))
        words = [item.words for item in context.items if item.role == "user"]
        if not words or words[-1] != FIRST:
            return Plan((Say(SECOND_ANSWER, seconds=0.3),))
        if self.tool is not None and not any(item.kind == "function_call_output" for item in context.items):
            return Plan((self.tool,))
        return Plan((Say(ANSWER, seconds=ANSWER_S),))


class Scene:
    """One conversation in which something goes wrong, with everybody that takes part in it."""

    def __init__(
        self, name: str, *, provider: Callable[[Proxy], Provider] | None = None, checked: bool = True, **settings: Any
    ) -> None:
        self.name = name
        self.microphone = Ears()
        self.speaker = Mouth()
        self.tool_calls = 0
        self.tool_answers = asyncio.Event()
        """Set when the tool may have its result."""
        self.tool_hangs = False
        self.stopping: asyncio.Task[None] | None = None
        self.events: list[SessionEvent] = []
        self.task: asyncio.Task[AgentResult] | None = None
        self.brain = Brain()
        self.behaviour = Behaviour()
        self._check = _official_check() if checked else None
        self._make_provider = provider or plain
        self._settings = settings
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        simulator = Simulator(self.brain, api_key=KEY, behaviour=self.behaviour, on_client_event=self._checked)
        self.simulator = await self._stack.enter_async_context(simulator)
        port = int(self.simulator.base_url.rpartition(":")[2].partition("/")[0])
        self.proxy = await self._stack.enter_async_context(Proxy(port))
        self.provider = self._make_provider(self.proxy)
        bus = EventBus()
        bus.subscribe(SessionEvent, self._see)
        self.agent = RealtimeAgent(
            provider=self.provider,
            audio_input=self.microphone,
            audio_output=self.speaker,
            event_bus=bus,
            turn_detection=ServerVAD(silence_duration_ms=200),
            tools=self._tools(),
            **self._settings,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tool_answers.set()
        self.proxy.release()
        if self.task is not None and not self.task.done():
            self.task.cancel()
        await asyncio.gather(*(task for task in (self.task, self.stopping) if task is not None), return_exceptions=True)
        await self.provider.close()
        await self._stack.aclose()

    # --- what is seen -------------------------------------------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        """The server's end of the latest link."""
        return self.simulator.connections[-1]

    @property
    def established(self) -> bool:
        """Whether the session has begun."""
        return self.seen(AgentSessionConnectedEvent)

    @property
    def told(self) -> list[str]:
        """The types of the errors that observers were told of."""
        return [event.error.type for event in self.events if isinstance(event, AgentErrorEvent)]

    @property
    def problems(self) -> list[str]:
        """What the client did that none may do."""
        return [*(self._check.problems if self._check else ()), *self.simulator.violations]

    @property
    def user_words(self) -> list[str]:
        """What the user has said, as far as it is known."""
        return [turn.transcript for turn in self.agent.turns if turn.role == "user"]

    def seen(self, kind: type[SessionEvent]) -> bool:
        """Whether observers were told so."""
        return any(isinstance(event, kind) for event in self.events)

    def received(self, kind: str) -> bool:
        """Whether the server got such an event."""
        return any(event["type"] == kind for event in self.simulator.client_events)

    async def until(self, condition: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
        """Wait until it is so. Fails if that takes too long, or the session ends before."""
        assert self.task is not None
        ends = time.monotonic() + within_s
        while not condition():
            if self.task.done() and self.stopping is None:
                raise AssertionError(f"{self.name}: ended before {what}: {self.task!r}")
            if time.monotonic() > ends:
                raise AssertionError(f"{self.name}: never came to {what}; {self.account()}")
            await asyncio.sleep(0.01)

    def account(self) -> str:
        """Where the session stands."""
        kinds = [type(event).__name__.removesuffix("Event") for event in self.events[-12:]]
        turns = [(turn.role, turn.transcript) for turn in self.agent.turns]
        sent = [event["type"] for event in self.simulator.server_events][-6:]
        return f"{self.agent.state}, {len(self.proxy.links)} links, {turns}, {self.told}, {kinds}, sent {sent}"

    # --- what is done -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Begin."""
        self.task = asyncio.create_task(self.agent.run(), name=f"scene {self.name}")

    def ask(self, words: str, seconds: float = 0.4) -> None:
        """Have the user say something."""
        self.brain.words = words
        self.microphone.speak(seconds)

    def stop(self) -> None:
        """Begin to stop."""
        self.stopping = asyncio.create_task(self.agent.stop())

    async def ended(self, within_s: float = PATIENCE_S) -> AgentResult | EngineError:
        """What `run` returned, or the error of the engine that it raised."""
        assert self.task is not None
        done, _ = await asyncio.wait((self.task,), timeout=within_s)
        if not done:
            raise AssertionError(f"{self.name}: never ended; {self.account()}")
        error = self.task.exception()
        if error is not None and not isinstance(error, EngineError):
            raise error
        return self.task.result() if error is None else error

    # --- the others ---------------------------------------------------------------------------------------------------

    async def _see(self, event: SessionEvent) -> None:
        self.events.append(event)

    def _checked(self, event: Any) -> None:
        if self._check is not None and event["type"] != "input_audio_buffer.append":
            self._check(event)

    def _tools(self) -> Tools:
        tools = Tools()

        @tools.action("Look something up", timeout=2.0)
        async def look_up() -> str:
            self.tool_calls += 1
            await self.tool_answers.wait()
            if self.tool_hangs:
                await asyncio.Event().wait()
            return "on one leg"

        return tools


def _official_check() -> ClientEvents:
    # Its types take seconds to import, which a process of its own can do without.
    from tests.official import ClientEvents

    return ClientEvents()


def plain(proxy: Proxy, timeouts: Timeouts = TIMEOUTS) -> Provider:
    """A provider without a name or TLS."""
    return Provider(f"http://127.0.0.1:{proxy.port}/v1", timeouts)
