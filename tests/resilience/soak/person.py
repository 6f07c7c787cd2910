"""Somebody who talks to an agent for a long time, and to whom everything happens that can happen."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from custom_components.rtvoice.engine import (
    AgentResult,
    Cues,
    EndReason,
    EventBus,
    PushToTalk,
    RealtimeAgent,
    SemanticVAD,
    ServerVAD,
    SessionEvent,
)
from custom_components.rtvoice.engine.audio.frame import AudioFrame
from custom_components.rtvoice.engine.conversation.values import AgentState
from custom_components.rtvoice.engine.errors import EngineError
from custom_components.rtvoice.engine.providers.openai.dialect import OPENAI, TIMEOUTS
from custom_components.rtvoice.engine.providers.openai.endpoint import Endpoint
from custom_components.rtvoice.engine.providers.openai.provider import WebSocketProvider
from simulator.options import Behaviour

from .account import Account, now_s
from .devices import Microphone, Speaker, Utterance
from .doings import random_tools
from .exchange import Exchange
from .excuses import HALF_OPEN, MUTED, STOOD_STILL
from .model import RandomModel
from .voices import RATE_HZ

CUE = AudioFrame(b"\xf9\xff" * (RATE_HZ // 10), RATE_HZ)
SETTLED_S = 2.0
PATIENCE_S = 240.0
CONNECTING_S = 12.0
"""A cut so long ago may have been what kept a session from beginning."""
SHORT_SESSION_S = 420.0


class StreamSpeaker(Speaker):
    """One that has to be told where a stretch of audio ends."""

    async def finish_stream(self) -> None:
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Nature:
    """What makes one person's sessions unlike another's."""

    push_to_talk: bool
    half_duplex: bool
    chunk_frames: int


class Person:
    """Talks until told to stop; what does not add up is in `account.problems`."""

    def __init__(
        self,
        seed: str,
        nature: Nature,
        *,
        tasks: asyncio.TaskGroup | None = None,
        base_url: str = "",
        recordings: Path | None = None,
    ) -> None:
        self.chance = chance = random.Random(seed)
        self.nature = nature
        speakers: tuple[Callable[[], Speaker], ...] = (
            Speaker,
            lambda: Speaker(pace=0.98, room_s=0.3),
            lambda: Speaker(pace=1.01, block_samples=480),
            lambda: Speaker(block_samples=2400),
            StreamSpeaker,
        )
        self.speaker = chance.choice(speakers)()
        self.microphone = Microphone(self.speaker, nature.chunk_frames, half_duplex=nature.half_duplex)
        self.exchange: Exchange | None = None
        self.model: RandomModel | None = None
        if tasks is not None:
            self.model = RandomModel(chance)
            self.exchange = _exchange(chance, self.model, tasks)
        self.account = Account(seed, self.speaker, self.model)
        if self.exchange is not None:
            self.exchange.watch = self.account.watch
        bus = EventBus()
        bus.subscribe(SessionEvent, self.account.see)
        self.provider = _provider(chance, self.exchange, base_url)
        self.agent = RealtimeAgent(
            instructions="Be brief.",
            provider=self.provider,
            audio_input=self.microphone,
            audio_output=self.speaker,
            event_bus=bus,
            tools=random_tools(chance, self.account.ran),
            turn_detection=PushToTalk()
            if nature.push_to_talk
            else chance.choice((SemanticVAD(), ServerVAD(silence_duration_ms=300))),
            half_duplex=nature.half_duplex,
            compact_above_tokens=chance.choice((None, 1500, 24_000)),
            cues=chance.choice((None, Cues(listening=CUE, thinking=CUE, ended=CUE, error=CUE))),
            recording_path=recordings / f"{seed}.wav" if recordings else None,
        )
        self.muted = False
        self.spoken = 0
        """Utterances, messages and words to be said so far; their numbers."""
        self.restarts = 0
        self._run: asyncio.Task[AgentResult] | None = None
        self._cut_s = float("-inf")

    @property
    def links(self) -> int:
        """How many connections there were."""
        return self.exchange.opened if self.exchange else self.account.told["AgentSessionConnectedEvent"]

    # --- a life -------------------------------------------------------------------------------------------------------

    async def live(self, until_s: float) -> None:
        """Talk, in one session after another, and be in a quiet one at the end."""
        while now_s() < until_s:
            await self._be_in_session()
            for _ in range(self.chance.randrange(4, 40)):
                if now_s() >= until_s or self._is_over():
                    break
                await self._act()
            if now_s() < until_s:
                if self.chance.random() < 0.5:
                    await self.settle()
                await self._end()
                await asyncio.sleep(self.chance.uniform(0, 5))
        await self._be_in_session()
        await self.settle()

    async def settle(self) -> None:
        """Wait until nobody speaks, and compare what both sides know."""
        if self.muted:
            await self._mute(muted=False)
        deadline_s = now_s() + PATIENCE_S
        since_s = now_s()
        while now_s() - since_s < SETTLED_S:
            await asyncio.sleep(0.1)
            if self._is_over():
                return
            linked = self.exchange is None or self.exchange.link
            at_ease = self.agent.state is AgentState.LISTENING and self.microphone.idle and linked
            if not at_ease or now_s() - self.microphone.quiet_since_s < SETTLED_S:
                since_s = now_s()
            if now_s() > deadline_s:
                self.account.problem(f"it has been {self.agent.state} for {PATIENCE_S} s")
                return
        if self.exchange is not None and self.exchange.connection is not None:
            self.account.check_settled(self.exchange.connection)

    async def leave(self) -> None:
        """End the session, for good."""
        if self._run is not None:
            await self._end(gently=True)

    def _is_over(self) -> bool:
        return self._run is None or self._run.done()

    async def _be_in_session(self) -> None:
        while self._is_over():
            await self._collect()
            self.account.begin()
            self._run = asyncio.create_task(self.agent.run(), name="soak run")
            while not self._run.done() and self.agent.state is AgentState.CONNECTING:
                await asyncio.sleep(0.05)
            if self._run.done():
                await asyncio.sleep(self.chance.uniform(1, 10))

    async def _end(self, *, gently: bool = False) -> None:
        self.restarts += 1
        run, dice = self._run, 0.0 if gently else self.chance.random()
        if run is None:
            return
        if dice < 0.6:
            await self.agent.stop()
        elif dice < 0.75:
            run.cancel()
            with contextlib.suppress(asyncio.CancelledError, EngineError):
                await run
            self._run = None
            return
        elif dice < 0.85:
            self.microphone.broken = True
        elif dice < 0.9:
            self.speaker.broken = True
            with contextlib.suppress(EngineError):
                await self.agent.say("s0 the end")
        else:
            await self.agent.stop()
        async with asyncio.timeout(PATIENCE_S):
            while not run.done():
                await asyncio.sleep(0.1)
        await self._collect()

    async def _collect(self) -> None:
        """Look at how the last session ended."""
        run, self._run = self._run, None
        if run is None:
            return
        try:
            result = await run
        except EngineError as err:
            if not self._refused and now_s() > self._cut_s + CONNECTING_S:
                self.account.problem(f"the session could not begin: {err!r}")
            return
        self.account.note(f"ended: {result.end_reason}")
        self.account.close(result.turns, now_s())
        fine = {EndReason.STOPPED, EndReason.DEVICE_FAILED}
        if self._refused:
            # The latter is what an account ends with that has asked too often.
            fine |= {EndReason.CONNECTION_LOST, EndReason.ERROR}
        if result.end_reason not in fine:
            self.account.problem(f"the session ended by itself: {result.end_reason}")

    @property
    def _refused(self) -> bool:
        return self.exchange is not None and self.exchange.refusals > 0

    # --- what happens -------------------------------------------------------------------------------------------------

    async def _act(self) -> None:
        acts: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (30, self._talk),
            (12, self._barge_in),
            (4, self._rustle),
            (4, self._interrupt),
            (4, self._write),
            (4, self._ask_to_say),
            (2, self._change_speed),
            (2, self._mute_for_a_while),
            (2, self._note),
            (3, self._wait),
            (2, self._stall_speaker),
        ]
        if self.exchange is not None:
            acts += [
                (3, partial(self._cut, self.exchange)),
                (1, partial(self._cut_now, self.exchange)),
                (1, partial(self._half_open, self.exchange)),
                (1, partial(self._refuse, self.exchange)),
                (1, partial(self._stall_link, self.exchange)),
            ]
        [(_, act)] = self.chance.choices(acts, [weight for weight, _ in acts])
        with contextlib.suppress(_OverError):
            await act()

    async def _pause(self, longest_s: float) -> None:
        until_s = now_s() + self.chance.uniform(0, longest_s)
        while now_s() < until_s:
            if self._is_over():
                raise _OverError
            await asyncio.sleep(min(0.25, until_s - now_s() + 0.001))

    async def _speak(self) -> None:
        self.spoken += 1
        utterance = Utterance(self.spoken, self.chance.choice((15, 40, 80, 150, 240)))
        if self.muted:
            utterance.spared = MUTED
        self.account.utterances.append(utterance)
        self.account.note(f"says u{utterance.number}")
        self.microphone.say(utterance)
        if self.nature.push_to_talk:
            while not utterance.ended_s:
                await self._pause(0.05)
            await self._pause(0.3)
            if not self._is_over():
                self.account.note("commits")
                await self.agent.commit_turn()

    async def _talk(self) -> None:
        await self._speak()
        await self._pause(self.chance.choice((1, 8, 25)))

    async def _barge_in(self) -> None:
        """Speak once the agent speaks."""
        until_s = now_s() + 10
        while self.agent.state is not AgentState.SPEAKING and now_s() < until_s:
            await self._pause(0.1)
        await self._pause(4)
        await self._speak()
        await self._pause(3)

    async def _rustle(self) -> None:
        self.microphone.rustle(self.chance.randrange(2, 40))
        await self._pause(5)

    async def _interrupt(self) -> None:
        self.account.disturbed_s.append(now_s())
        self.account.note("interrupts")
        await self.agent.interrupt()
        await self._pause(3)

    async def _write(self) -> None:
        self.spoken += 1
        text = f"m{self.spoken}"
        with contextlib.suppress(EngineError):
            await self.agent.send_message(text)
            self.account.written[text] = now_s()
        await self._pause(10)

    async def _ask_to_say(self) -> None:
        self.spoken += 1
        with contextlib.suppress(EngineError):
            await self.agent.say(f"s{self.spoken} and so on")
        await self._pause(6)

    async def _note(self) -> None:
        with contextlib.suppress(EngineError):
            await self.agent.note("It rains.", respond=self.chance.random() < 0.5)
        await self._pause(3)

    async def _change_speed(self) -> None:
        await self.agent.set_speech_speed(self.chance.choice((0.8, 1.0, 1.2)))

    async def _mute_for_a_while(self) -> None:
        await self._mute(muted=True)
        try:
            if self.chance.random() < 0.5 and not self.nature.push_to_talk:
                await self._speak()
            await self._pause(6)
        finally:
            await self._mute(muted=False)

    async def _mute(self, *, muted: bool) -> None:
        self.muted = muted
        for utterance in self.account.utterances:
            if not utterance.ended_s or utterance.ended_s > now_s() - 1:
                utterance.spared = utterance.spared or MUTED
        await self.agent.set_muted(muted)

    async def _wait(self) -> None:
        await self._pause(40)

    async def _cut(self, exchange: Exchange) -> None:
        """Break the link some time while something is said or answered."""
        asyncio.get_running_loop().call_later(self.chance.uniform(0, 8), self._break, exchange)
        await self._speak()
        await self._pause(8)

    async def _cut_now(self, exchange: Exchange) -> None:
        self._break(exchange)
        await self._pause(self.chance.choice((0, 10)))

    def _break(self, exchange: Exchange) -> None:
        if link := exchange.link:
            self.account.note("cut")
            self._cut_s = now_s()
            link.cut()

    async def _half_open(self, exchange: Exchange) -> None:
        if link := exchange.link:
            self.account.note("half open")
            self.account.troubles.append((now_s() - 2, now_s() + 45, HALF_OPEN))
            link.fall_silent()
            await self._pause(50)

    async def _refuse(self, exchange: Exchange) -> None:
        seconds = self.chance.choice((1, 5, 12, 40))
        self.account.note(f"refused for {seconds} s")
        self.account.troubles.append((now_s(), now_s() + seconds, "link down"))
        exchange.refuse(seconds)
        self._break(exchange)
        await self._speak()
        await self._pause(seconds)

    async def _stall_link(self, exchange: Exchange) -> None:
        if link := exchange.link:
            seconds = self.chance.choice((0.5, 1.5, 4.0))
            self.account.note(f"stalls for {seconds} s")
            if seconds > 1:
                self.account.troubles.append((now_s() - 2, now_s() + seconds + 2, STOOD_STILL))
            link.stall(now_s() + seconds)
            await self._pause(4)

    async def _stall_speaker(self) -> None:
        self.speaker.stall(self.chance.uniform(0.05, 3.0))
        await self._pause(2)


def _exchange(chance: random.Random, model: RandomModel, tasks: asyncio.TaskGroup) -> Exchange:
    behaviour = Behaviour(
        speed=chance.choice((2.0, 4.0, 8.0)),
        delta_ms=chance.choice((100, 200, 400)),
        session_s=chance.choice((3600.0, SHORT_SESSION_S, 300.0)),
    )
    return Exchange(chance, model, behaviour, tasks, slowest_s=chance.choice((0.01, 0.08, 0.25)))


def _provider(chance: random.Random, exchange: Exchange | None, base_url: str) -> WebSocketProvider:
    """One that believes that its sessions are long, or short: then the engine moves to a fresh one in time."""
    capabilities = replace(OPENAI.capabilities, session_s=chance.choice((3600.0, SHORT_SESSION_S)))
    dialect = replace(OPENAI, capabilities=capabilities)
    address = base_url or "http://provider.invalid/v1"
    endpoint = Endpoint.at(address, dialect, api_key="sk-soak", timeouts=TIMEOUTS)
    session = None if exchange is None else exchange.network
    return WebSocketProvider(endpoint, session)  # type: ignore[arg-type]  # as far as it is used


class _OverError(Exception):
    """The session has ended in the middle of an act."""
