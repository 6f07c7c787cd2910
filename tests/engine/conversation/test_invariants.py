"""Whatever order facts come in, what must never happen does not."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from custom_components.rtvoice.engine.conversation import effects as e
from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.remote_facts import (
    ApprovalDecided,
    ApprovalRequested,
    RemoteCallFinished,
    RemoteCallStarted,
    RemoteListingFailed,
)
from custom_components.rtvoice.engine.conversation.user_commands import (
    InterruptAsked,
    MessageSent,
    ResponseAsked,
    SayAsked,
    SpeedChanged,
    StopAsked,
    TurnEnded,
    UserCommand,
)
from custom_components.rtvoice.engine.conversation.values import (
    ApprovalRequest,
    Capabilities,
    ItemKind,
    PlayoutPosition,
    ProviderFault,
    ResponseStatus,
    ToolOutcome,
)
from custom_components.rtvoice.engine.errors import EndReason

from .dialogue import MS, Dialogue, call

RESPONSES = st.sampled_from(["r1", "r2", "r3"])
ITEMS = st.sampled_from(["i1", "i2", "i3", "i4"])
USERS = st.sampled_from(["u1", "u2"])
FAULT = ProviderFault("code", "message")
REMOTE = st.builds(call, st.sampled_from(["m1", "m2"]), st.sampled_from(["docs_a", "docs_b"]))
REQUESTS = st.sampled_from(["q1", "q2"])

WILD = st.one_of(
    st.builds(f.ResponseStarted, RESPONSES, st.sampled_from([None, "response-1", "response-2", "response-3"])),
    st.builds(f.ItemAdded, ITEMS, st.sampled_from(list(ItemKind)), st.one_of(st.none(), ITEMS, USERS)),
    st.builds(f.AudioDelta, RESPONSES, ITEMS, st.integers(0, 1), st.binary(min_size=2, max_size=10)),
    st.builds(f.AudioFinished, RESPONSES, ITEMS, st.just(0)),
    st.builds(f.TranscriptDelta, RESPONSES, ITEMS, st.just(0), st.text(max_size=5)),
    st.builds(f.TranscriptFinished, RESPONSES, ITEMS, st.just(0), st.text(max_size=5)),
    st.builds(
        f.ResponseFinished,
        RESPONSES,
        st.sampled_from(list(ResponseStatus)),
        st.lists(st.builds(call, st.sampled_from(["c1", "c2", "c3"])), max_size=2).map(tuple),
    ),
    st.builds(f.SpeechStarted, USERS),
    st.builds(f.SpeechStopped, USERS),
    st.builds(f.TurnCommitted, USERS, st.one_of(st.none(), ITEMS)),
    st.builds(f.UserTranscriptFinished, USERS, st.text(max_size=5)),
    st.builds(f.ItemDeleted, ITEMS),
    st.builds(
        f.RequestRejected,
        st.just(FAULT),
        st.sampled_from([None, "response-1", "response-2", "update-1"]),
        st.sampled_from(list(f.Rejection)),
    ),
    st.just(f.SessionReady()),
    st.just(f.LinkLost()),
    st.builds(RemoteListingFailed, st.just("docs")),
    st.builds(RemoteCallStarted, REMOTE, st.one_of(st.none(), RESPONSES), st.one_of(st.none(), REQUESTS)),
    st.builds(
        RemoteCallFinished,
        REMOTE,
        st.builds(ToolOutcome, st.just("x"), st.booleans()),
        st.one_of(st.none(), RESPONSES),
        st.one_of(st.none(), REQUESTS),
    ),
    st.builds(
        ApprovalRequested,
        st.builds(ApprovalRequest, REQUESTS, st.just("docs"), st.sampled_from(["a", "b"])),
        st.one_of(st.none(), RESPONSES),
    ),
    st.builds(ApprovalDecided, REQUESTS, st.booleans()),
    st.builds(f.ToolCallFinished, st.sampled_from(["c1", "c2", "c3"]), st.builds(ToolOutcome, st.just("x"))),
    st.builds(f.TimerFired, st.sampled_from(list(f.Timer))),
    st.builds(f.PlayoutStarted, ITEMS),
    st.builds(f.PlayoutDrained, st.integers(0, 5)),
    st.just(InterruptAsked()),
    st.builds(SayAsked, st.text(max_size=5)),
    st.builds(MessageSent, st.text(max_size=5)),
    st.builds(ResponseAsked, st.one_of(st.none(), st.text(max_size=5))),
    st.builds(SpeedChanged, st.floats(0.25, 1.5)),
    st.just(TurnEnded()),
    st.builds(StopAsked, st.just(EndReason.STOPPED), st.booleans(), st.sampled_from([None, "Say goodbye."])),
)


class Ledger:
    """What a wild conversation has done so far."""

    def __init__(self) -> None:
        self.armed: set[f.Timer] = set()
        self.answered: list[str] = []
        self.asked: list[str] = []
        self.allowed: list[str] = []
        self.closed = False

    def note_fact(self, fact: f.Fact) -> None:
        if isinstance(fact, f.TimerFired):
            self.armed.discard(fact.timer)
        if isinstance(fact, f.LinkLost | f.SessionReady):
            # A new link is told everything anew.
            self.answered.clear()

    def note(self, effect: e.Effect, fact: f.Fact, heard_ms: float) -> None:
        match effect:
            case e.ArmTimer():
                self.armed.add(effect.timer)
                assert effect.after_s >= 0
            case e.DisarmTimer():
                self.armed.discard(effect.timer)
            case e.SendToolOutput():
                self.answered.append(effect.call_id)
            case e.AskApproval():
                self.asked.append(effect.request.request_id)
            case e.AnswerApproval():
                self.allowed.append(effect.request_id)
                assert not effect.approved or fact == ApprovalDecided(effect.request_id, True)
            case e.TruncateItem():
                assert effect.audio_end_ms <= heard_ms
            case e.Close():
                self.closed = True


@given(st.lists(st.tuples(WILD, st.floats(0, 40), st.one_of(st.none(), ITEMS), st.floats(0, 10_000)), max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_order_of_facts_breaks_the_conversation(script) -> None:
    """Facts that no sane provider sends: nothing raises, and at the end nothing is armed."""
    dialogue = Dialogue(inactivity_timeout_s=20.0)
    ledger = Ledger()
    for fact, wait_s, heard_item, heard_ms in [*script, (StopAsked(), 0, None, 0)]:
        dialogue.now_s += wait_s
        dialogue.heard = PlayoutPosition(heard_item, heard_ms)
        ledger.note_fact(fact)
        effects = dialogue.tell(fact)
        assert not (ledger.closed and effects)
        for effect in effects:
            ledger.note(effect, fact, heard_ms)
        assert len(ledger.answered) == len(set(ledger.answered))
    assert ledger.closed
    assert ledger.armed == set()
    assert len(ledger.allowed) == len(set(ledger.allowed))
    assert len(ledger.asked) == len(set(ledger.asked))


class SaneProvider(RuleBasedStateMachine):
    """A provider that keeps to the protocol, a user who does not wait, tools that take their time."""

    @initialize(server_interrupts=st.booleans(), echoes=st.booleans())
    def begin(self, server_interrupts: bool, echoes: bool) -> None:
        self.dialogue = Dialogue(
            capabilities=Capabilities(interrupts_by_itself=server_interrupts, echoes_metadata=echoes), streams=True
        )
        self.server_interrupts = server_interrupts
        self.echoes = echoes
        self.requests: list[str] = []
        self.active: str | None = None
        self.spoken_ms: dict[str, float] = {}
        self.queue: list[str] = []
        self.chunks = 0
        self.streaming = False
        self.silenced: set[str] = set()
        self.owner: dict[str, str] = {}
        self.calls: dict[str, int] = {}
        self.running: set[str] = set()
        self.remote: dict[str, str | None] = {}
        self.requests_asked: set[str] = set()
        self.deciding: set[str] = set()
        self.decided: dict[str, bool] = {}
        self.user_speaking = False
        self.count = 0
        self.tell(f.SessionReady())

    def tell(self, *facts: f.Fact) -> None:
        for fact in facts:
            for effect in self.dialogue.tell(fact):
                self.obey(effect)

    def obey(self, effect: e.Effect) -> None:
        match effect:
            case e.CreateResponse():
                assert not self.requests, "two requests in flight"
                assert self.active is None, "a request while a response runs"
                assert not self.user_speaking, "a request while the user speaks"
                self.requests.append(effect.request_id)
            case e.CancelResponse():
                self.silenced.add(effect.response_id)
            case e.Play() | e.ClearPlayout() | e.FinishPlayout():
                self.sound(effect)
            case e.TruncateItem():
                assert effect.audio_end_ms <= self.dialogue.heard.heard_ms
                assert effect.audio_end_ms <= self.spoken_ms[effect.item_id]
            case e.StartTool():
                self.calls[effect.call.call_id] = 0
                self.running.add(effect.call.call_id)
            case e.SendToolOutput():
                assert not effect.call_id.startswith(("m", "q")), "a call of the provider's answered by us"
                self.calls[effect.call_id] = self.calls.get(effect.call_id, 0) + 1
                assert self.calls[effect.call_id] == 1, "a call answered twice"
            case e.AskApproval() | e.DropApproval() | e.AnswerApproval():
                self.decide(effect)

    def sound(self, effect: e.Play | e.ClearPlayout | e.FinishPlayout) -> None:
        match effect:
            case e.Play():
                assert self.owner[effect.item_id] not in self.silenced, "audio of a cancelled response"
                self.chunks += 1
                if effect.item_id not in self.queue:
                    self.queue.append(effect.item_id)
            case e.ClearPlayout():
                self.queue.clear()
            case e.FinishPlayout():
                assert self.streaming, "an end of nothing"
        self.streaming = isinstance(effect, e.Play)

    def decide(self, effect: e.AskApproval | e.DropApproval | e.AnswerApproval) -> None:
        match effect:
            case e.AskApproval():
                self.deciding.add(effect.request.request_id)
            case e.DropApproval():
                self.deciding.remove(effect.request_id)
            case e.AnswerApproval():
                assert effect.request_id not in self.decided, "a request answered twice"
                self.decided[effect.request_id] = effect.approved

    @rule()
    def request_is_served(self) -> None:
        if self.requests and self.active is None:
            request = self.requests.pop()
            self.count += 1
            self.active = f"r{self.count}"
            self.tell(f.ResponseStarted(self.active, request if self.echoes else None))

    @rule()
    def request_is_refused(self) -> None:
        if self.requests and self.active is not None:
            request = self.requests.pop()
            self.tell(f.RequestRejected(FAULT, request, f.Rejection.ALREADY_RESPONDING))

    @rule(ms=st.integers(20, 600), new_item=st.booleans())
    def model_speaks(self, ms: int, new_item: bool) -> None:
        if self.active is not None:
            item = f"{self.active}-{1 if new_item else 0}"
            self.owner[item] = self.active
            if self.active not in self.silenced:
                self.spoken_ms[item] = self.spoken_ms.get(item, 0) + ms
            self.tell(f.AudioDelta(self.active, item, 0, bytes(ms * MS)))

    @rule(share=st.floats(0, 1))
    def some_is_heard(self, share: float) -> None:
        if self.queue:
            item = self.queue[0]
            self.dialogue.hear(item, self.spoken_ms[item] * share)
            self.tell(f.PlayoutStarted(item))

    @rule()
    def all_is_heard(self) -> None:
        if self.queue:
            item = self.queue[-1]
            self.dialogue.hear(item, self.spoken_ms[item])
            self.queue.clear()
            self.tell(f.PlayoutDrained(self.chunks))

    @rule(calls=st.integers(0, 2), status=st.sampled_from(list(ResponseStatus)))
    def model_finishes(self, calls: int, status: ResponseStatus) -> None:
        if self.active is not None:
            made = tuple(call(f"{self.active}-c{n}") for n in range(calls))
            finished, self.active = self.active, None
            self.tell(f.ResponseFinished(finished, status, made))

    @rule()
    def user_starts(self) -> None:
        if not self.user_speaking:
            self.user_speaking = True
            cancelled, self.active = (self.active, None) if self.server_interrupts else (None, self.active)
            if cancelled is not None:
                self.silenced.add(cancelled)
            self.tell(f.SpeechStarted())
            if cancelled is not None:
                self.tell(f.ResponseFinished(cancelled, ResponseStatus.CANCELLED))

    @rule(answers=st.booleans())
    def user_stops(self, answers: bool) -> None:
        if self.user_speaking:
            self.user_speaking = False
            self.tell(f.SpeechStopped())
            if answers and self.active is None and not self.requests:
                self.count += 1
                self.active = f"r{self.count}"
                self.tell(f.ResponseStarted(self.active))

    @rule(data=st.data(), respond=st.booleans())
    def tool_finishes(self, data: st.DataObject, respond: bool) -> None:
        if self.running:
            call_id = data.draw(st.sampled_from(sorted(self.running)))
            self.running.discard(call_id)
            self.tell(f.ToolCallFinished(call_id, ToolOutcome("x", respond=respond)))

    @rule()
    def provider_calls(self) -> None:
        if self.active is not None:
            self.count += 1
            self.remote[f"m{self.count}"] = self.active
            self.tell(RemoteCallStarted(call(f"m{self.count}", "docs_a"), self.active))

    @rule()
    def provider_asks(self) -> None:
        if self.active is not None:
            self.count += 1
            self.requests_asked.add(f"q{self.count}")
            self.tell(ApprovalRequested(ApprovalRequest(f"q{self.count}", "docs", "a"), self.active))

    @rule(approved=st.booleans(), data=st.data())
    def it_is_decided(self, approved: bool, data: st.DataObject) -> None:
        if self.deciding:
            request_id = data.draw(st.sampled_from(sorted(self.deciding)))
            self.deciding.discard(request_id)
            self.tell(ApprovalDecided(request_id, approved))
            assert self.decided[request_id] == approved
            if approved:
                self.remote[f"m-{request_id}"] = None
                self.tell(RemoteCallStarted(call(f"m-{request_id}", "docs_a"), None, request_id))

    @rule(data=st.data(), ok=st.booleans())
    def provider_has_called(self, data: st.DataObject, ok: bool) -> None:
        if self.remote:
            call_id = data.draw(st.sampled_from(sorted(self.remote)))
            response_id = self.remote.pop(call_id)
            self.tell(RemoteCallFinished(call(call_id, "docs_a"), ToolOutcome("x", ok=ok), response_id))

    @rule(command=st.sampled_from([SayAsked("x"), MessageSent("x"), ResponseAsked(), InterruptAsked()]))
    def owner_asks(self, command: UserCommand) -> None:
        self.tell(command)

    @rule(seconds=st.floats(0, 12))
    def time_passes(self, seconds: float) -> None:
        self.dialogue.now_s += seconds

    @invariant()
    def a_stream_ends_with_its_response(self) -> None:
        if hasattr(self, "streaming"):
            assert not self.streaming or self.active is not None

    @invariant()
    def every_finished_call_is_answered(self) -> None:
        if hasattr(self, "calls"):
            assert {call_id for call_id, count in self.calls.items() if count == 0} == self.running

    @invariant()
    def every_request_is_answered_or_being_decided(self) -> None:
        if hasattr(self, "decided"):
            assert self.requests_asked == self.deciding | set(self.decided)
            assert not self.deciding & set(self.decided)

    def teardown(self) -> None:
        if hasattr(self, "dialogue"):
            self.tell(StopAsked())


TestSaneProvider = SaneProvider.TestCase
TestSaneProvider.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
