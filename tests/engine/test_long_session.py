"""Three hours with a provider that forgets everything when the link breaks, and links that break at every moment."""

import asyncio
import gc
import random
import re
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import override

import numpy as np
import pytest

from custom_components.rtvoice.engine import AgentResult, EventBus, RealtimeAgent, SessionEvent
from custom_components.rtvoice.engine.conversation import effects as e
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.values import Capabilities, ItemKind, ResponseStatus
from custom_components.rtvoice.engine.errors import ConnectionFailedError, ConnectionLostError, SessionExpiredError
from custom_components.rtvoice.engine.options import SessionOptions

from .fakes import FRAME, FakeSpeaker
from .virtual_time import run

WORDS = 12
WORD_MS = 520
"""A word of eight characters, at the pace that the engine reckons with."""
SILENCE_FRAMES = 15
HOURS = 3


def answer(number: int) -> list[str]:
    return [f"A{number:03}w{word:02}" for word in range(WORDS)]


class Microphone:
    """Hears sentence n as frames that all say n; silence in between."""

    sample_rate = 24_000

    def __init__(self) -> None:
        self.is_active = False
        self.sentence = 0

    async def start(self) -> None:
        self.is_active = True

    async def stop(self) -> None:
        self.is_active = False

    async def stream_chunks(self) -> AsyncIterator[bytes]:
        while self.is_active:
            await asyncio.sleep(0.02)
            yield self.sentence.to_bytes(2, "little") * (FRAME // 2)


class Link:
    """One connection: hears, answers, remembers only what it was told on this link."""

    def __init__(self, provider: ForgetfulProvider) -> None:
        self.provider = provider
        self.events: asyncio.Queue = asyncio.Queue()
        self.memory: list[tuple[str, str]] = []
        self.hearing = 0
        self.silent_frames = 0
        self.frames = 0
        self.count = 0
        self.speaking: asyncio.Task | None = None

    async def audio_taken(self) -> None:
        await asyncio.sleep(0)

    async def receive(self) -> AsyncIterator[f.ModelEvent]:
        while True:
            event = await self.events.get()
            if isinstance(event, Exception):
                raise event
            yield event

    def tell(self, *events: object) -> None:
        for event in events:
            self.events.put_nowait(event)

    def new_id(self, kind: str) -> str:
        self.provider.ids += 1
        return f"{kind}{self.provider.ids}"

    def send_audio(self, pcm: bytes) -> None:
        number = int.from_bytes(pcm[:2], "little")
        if number:
            if not self.hearing:
                self.turn_id = self.new_id("u")
                self.silence()
                self.tell(f.SpeechStarted(self.turn_id))
                self.frames = 0
            self.hearing, self.silent_frames = number, 0
            self.frames += 1
        elif self.hearing:
            self.silent_frames += 1
            if self.silent_frames == SILENCE_FRAMES:
                self.end_turn()

    def end_turn(self) -> None:
        number, self.hearing = self.hearing, 0
        heard = f"S{number}" if self.frames >= self.provider.sentence_frames else f"half of S{number}"
        self.memory.append(("user", heard))
        self.tell(f.SpeechStopped(self.turn_id, ended_ago_s=SILENCE_FRAMES * 0.02), f.TurnCommitted(self.turn_id))
        self.speaking = asyncio.create_task(self.respond(self.turn_id, None, heard))

    def silence(self) -> None:
        if self.speaking is not None:
            self.speaking.cancel()

    async def send(self, command: e.ModelCommand) -> None:
        match command:
            case e.AddItem(item=item):
                role = "user" if item.kind is ItemKind.USER_MESSAGE else "agent"
                text = item.text
                if item.audio is not None:
                    numbers = {
                        int.from_bytes(item.audio[at : at + 2], "little") for at in range(0, len(item.audio), FRAME)
                    }
                    text = f"S{max(numbers)}"
                    self.tell(f.UserTranscriptFinished(item.item_id, text))
                self.memory.append((role, text))
            case e.CreateResponse():
                self.speaking = asyncio.create_task(self.respond(None, command, None))

    async def respond(self, turn_id: str | None, command: e.CreateResponse | None, heard: str | None) -> None:
        self.count += 1
        response_id, item_id = self.new_id("r"), self.new_id("i")
        await asyncio.sleep(0.3)
        self.tell(f.ResponseStarted(response_id, command.request_id if command else None))
        if turn_id is not None:
            await asyncio.sleep(self.provider.random.random())
            self.tell(f.UserTranscriptFinished(turn_id, heard))
        turn = max(at for at, (role, _) in enumerate(self.memory) if role == "user")
        said = re.findall(r"A\d+w\d+", " ".join(text for _, text in self.memory[turn:]))
        words = answer(int(re.sub(r"\D", "", self.memory[turn][1])))[len(said) :]
        for word in words:
            await asyncio.sleep(0.1)
            number = (int(word[1:4]) * 100 + int(word[5:7]) + 1).to_bytes(2, "little")
            self.tell(
                f.TranscriptDelta(response_id, item_id, 0, f"{word} "),
                f.AudioDelta(response_id, item_id, 0, number * (24 * WORD_MS)),
            )
        self.tell(
            f.AudioFinished(response_id, item_id, 0),
            f.TranscriptFinished(response_id, item_id, 0, ""),
            f.ResponseFinished(response_id, ResponseStatus.COMPLETED),
        )
        self.memory.append(("agent", " ".join(words)))


class ForgetfulProvider:
    """Expires after an hour, breaks when told to, and may not be reachable at once."""

    capabilities = Capabilities(session_s=3600)

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.sentence_frames = 60
        self.ids = 0
        self.links = 0
        self.link: Link | None = None

    async def prewarm(self) -> None: ...

    async def close(self) -> None: ...

    @asynccontextmanager
    async def connect(self, options: SessionOptions) -> AsyncIterator[Link]:
        await asyncio.sleep(0.2 + self.random.random())
        if self.links and self.random.random() < 0.3:
            raise ConnectionFailedError("Not yet")
        self.links += 1
        link = self.link = Link(self)
        expiry = asyncio.get_running_loop().call_later(3600, link.tell, SessionExpiredError("60 minutes"))
        try:
            yield link
        finally:
            expiry.cancel()
            link.silence()

    def cut(self) -> None:
        if self.link is not None:
            self.link.silence()
            self.link.tell(ConnectionLostError("Cut"))


async def talk(
    seed: int, hours: float, speaker: FakeSpeaker, after_turn: Callable[[], None] = lambda: None
) -> tuple[AgentResult, ForgetfulProvider, int]:
    provider, microphone = ForgetfulProvider(seed), Microphone()
    bus = EventBus()
    agent = RealtimeAgent(provider=provider, audio_input=microphone, audio_output=speaker, event_bus=bus)
    chance = random.Random(seed)
    running = asyncio.create_task(agent.run())

    async def see(event: SessionEvent) -> None: ...

    bus.subscribe(SessionEvent, see)
    loop = asyncio.get_running_loop()
    end_s, number = loop.time() + hours * 3600, 0
    while loop.time() < end_s:
        await asyncio.sleep(chance.uniform(5, 30))
        cuts = sorted(chance.uniform(0, 10) for _ in range(chance.choice((0, 0, 1, 1, 2))))
        handles = [loop.call_later(at_s, provider.cut) for at_s in cuts]
        number += 1
        microphone.sentence = number
        await asyncio.sleep(provider.sentence_frames * 0.02 + 0.001)
        microphone.sentence = 0
        await asyncio.sleep(40)
        assert all(handle.when() < loop.time() for handle in handles)
        after_turn()
    await asyncio.sleep(60)
    await agent.stop()
    return await running, provider, number


def heard_words(speaker: FakeSpeaker) -> list[int]:
    """The words that reached the speaker, each once for as long as it sounded."""
    samples = np.frombuffer(b"".join(speaker.given), "<u2")
    sounding = samples[samples > 0]
    return sounding[np.flatnonzero(np.diff(sounding, prepend=0))].tolist()


@pytest.mark.parametrize("seed", [1, 2])
def test_three_hours_of_cuts_lose_no_turn_and_repeat_no_sentence(seed) -> None:
    speaker = FakeSpeaker()
    result, provider, sentences = run(talk(seed, HOURS, speaker))
    said = [turn.transcript for turn in result.turns if turn.role == "user"]
    assert said == [f"S{number}" for number in range(1, sentences + 1)]
    heard = heard_words(speaker)
    assert len(heard) == len(set(heard)), "a word was said twice"
    expected = [number * 100 + word + 1 for number in range(1, sentences + 1) for word in range(WORDS)]
    assert heard == sorted(heard)
    missing = set(expected) - set(heard)
    assert len(missing) <= 0.02 * len(expected), f"{len(missing)} words lost: {sorted(missing)[:20]}"
    assert provider.links > 50


class ForgetfulSpeaker(FakeSpeaker):
    """Keeps nothing of what it played."""

    @override
    async def play_chunk(self, pcm: bytes) -> None:
        await super().play_chunk(pcm)
        self.given.clear()


def test_memory_is_flat() -> None:
    used: list[int] = []

    def measure() -> None:
        gc.collect()
        used.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        run(talk(3, 1, ForgetfulSpeaker(), measure))
    finally:
        tracemalloc.stop()
    # What was said is kept as text; the audio of the same time would be a hundred times as much.
    per_turn = (used[-1] - used[10]) / (len(used) - 11)
    assert per_turn < 10_000, f"{per_turn:.0f} bytes a turn"
