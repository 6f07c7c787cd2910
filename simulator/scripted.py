"""A brain that says what a test has written down for it."""

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .plan import (
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
    RemoteCall,
    Say,
    Stall,
    Step,
)

_VERBATIM = re.compile(r"\bsay exactly\b[^:]*:\s*[\"“](?P<words>.+)[\"”]", re.IGNORECASE | re.DOTALL)
FALLBACK = Plan((Say("All right."),))

_FAULTS: dict[str, type[Fault]] = {
    "fail": Fail,
    "incomplete": Incomplete,
    "cut": Cut,
    "close": CloseSocket,
    "garbage": Garbage,
    "stall": Stall,
    "no_answer": NoAnswer,
}


def verbatim(instructions: str | None) -> str | None:
    """The words that instructions such as `Say exactly: "Hello."` want spoken, None where they want none."""
    found = _VERBATIM.search(instructions or "")
    return found["words"] if found else None


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user is taken to have said, and the responses that follow (one more after each round of tool calls)."""

    heard: str | Heard = ""
    plans: tuple[Plan, ...] = ()


class ScriptedBrain:
    """Answers with the plans it was given, in order, whatever it is told; then with `fallback`.

    A request to say something in exact words is obeyed without using up a plan. `respond_with` decides in place of the
    plans where it is given and returns a plan.
    """

    def __init__(
        self,
        *turns: Turn,
        plans: Iterable[Plan] = (),
        fallback: Plan = FALLBACK,
        respond_with: Callable[[Context], Plan | None] | None = None,
    ) -> None:
        self.heard: deque[Heard] = deque()
        self.plans: deque[Plan] = deque(plans)
        self.fallback = fallback
        self.respond_with = respond_with
        self.contexts: list[Context] = []
        """What the brain was told each time it was asked."""
        self.turns_heard: list[tuple[bytes, Context]] = []
        """The audio of each user turn, and what the brain knew when it heard it."""
        for turn in turns:
            self.add(turn)

    @classmethod
    def from_file(cls, path: Path) -> ScriptedBrain:
        """Read turns from JSON: `[{"heard": "hi", "plans": [{"steps": [{"say": "Hello.", "seconds": 1}]}]}]`.

        A step has one of the keys `say`, `call`, `remote_call` or `fault` (`fail`, `incomplete`, `cut`, `close`,
        `garbage`, `stall`, `no_answer`), and beside it the fields of the class of that name.
        """
        return cls(*(_turn(entry) for entry in json.loads(path.read_text())))

    def add(self, turn: Turn) -> None:
        """Append a turn."""
        self.heard.append(turn.heard if isinstance(turn.heard, Heard) else Heard(turn.heard))
        self.plans.extend(turn.plans)

    async def start(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    def before_response(self, context: Context) -> Fault | None:
        """The `before` of the plan that is next."""
        if verbatim(context.response_instructions) or self.respond_with or not self.plans:
            return None
        fault = self.plans[0].before
        if isinstance(fault, (NoAnswer, Cut, CloseSocket)):
            self.plans.popleft()
        return fault

    async def hear(self, audio: bytes, context: Context) -> Heard:
        """The `heard` of the turn that is next."""
        self.turns_heard.append((audio, context))
        return self.heard.popleft() if self.heard else Heard("")

    async def respond(self, context: Context) -> Plan:
        """The plan that is next."""
        self.contexts.append(context)
        if words := verbatim(context.response_instructions):
            return Plan((Say(words),))
        plan = self.respond_with(context) if self.respond_with else None
        if plan is None:
            plan = self.plans.popleft() if self.plans else self.fallback
        if plan.delay_s:
            await asyncio.sleep(plan.delay_s)
        return plan


def _turn(entry: dict[str, Any]) -> Turn:
    heard = entry.get("heard", "")
    return Turn(Heard(**heard) if isinstance(heard, dict) else heard, tuple(_plan(plan) for plan in entry["plans"]))


def _plan(entry: dict[str, Any]) -> Plan:
    before = entry.get("before")
    steps = tuple(_step(step) for step in entry.get("steps", ()))
    return Plan(steps, float(entry.get("delay_s", 0)), _fault(before) if before else None)


def _step(entry: dict[str, Any]) -> Step:
    rest = dict(entry)
    if "say" in rest:
        fault = rest.pop("fault", None)
        return Say(rest.pop("say"), fault=_fault(fault) if fault else None, **rest)
    if "remote_call" in rest:
        return RemoteCall(rest.pop("remote_call"), **rest)
    if "call" in rest:
        return Call(rest.pop("call"), **rest)
    return _fault(rest)


def _fault(entry: dict[str, Any] | str) -> Fault:
    rest = {"fault": entry} if isinstance(entry, str) else dict(entry)
    kind = rest.pop("fault")
    if kind not in _FAULTS:
        raise ValueError(f"Unknown fault {kind!r}; known are {', '.join(_FAULTS)}")
    return _FAULTS[kind](**rest)
