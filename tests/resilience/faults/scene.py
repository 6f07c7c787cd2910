"""A real agent, a real server and a network between them, on which faults befall."""

import asyncio
import time
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, override

import aiohttp

from custom_components.rtvoice.engine import (
    AgentErrorEvent,
    AgentResult,
    AgentSessionConnectedEvent,
    AgentStateChangedEvent,
    EngineError,
    EventBus,
    OpenAIProvider,
    RealtimeAgent,
    ServerVAD,
    SessionEvent,
    Tools,
)
from custom_components.rtvoice.engine.audio.frame import AudioFrame
from custom_components.rtvoice.engine.conversation.values import AgentState, Capabilities
from custom_components.rtvoice.engine.errors import SinkError, SourceError
from custom_components.rtvoice.engine.options import Cues
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
SORRY = "I could not look it up."
ANSWER_S = 1.6
REST_S = 0.3

TIMEOUTS = Timeouts(greet_s=15.0, configure_s=15.0, close_s=0.5, heartbeat_s=15.0)
PATIENCE_S = 25.0
"""However slow a machine is: what takes longer than this hangs."""

FRAME_S = 0.02
LATE_S = 0.2
"""A sound card keeps so much for who comes late."""


def _voice(first: int, seconds: float) -> bytes:
    """Audio of which every 20 ms can be told from all others: they count up from `first`."""
    return b"".join(array("h", [first + number] * (FRAME // 2)).tobytes() for number in range(round(seconds / FRAME_S)))


VOICES = {
    ANSWER: _voice(1_000, ANSWER_S),
    REST: _voice(2_000, REST_S),
    SECOND_ANSWER: _voice(3_000, REST_S),
    SORRY: _voice(4_000, REST_S),
}
"""How what the agent says sounds."""
LOW_TONE = _voice(5_000, 0.1)
"""What sounds when a session has ended because something failed."""


class Ears(Microphone):
    """A microphone that may fall silent without saying so, and that hears nothing while the machine sleeps.

    One that is unplugged or stands still does not close well either.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stalled = False
        self._talks_on = False

    @property
    def talking(self) -> bool:
        """Whether the user speaks, and has not come to the end."""
        return bool(self._voice)

    def talk(self) -> None:
        """Have the user speak until told to come to an end."""
        self._talks_on = True
        self.speak(1.0)

    def come_to_an_end(self) -> None:
        """Have the user speak for another moment, if they do."""
        if self._talks_on:
            self._talks_on = False
            del self._voice[FRAME * 40 :]

    @override
    async def stop(self) -> None:
        await super().stop()
        if self.broken:
            raise SourceError("The microphone was unplugged")
        while self.stalled:
            await asyncio.sleep(0.05)

    @override
    async def stream_chunks(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while self.is_active:
            due_s = max(due_s + FRAME_S, loop.time() - LATE_S)
            await asyncio.sleep(due_s - loop.time())
            if self.broken:
                raise SourceError("The microphone was unplugged")
            if self._talks_on and len(self._voice) < 50 * FRAME:
                self.speak(1.0)
            if not self.stalled:
                frame = bytes(self._voice[:FRAME])
                del self._voice[:FRAME]
                yield frame.ljust(FRAME, b"\0")


class Mouth(FakeSpeaker):
    """A speaker that may break, or stand still, which ours notice by themselves after a few seconds.

    It knows what was heard. One that is unplugged or stands still does not close well either.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gone = False
        self.stalled = False
        self.paused = False
        self.given_at_s: list[float] = []
        """When it was given each piece of audio."""
        self._heard = bytearray()

    @property
    @override
    def is_playing(self) -> bool:
        return super().is_playing and not self.stalled

    @property
    def heard(self) -> bytes:
        """All that was played; where it had nothing to play there is nothing."""
        return bytes(self._heard[: 2 * self.played_samples])

    @override
    async def stop(self) -> None:
        await super().stop()
        if self.gone:
            raise SinkError("The speaker was unplugged")
        while self.stalled:
            await asyncio.sleep(0.05)

    @override
    async def play_chunk(self, pcm: bytes) -> None:
        while not self.gone and (self.stalled or self._queued - self._running() > self.sample_rate // 10):
            await asyncio.sleep(0.01)
        if self.gone:
            raise SinkError("The speaker was unplugged")
        await super().play_chunk(pcm)
        self._heard += pcm
        self.given_at_s.append(asyncio.get_running_loop().time())

    @override
    async def clear_buffer(self) -> None:
        await super().clear_buffer()
        del self._heard[2 * self.played_samples :]

    @override
    def _running(self) -> int:
        return 0 if self.stalled or self.gone or self.paused else super()._running()

    def pause(self) -> None:
        """Play no more for now, as if what it has were longer."""
        self._settle()
        self.paused = True

    def resume(self) -> None:
        """Play on."""
        if self.paused:
            self._settle()
            self.paused = False

    def unplug(self) -> None:
        """Play no more of what is queued, and take nothing more."""
        self._settle()
        self.gone = True

    def stall(self) -> None:
        """Play no more of what is queued."""
        self._settle()
        self.stalled = True


class Connector(aiohttp.TCPConnector):
    """Counts how often somebody wanted to connect."""

    attempts = 0

    @override
    async def connect(self, *request: Any, **more: Any) -> Any:
        self.attempts += 1
        return await super().connect(*request, **more)


class Provider(OpenAIProvider):
    """OpenAI at the simulator, whose sessions may last as long as the test wants.

    It lends its client session to the engine, which else loads the certificates of the machine for each.
    """

    session_s = 3600.0

    def __init__(self, url: str, timeouts: Timeouts, connector: Connector | None = None) -> None:
        self._connector = connector or Connector()
        self._lent = aiohttp.ClientSession(connector=self._connector)
        super().__init__(KEY, base_url=url, timeouts=timeouts, session=self._lent)

    @property
    def attempts(self) -> int:
        """How often it was tried to connect."""
        return self._connector.attempts

    def take_leave_within(self, close_s: float) -> None:
        """Wait so long for the server to say goodbye."""
        timeouts = replace(self._endpoint.timeouts, close_s=close_s)
        self._endpoint = replace(self._endpoint, timeouts=timeouts)

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
        self.second_tool: Call | None = None
        """What the answer to the second takes."""

    @override
    async def hear(self, audio: bytes, context: Context) -> Heard:
        self.turns_heard.append((audio, context))
        return Heard(self.words)

    def _answer(self, context: Context) -> Plan:
        if "Go on from there" in (context.response_instructions or ""):
            return _said(REST)
        question, results = "", []
        for item in context.items:
            if item.role == "user":
                question, results = item.words, []
            elif item.kind == "function_call_output":
                results.append(item.body["output"])
        tool = self.tool if question == FIRST else self.second_tool
        if tool is not None and not results:
            return Plan((tool,))
        if results and results[-1].startswith("Tool 'look_up'"):
            return _said(SORRY)
        return _said(ANSWER if question == FIRST else SECOND_ANSWER)


def _said(words: str) -> Plan:
    return Plan((Say(words, audio=VOICES[words]),))


class Scene:
    """One conversation in which something goes wrong, with everybody that takes part in it."""

    def __init__(
        self, name: str, *, provider: Callable[[Proxy], Provider] | None = None, checked: bool = True, **settings: Any
    ) -> None:
        self.name = name
        self.microphone = Ears()
        self.speaker = Mouth()
        self.tool_calls = 0
        self.tools_running = 0
        self.tool_answers = asyncio.Event()
        """Set when the tool may have its result."""
        self.tool_hangs = False
        self.tool_clings = False
        """Whether the tool goes on when it is told to stop."""
        self._over = asyncio.Event()
        self.stopping: asyncio.Task[None] | None = None
        self.events: list[SessionEvent] = []
        self._told_at_s: list[float] = []
        self._befallen = 0
        self._state = AgentState.IDLE.value
        self.befallen_at_s = 0.0
        """When the fault came."""
        self.longest_held_s = 0.0
        """How long something has kept the event loop from all else, since it is watched."""
        self._watch: asyncio.Task[None] | None = None
        self.began_at = datetime.now(UTC)
        self.began_at_s = self.ended_at_s = 0.0
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
            cues=Cues(listening=None, ended=None, error=AudioFrame(LOW_TONE, self.speaker.sample_rate)),
            **self._settings,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tool_answers.set()
        self._over.set()
        self.proxy.release()
        if self._watch is not None:
            self._watch.cancel()
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
    def told_in_words(self) -> list[str]:
        """What the errors say that observers were told of."""
        return [event.error.message for event in self.events if isinstance(event, AgentErrorEvent)]

    @property
    def states(self) -> list[tuple[str, float]]:
        """What the agent did when the fault came and from then on, and when it began to."""
        later = zip(self.events[self._befallen :], self._told_at_s[self._befallen :], strict=True)
        changes = [(event.state, at_s) for event, at_s in later if isinstance(event, AgentStateChangedEvent)]
        return [(self._state, self.befallen_at_s), *changes]

    @property
    def later_events(self) -> list[SessionEvent]:
        """What observers were told since the fault came."""
        return self.events[self._befallen :]

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
        self.began_at, self.began_at_s = datetime.now(UTC), time.monotonic()
        self.task = asyncio.create_task(self.agent.run(), name=f"scene {self.name}")
        self.task.add_done_callback(self._end)

    def befallen(self) -> None:
        """Remember what was told before the fault."""
        self._befallen, self._state = len(self.events), self.agent.state.value
        self.befallen_at_s = time.monotonic()

    def ask(self, words: str, seconds: float = 0.4) -> None:
        """Have the user say something."""
        self.brain.words = words
        self.microphone.speak(seconds)

    def watch_loop(self) -> None:
        """From now on see whether the event loop serves all."""
        self._watch = asyncio.create_task(self._see_loop())

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
        self._told_at_s.append(time.monotonic())

    async def _see_loop(self) -> None:
        while True:
            began_s = time.monotonic()
            await asyncio.sleep(FRAME_S)
            self.longest_held_s = max(self.longest_held_s, time.monotonic() - began_s - FRAME_S)

    def _end(self, task: asyncio.Task[AgentResult]) -> None:
        self.ended_at_s = time.monotonic()

    def _checked(self, event: Any) -> None:
        if self._check is not None and event["type"] != "input_audio_buffer.append":
            self._check(event)

    def _tools(self) -> Tools:
        tools = Tools()

        @tools.action("Look something up", timeout=2.0)
        async def look_up(place: str = "") -> str:
            self.tool_calls += 1
            self.tools_running += 1
            try:
                await self.tool_answers.wait()
                if self.tool_hangs:
                    await asyncio.Event().wait()
            except asyncio.CancelledError:
                while self.tool_clings and not self._over.is_set():
                    with suppress(asyncio.CancelledError):
                        await self._over.wait()
                raise
            finally:
                self.tools_running -= 1
            return "on one leg"

        return tools


def _official_check() -> ClientEvents:
    # Its types take seconds to import, which a process of its own can do without.
    from tests.official import ClientEvents

    return ClientEvents()


def plain(proxy: Proxy, timeouts: Timeouts = TIMEOUTS) -> Provider:
    """A provider without a name or TLS."""
    return Provider(f"http://127.0.0.1:{proxy.port}/v1", timeouts)
