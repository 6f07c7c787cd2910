"""A model that does by chance everything that a model does, and remembers what it did."""

import asyncio
import random
from dataclasses import dataclass, field

from simulator import (
    Brain,
    Call,
    CloseSocket,
    Context,
    Cut,
    Fail,
    Fault,
    Garbage,
    Heard,
    Incomplete,
    NoAnswer,
    Plan,
    Say,
    Stall,
)
from simulator.plan import Step
from simulator.scripted import verbatim

from .voices import agent_voice, heard_in

TOOLS = ("quick", "slow", "failing", "endless", "stoppable", "silent", "telling", "blocking", "holding")


@dataclass(slots=True)
class Hearing:
    """A user turn as it reached the model."""

    at_s: float
    frames: dict[int, int]
    written: bool


@dataclass(slots=True)
class Asked:
    """A response that was asked of the model, with what it knew."""

    at_s: float
    instructions: str | None
    seen: frozenset[str]
    """The words of all messages of the user's that it saw."""


@dataclass
class RandomModel(Brain):
    """Hears and answers one user, by chance."""

    chance: random.Random
    writes_all: bool = False
    """Whether it gets all that was said written down."""
    hearings: list[Hearing] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    silences: list[float] = field(default_factory=list)
    """When it was asked for an answer and gave none, or broke off."""
    texts: dict[int, str] = field(default_factory=dict)
    """Its messages, by number."""
    calls: dict[str, str] = field(default_factory=dict)
    """The tools that it has called, by the id of the call."""

    def forget(self) -> None:
        """A session has ended: nobody will ask what it heard there."""
        self.hearings.clear()
        self.asked.clear()
        self.silences.clear()

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def before_response(self, context: Context) -> Fault | None:
        dice = self.chance.random()
        fault: Fault | None = None
        if dice < 0.02:
            fault = NoAnswer() if dice < 0.01 else Cut() if dice < 0.015 else CloseSocket(1011, "server_error")
            self.silences.append(_now_s())
        return fault

    async def hear(self, audio: bytes, context: Context) -> Heard:
        now_s = _now_s()
        frames = dict(heard_in(audio))
        await asyncio.sleep(self.chance.uniform(0.0, 0.6))
        dice = 1.0 if self.writes_all else self.chance.random()
        delay_s = self.chance.choice((0.0, 0.2, 1.5))
        self.hearings.append(Hearing(now_s, frames, written=dice >= 0.04))
        text = " ".join(f"u{number}" for number in frames)
        return Heard(text, delay_s, error="Not written down" if dice < 0.02 else None, written=dice >= 0.04)

    async def respond(self, context: Context) -> Plan:
        seen = frozenset(word for item in context.items if item.role == "user" for word in item.words.split())
        self.asked.append(Asked(_now_s(), context.response_instructions, seen))
        if (words := verbatim(context.response_instructions)) is not None:
            return Plan((self._say(words),))
        await asyncio.sleep(self.chance.choice((0.0, 0.1, 0.3, 1.0)))
        return Plan(tuple(self._steps(context)))

    def _steps(self, context: Context) -> list[Step]:
        dice = self.chance.random()
        if context.tool_choice != "none" and dice < 0.25:
            calls: list[Step] = [self._call() for _ in range(self.chance.choice((1, 1, 1, 2, 3)))]
            return [self._say(self._words(40)), *calls] if dice < 0.1 else calls
        if dice < 0.28:
            return [self._say(self._words(40), "commentary"), self._say(self._words(200), "final_answer")]
        if dice < 0.36:
            return self._going_wrong()
        return [self._say(self._words(self.chance.choice((20, 80, 200, 400))))]

    def _going_wrong(self) -> list[Step]:
        faults: tuple[Fault, ...] = (
            Fail(),
            Incomplete(),
            Stall(self.chance.uniform(0.1, 8.0)),
            Stall(),
            Cut(),
            CloseSocket(1011, "server_error"),
            Garbage(),
        )
        fault = self.chance.choice(faults)
        if not isinstance(fault, Garbage):
            self.silences.append(_now_s())
        if self.chance.random() < 0.3:
            return [fault, self._say(self._words(80))]
        say = self._say(self._words(200))
        return [Say(say.text, audio=say.audio, fault=fault, fault_after_ms=self.chance.randrange(0, 8000))]

    def _say(self, text: str, phase: str | None = None) -> Say:
        number = len(self.texts) + 1
        text = f"a{number} {text}"
        self.texts[number] = text
        return Say(text, audio=agent_voice(number, text), phase=phase)  # type: ignore[arg-type]  # one of the two

    def _call(self) -> Call:
        name = self.chance.choice(TOOLS)
        call_id = f"call_{len(self.calls) + 1}"
        self.calls[call_id] = name
        arguments = f'{{"call":"{call_id}"}}'
        return Call(name, "{broken" if self.chance.random() < 0.02 else arguments, call_id)

    def _words(self, most: int) -> str:
        words = self.chance.randrange(2, max(3, most // 4))
        return " ".join(f"w{number % 100:02}" for number in range(words))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
