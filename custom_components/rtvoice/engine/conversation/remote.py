"""Tools of MCP servers that the provider calls by itself: what runs there, and what is allowed to."""

from dataclasses import dataclass, replace
from typing import assert_never

from ..events import AgentError, AgentErrorEvent, ToolExecutedEvent, ToolExecutionStartedEvent
from .deadlines import REMOTE_CALL_S, Deadlines
from .effects import AnswerApproval, AskApproval, DropApproval, Effect, Publish
from .facts import ResponseFinished, Timer
from .remote_facts import (
    ApprovalDecided,
    ApprovalRequested,
    RemoteCallFinished,
    RemoteCallStarted,
    RemoteFact,
    RemoteListingFailed,
)
from .responses import Purpose, Responses, Wanted
from .tool_calls import ToolCalls
from .values import ResponseStatus, ToolCall, ToolOutcome

NOT_LISTED = "The provider could not get the tools of MCP server '{server}'"

REFUSED = "The user has not allowed this. Nothing was done."
INTERRUPTED = "The user interrupted before this was carried out. Nothing was done."

LOST = ToolOutcome(
    '{"error":"connection_lost","error_text":"The connection broke meanwhile; it may have been carried out."}', ok=False
)
UNDECIDED = ToolOutcome(
    '{"error":"connection_lost","error_text":"The connection broke before this was allowed. Nothing was done."}',
    ok=False,
)
OVERDUE = ToolOutcome(
    '{"error":"timeout","error_text":"There was no result in time; it may have been carried out."}', ok=False
)

_REMEMBERED = 256
"""A call or request is told again within moments; its id need not be kept for ever."""


@dataclass(slots=True)
class _Entry:
    """A call that waits for approval, for its beginning or for its result."""

    call: ToolCall
    response_id: str | None
    since_s: float
    begun: bool = False
    """Whether observers know of it."""
    quiet: bool = False
    """Whether what comes of it must not be spoken about."""


class RemoteCalls:
    """The calls that the provider makes, and the approvals it waits for.

    The provider knows their results, but does not speak about them unless it is asked to, once all are there.
    """

    def __init__(self, deadlines: Deadlines, responses: Responses, tools: ToolCalls) -> None:
        self._deadlines = deadlines
        self._responses = responses
        self._tools = tools
        self._asked: dict[str, _Entry] = {}
        self._running: dict[str, _Entry] = {}
        self._seen: dict[str, None] = {}
        self._due: set[str | None] = set()

    @property
    def running(self) -> bool:
        """Whether any call has no result yet, or waits for approval."""
        return bool(self._asked or self._running)

    @property
    def due(self) -> bool:
        """Whether there are results that nobody has spoken about."""
        return bool(self._due)

    def receive(self, fact: RemoteFact, now_s: float) -> list[Effect]:
        """Take note of what the provider does, or what it may do."""
        self._responses.progressed(now_s)
        match fact:
            case RemoteListingFailed():
                unlisted = AgentError("mcp_listing_failed", NOT_LISTED.format(server=fact.server))
                return [Publish(AgentErrorEvent(unlisted))]
            case RemoteCallStarted():
                return self._started(fact, now_s)
            case RemoteCallFinished():
                return self._finished(fact, now_s)
            case ApprovalRequested():
                return self._requested(fact, now_s)
            case ApprovalDecided():
                return self._decided(fact, now_s)
        assert_never(fact)

    def response_ended(self, fact: ResponseFinished, now_s: float) -> list[Effect]:
        """Refuse what a response has asked for that did not come to its end."""
        if fact.status is ResponseStatus.COMPLETED:
            return []
        effects: list[Effect] = []
        for request_id, entry in [*self._asked.items()]:
            if entry.response_id == fact.response_id:
                del self._asked[request_id]
                effects += [DropApproval(request_id), *self._interrupted(entry, now_s)]
        for entry in self._running.values():
            entry.quiet = entry.quiet or entry.response_id == fact.response_id
        return effects

    def settle(self, now_s: float) -> list[Effect]:
        """Ask for the answer about all results, once they are there, those of our own tools too; watch what runs."""
        waiting = self.running or self._responses.active is not None or self._tools.runs_for(self._due)
        if self._due and not waiting:
            self._due.clear()
            self._responses.want(Wanted(Purpose.FOLLOW_UP))
        return self._deadlines.follow(Timer.REMOTE_CALL, REMOTE_CALL_S, now_s, wanted=bool(self._running))

    def told_in(self, response_id: str) -> None:
        """A response goes on; where its calls have their results already, it speaks about them."""
        self._due.discard(response_id)

    def response_began(self) -> None:
        """A response began, which sees all results so far."""
        self._due.clear()

    def hush(self) -> None:
        """Do not speak about what comes of what runs now."""
        self._due.clear()
        for entry in (*self._asked.values(), *self._running.values()):
            entry.quiet = True

    def overdue(self, now_s: float) -> list[Effect]:
        """Give up on calls that have run for too long; those that began later get as long again."""
        late = [key for key, entry in self._running.items() if now_s - entry.since_s >= REMOTE_CALL_S]
        return [effect for key in late for effect in self._ended(self._running.pop(key), OVERDUE, now_s)]

    def cut_off(self, now_s: float) -> list[Effect]:
        """The link broke: nothing comes of what was open there, and a new one knows nothing of it."""
        effects: list[Effect] = [DropApproval(request_id) for request_id in self._asked]
        for entry in self._asked.values():
            effects += self._ended(entry, UNDECIDED, now_s)
        for entry in self._running.values():
            effects += self._ended(entry, LOST, now_s)
        self._asked.clear()
        self._running.clear()
        return effects

    def _started(self, fact: RemoteCallStarted, now_s: float) -> list[Effect]:
        if not self._is_new(fact.call.call_id):
            return []
        quiet = self._take_approved(fact)
        self._running[fact.call.call_id] = _Entry(fact.call, fact.response_id, now_s, begun=True, quiet=quiet)
        return [_told_start(fact.call)]

    def _finished(self, fact: RemoteCallFinished, now_s: float) -> list[Effect]:
        entry = self._running.pop(fact.call.call_id, None)
        if entry is None:
            if not self._is_new(fact.call.call_id):
                return []
            entry = _Entry(fact.call, fact.response_id, now_s, quiet=self._take_approved(fact))
        return self._ended(replace(entry, call=fact.call), fact.outcome, now_s)

    def _requested(self, fact: ApprovalRequested, now_s: float) -> list[Effect]:
        request = fact.request
        if not self._is_new(request.request_id):
            return []
        entry = _Entry(ToolCall(request.request_id, request.name, request.arguments), fact.response_id, now_s)
        if fact.response_id is not None and self._responses.is_silenced(fact.response_id):
            return self._interrupted(entry, now_s)
        self._asked[request.request_id] = entry
        return [AskApproval(request)]

    def _decided(self, fact: ApprovalDecided, now_s: float) -> list[Effect]:
        entry = self._asked.pop(fact.request_id, None)
        if entry is None:
            return []
        if not fact.approved:
            return self._refused(entry, REFUSED, now_s)
        self._running[fact.request_id] = replace(entry, since_s=now_s)
        return [AnswerApproval(fact.request_id, approved=True)]

    def _take_approved(self, fact: RemoteCallStarted | RemoteCallFinished) -> bool:
        """Find the approval that a call was waiting for; whether it must not be spoken about."""
        waiting = {key: entry for key, entry in self._running.items() if not entry.begun}
        same = (key for key, entry in waiting.items() if entry.call.name == fact.call.name)
        key = fact.approval_id if fact.approval_id in waiting else next(same, None)
        return key is not None and self._running.pop(key).quiet

    def _interrupted(self, entry: _Entry, now_s: float) -> list[Effect]:
        return self._refused(replace(entry, quiet=True), INTERRUPTED, now_s)

    def _refused(self, entry: _Entry, reason: str, now_s: float) -> list[Effect]:
        outcome = ToolOutcome(f'{{"error":"refused","error_text":"{reason}"}}', ok=False)
        answer = AnswerApproval(entry.call.call_id, approved=False, reason=reason)
        return [answer, *self._ended(entry, outcome, now_s)]

    def _ended(self, entry: _Entry, outcome: ToolOutcome, now_s: float) -> list[Effect]:
        call = entry.call
        self._tools.answered_elsewhere(call, outcome)
        if not entry.quiet:
            self._due.add(entry.response_id)
        executed = ToolExecutedEvent(
            call_id=call.call_id,
            name=call.name,
            ok=outcome.ok,
            silent=entry.quiet,
            arguments=call.arguments,
            output=outcome.output,
            duration_s=now_s - entry.since_s,
        )
        return [*([] if entry.begun else [_told_start(call)]), Publish(executed)]

    def _is_new(self, an_id: str) -> bool:
        if an_id in self._seen:
            return False
        self._seen[an_id] = None
        while len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return True


def _told_start(call: ToolCall) -> Publish:
    return Publish(ToolExecutionStartedEvent(call.call_id, call.name, call.arguments))
