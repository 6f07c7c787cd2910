"""A whole agent on a real socket whose server sends whatever it likes: it lives, or ends with a reason.

Time is virtual: what waits for a timer waits no real time, so that an example takes milliseconds.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from custom_components.rtvoice.engine import (
    AgentErrorEvent,
    CompatibleProvider,
    EndReason,
    EngineError,
    EventBus,
    OpenAIProvider,
    PushToTalk,
    RealtimeAgent,
    SemanticVAD,
    ServerVAD,
    SessionClosedError,
    SessionEvent,
    Tools,
)
from tests.engine.fakes import FakeMicrophone, FakeSpeaker
from tests.engine.virtual_time import run

from .profile import examples
from .quiet import KEY, WORDS, fail_loudly, quiet
from .scenes import dialogues, sprinkled
from .shapes import wild, wild_events

ENDS_WITHIN_S: Final = 60.0
"""Virtual seconds that ending may take, whatever came before."""

_CREATED: Final = {"type": "session.created", "event_id": "e0", "session": {"id": "s", "type": "realtime"}}
_UPDATED: Final = {"type": "session.updated", "event_id": "e1", "session": {}}

no_json = st.sampled_from(
    [b"", b"{", b"[]", b"5", b"\xff\xfe", b"[" * 5000, b'{"type": NaN}', b'{"type": "\\ud800"}', b'{"a": 1e999}']
)

waits = st.one_of(st.just(0.0), st.floats(0, 12))
commands = st.sampled_from(["interrupt", "message", "say", "ask", "note", "mute", "unmute", "commit", "speed", "tools"])
closes = st.tuples(
    st.just("close"),
    st.sampled_from([1000, 1001, 1006, 1008, 1011, 1013, 3000, 4000]),
    st.sampled_from(["", f"invalid_request_error.{KEY}", "x.insufficient_quota"]),
)
between = st.one_of(
    no_json,
    st.tuples(st.just("wait"), waits),
    st.tuples(st.just("wait"), waits),
    st.tuples(st.just("do"), commands),
    st.tuples(st.just("do"), commands),
    closes,
    st.just(("do", "stop")),
)
scripts = sprinkled(dialogues().map(lambda events: [orjson.dumps(event) for event in events]), between)
_SHOWN = st.fixed_dictionaries({"type": st.sampled_from(["session.created", "session.updated"]), "session": wild})
greetings = st.lists(st.one_of(st.sampled_from([_CREATED, _UPDATED]), wild_events, _SHOWN), max_size=5)


class Peer:
    """A server whose every connection gets the greeting; the first one also gets the script."""

    def __init__(self, greeting: list[Any], script: list[Any]) -> None:
        self.greeting = greeting
        self.script = list(script)
        self.rig: Rig | None = None
        self.done = asyncio.Event()
        self.serving: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Serve nobody any more."""
        for task in self.serving:
            task.cancel()
        await asyncio.gather(*self.serving, return_exceptions=True)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        reading = asyncio.create_task(self._read(socket))
        try:
            for event in self.greeting:
                await socket.send_bytes(orjson.dumps(event))
            await asyncio.sleep(0.5)
            while self.script:
                await self._step(socket, self.script.pop(0))
            self.done.set()
            await reading
        except ConnectionError:
            # Whoever has gone reads no more.
            pass
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        return socket

    async def _step(self, socket: web.WebSocketResponse, step: Any) -> None:
        match step:
            case bytes():
                await socket.send_bytes(step)
            case ("wait", seconds):
                await asyncio.sleep(seconds)
            case ("do", command):
                assert self.rig is not None
                await self.rig.do(command)
            case ("close", code, reason):
                await asyncio.sleep(0)
                if code != 1006:
                    await socket.close(code=code, message=reason.encode()[:120])
                elif socket._req is not None and socket._req.transport is not None:
                    socket._req.transport.abort()
        await asyncio.sleep(0)

    async def _read(self, socket: web.WebSocketResponse) -> None:
        async for _ in socket:
            pass


@contextlib.asynccontextmanager
async def listening(peer: Peer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/v1/realtime", peer.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await peer.close()
        await runner.cleanup()


def tools() -> Tools:
    """Tools of all tempers."""
    made = Tools()

    @made.action("Say it again")
    async def echo(text: str) -> str:
        return f"{WORDS} {text}"

    @made.action("Takes its time", timeout=20)
    async def slow() -> str:
        await asyncio.sleep(15)
        return "slow"

    @made.action("Does not work")
    async def broken() -> str:
        raise ValueError(WORDS)

    return made


class Rig:
    """The agent, and what it tells."""

    def __init__(self, provider: Any, turn_detection: Any) -> None:
        self.events: list[SessionEvent] = []
        bus = EventBus()
        bus.subscribe(SessionEvent, self._note)
        self.speaker = FakeSpeaker()
        self.microphone = FakeMicrophone()
        self.agent = RealtimeAgent(
            provider=provider,
            instructions=WORDS,
            audio_input=self.microphone,
            audio_output=self.speaker,
            event_bus=bus,
            tools=tools(),
            turn_detection=turn_detection,
            inactivity_timeout_seconds=600,
            inactivity_timeout_enabled=True,
            budget_usd=100.0,
        )

    async def _note(self, event: SessionEvent) -> None:
        self.events.append(event)

    async def do(self, command: str) -> None:
        agent = self.agent
        does = {
            "interrupt": lambda: agent.interrupt(heard_s=0.5),
            "message": lambda: agent.send_message(WORDS),
            "say": lambda: agent.say(WORDS),
            "ask": lambda: agent.ask(WORDS),
            "note": lambda: agent.note(WORDS, respond=True),
            "mute": lambda: agent.set_muted(True),
            "unmute": lambda: agent.set_muted(False),
            "commit": agent.commit_turn,
            "speed": lambda: agent.set_speech_speed(1.2),
            "tools": lambda: agent.update_tools(tools()),
            "stop": agent.stop,
        }
        with contextlib.suppress(SessionClosedError):
            await does[command]()


async def converse(kind: str, turn_detection: Any, greeting: list[Any], script: list[Any]) -> None:
    failures: list[dict[str, Any]] = []
    fail_loudly(asyncio.get_running_loop(), failures)
    peer = Peer(greeting, script)
    async with listening(peer) as url:
        provider = (
            OpenAIProvider(KEY, base_url=url)
            if kind == "openai"
            else CompatibleProvider(url, api_key=KEY, dialect=kind)
        )
        rig = peer.rig = Rig(provider, turn_detection)
        running = asyncio.create_task(rig.agent.run())
        played = asyncio.create_task(peer.done.wait())
        try:
            async with asyncio.timeout(3600):
                await asyncio.wait([running, played], return_when=asyncio.FIRST_COMPLETED)
            async with asyncio.timeout(ENDS_WITHIN_S):
                await rig.agent.stop()
            outcome = (await asyncio.gather(running, return_exceptions=True))[0]
        finally:
            played.cancel()
            await provider.close()
    await asyncio.sleep(0)
    check(rig, outcome)
    assert not failures, failures


def check(rig: Rig, outcome: object) -> None:
    assert not rig.microphone.is_active
    told = [str(event.error) for event in rig.events if isinstance(event, AgentErrorEvent)]
    if isinstance(outcome, BaseException):
        assert isinstance(outcome, EngineError), outcome
        told.append(str(outcome))
    else:
        assert isinstance(outcome.end_reason, EndReason)
        for turn in outcome.turns:
            assert turn.role in {"user", "assistant"}
    assert not any(KEY in text for text in told)
    assert not any(text.startswith("Unexpected") for text in told), told


kinds = st.sampled_from(["openai", "auto", "beta", "xai"])
detections = st.sampled_from([SemanticVAD(), ServerVAD(), PushToTalk()])


@given(kinds, detections, greetings)
@examples(20)
def test_no_greeting_breaks_the_agent(socket_enabled, kind, turn_detection, greeting) -> None:
    with quiet():
        run(converse(kind, turn_detection, greeting, []))


@given(kinds, detections, scripts)
@examples(60)
def test_no_server_breaks_the_agent(socket_enabled, kind, turn_detection, script) -> None:
    with quiet():
        run(converse(kind, turn_detection, [_CREATED, _UPDATED], script))
