"""Tool calls of a response run side by side and are spoken about once."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from ..events import ActionKind, ToolExecutedEvent, ToolExecutionStartedEvent
from .effects import AddItem, CancelTool, Effect, Publish, SendToolOutput, StartTool
from .facts import ResponseFinished, ToolCallFinished
from .values import ItemKind, NewItem, ResponseStatus, ToolCall, ToolDefinition, ToolOutcome

INTERRUPTED_OUTPUT = (
    '{"error":"interrupted","error_text":"The user interrupted before this was carried out. Nothing was done."}'
)

ENDED = ToolOutcome(
    '{"error":"cancelled","error_text":"The session ended meanwhile; it may not have been carried out."}',
    ok=False,
    respond=False,
)

_REMEMBERED = 256
"""A call is told again within the same conversation at most; its id need not be kept for ever."""


@dataclass(slots=True)
class _Batch:
    """The calls of one response."""

    response_id: str
    calls: dict[str, ToolCall]
    outcomes: dict[str, ToolOutcome] = field(default_factory=dict)
    quiet: bool = False
    """Whether its results must not be spoken about."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """All calls of a response have their results and the agent should speak about them."""

    instruction: str | None


class ToolCalls:
    """The calls that are running, by response."""

    def __init__(self, tools: Iterable[ToolDefinition] = ()) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._batches: list[_Batch] = []
        self._seen: dict[str, None] = {}
        self._unspoken: list[tuple[ToolCall, ToolOutcome]] = []

    @property
    def running(self) -> bool:
        """Whether any call has no result yet."""
        return bool(self._batches)

    def runs_for(self, response_ids: Container[str | None]) -> bool:
        """Whether a call of one of these responses has no result yet."""
        return any(batch.response_id in response_ids for batch in self._batches)

    def change(self, tools: Iterable[ToolDefinition]) -> None:
        """Other tools are at hand; calls that run are not affected."""
        self._tools = {tool.name: tool for tool in tools}

    def runs(self, call_id: str) -> bool:
        """Whether this call has no result yet."""
        return any(call_id in batch.calls and call_id not in batch.outcomes for batch in self._batches)

    def holding_instruction(self) -> str | None:
        """What to say while the calls that began last run."""
        calls = self._batches[-1].calls.values() if self._batches else ()
        texts = [tool.holding_instruction for call in calls if (tool := self._tools.get(call.name)) is not None]
        return "\n".join(text for text in texts if text) or None

    def collect(self, response: ResponseFinished) -> list[Effect]:
        """Start the calls of a completed response; answer those of any other without running them."""
        fresh = [call for call in response.calls if call.complete and call.call_id not in self._seen]
        calls = {call.call_id: call for call in fresh}
        self._seen.update(dict.fromkeys(calls))
        while len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        if response.status is not ResponseStatus.COMPLETED:
            return [SendToolOutput(call_id, INTERRUPTED_OUTPUT) for call_id in calls]
        if not calls:
            return []
        self._batches.append(_Batch(response.response_id, calls))
        effects: list[Effect] = []
        for call in calls.values():
            effects.append(StartTool(call))
            effects.append(
                Publish(ToolExecutionStartedEvent(call.call_id, call.name, call.arguments, self._kind_of(call)))
            )
        return effects

    def finished(self, fact: ToolCallFinished) -> tuple[list[Effect], FollowUp | None]:
        """Answer the call; with the last of its response, say whether the agent should speak."""
        batch = next((batch for batch in self._batches if fact.call_id in batch.calls), None)
        if batch is None or fact.call_id in batch.outcomes:
            return [], None
        call, outcome = batch.calls[fact.call_id], fact.outcome
        batch.outcomes[fact.call_id] = outcome
        effects: list[Effect] = [
            SendToolOutput(call.call_id, outcome.output),
            self._told(call, outcome, fact.duration_s),
        ]
        if len(batch.outcomes) < len(batch.calls):
            return effects, None
        self._batches.remove(batch)
        self._unspoken += [(call, batch.outcomes[call_id]) for call_id, call in batch.calls.items()]
        return effects, _follow_up(batch)

    def _told(self, call: ToolCall, outcome: ToolOutcome, duration_s: float = 0.0) -> Publish:
        executed = ToolExecutedEvent(
            call_id=call.call_id,
            name=call.name,
            ok=outcome.ok,
            silent=not outcome.respond,
            arguments=call.arguments,
            output=outcome.output,
            duration_s=duration_s,
            kind=self._kind_of(call),
        )
        return Publish(executed)

    def _kind_of(self, call: ToolCall) -> ActionKind:
        """A tool that is not at hand any more is of no known kind."""
        tool = self._tools.get(call.name)
        return ActionKind.GENERIC if tool is None else tool.kind

    def answered_elsewhere(self, call: ToolCall, outcome: ToolOutcome) -> None:
        """A call that the provider made has its result, which it forgets with the link as it does ours."""
        self._unspoken.append((call, outcome))

    def spoken_about(self) -> None:
        """A response ended that has seen all results; they need not be told again."""
        self._unspoken.clear()

    def recall(self) -> list[Effect]:
        """Tell a provider that has forgotten them the calls that are open or not spoken about, and their results."""
        told = list(self._unspoken)
        effects: list[Effect] = []
        for batch in self._batches:
            effects += [_recalled(call) for call_id, call in batch.calls.items() if call_id not in batch.outcomes]
            told += [
                (call, batch.outcomes[call_id]) for call_id, call in batch.calls.items() if call_id in batch.outcomes
            ]
        for call, outcome in told:
            effects += [_recalled(call), SendToolOutput(call.call_id, outcome.output)]
        return effects

    def hush(self) -> None:
        """Do not speak about the results of the calls that run now."""
        for batch in self._batches:
            batch.quiet = True

    def end(self) -> list[Effect]:
        """Stop every running call; nobody will take note of its result, so this is it."""
        return [effect for call in self._open() for effect in (CancelTool(call.call_id), self._told(call, ENDED))]

    def cancel_interruptible(self) -> list[Effect]:
        """Stop the calls that the user's speaking stops."""
        tools = self._tools
        return [
            CancelTool(call.call_id)
            for call in self._open()
            if call.name in tools and tools[call.name].cancel_on_interrupt
        ]

    def _open(self) -> list[ToolCall]:
        return [
            call for batch in self._batches for call_id, call in batch.calls.items() if call_id not in batch.outcomes
        ]


def _recalled(call: ToolCall) -> AddItem:
    return AddItem(NewItem(ItemKind.TOOL_CALL, "", call=call))


def _follow_up(batch: _Batch) -> FollowUp | None:
    speaking = [batch.outcomes[call_id] for call_id in batch.calls if batch.outcomes[call_id].respond]
    if batch.quiet or not speaking:
        return None
    instructions = [outcome.instruction for outcome in speaking if outcome.instruction]
    return FollowUp("\n".join(instructions) or None)
