"""Calls that the provider makes by itself, and the approvals it waits for."""

import pytest

from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.deadlines import (
    REMOTE_CALL_S,
    RESPONSE_PROGRESS_S,
)
from custom_components.rtvoice.engine.conversation.effects import (
    AddItem,
    AnswerApproval,
    ArmTimer,
    AskApproval,
    CancelResponse,
    Close,
    CreateResponse,
    DropApproval,
    SendToolOutput,
    StartTool,
)
from custom_components.rtvoice.engine.conversation.remote import INTERRUPTED, LOST, OVERDUE, REFUSED, UNDECIDED
from custom_components.rtvoice.engine.conversation.remote_facts import (
    ApprovalDecided,
    ApprovalRequested,
    RemoteCallFinished,
    RemoteCallStarted,
    RemoteListingFailed,
)
from custom_components.rtvoice.engine.conversation.user_commands import InterruptAsked, StopAsked
from custom_components.rtvoice.engine.conversation.values import (
    ApprovalRequest,
    Capabilities,
    ItemKind,
    ResponseStatus,
    ToolOutcome,
    remote_name,
)
from custom_components.rtvoice.engine.events import (
    AgentError,
    AgentErrorEvent,
    ToolExecutedEvent,
    ToolExecutionStartedEvent,
)

from .dialogue import Dialogue, audio, call, cancelled, done, of_type, published, ready, result, speaking

REQUEST = ApprovalRequest("q1", "docs", "search", '{"query":"x"}')
COMPLETED = ResponseStatus.COMPLETED


def begun(call_id: str = "m1", response_id: str | None = "r1", approval_id: str | None = None) -> RemoteCallStarted:
    return RemoteCallStarted(call(call_id, "docs_search", '{"query":"x"}'), response_id, approval_id)


def ended(
    call_id: str = "m1", response_id: str | None = "r1", approval_id: str | None = None, **outcome: object
) -> RemoteCallFinished:
    made = call(call_id, "docs_search", '{"query":"x"}')
    return RemoteCallFinished(made, ToolOutcome("found", **outcome), response_id, approval_id)


def asked(request: ApprovalRequest = REQUEST, response_id: str | None = "r1") -> ApprovalRequested:
    return ApprovalRequested(request, response_id)


def calling(**settings: object) -> Dialogue:
    """The provider runs a call after the response that made it is over."""
    dialogue = ready(**settings)
    dialogue.tell(f.ResponseStarted("r1"), begun(), done())
    return dialogue


def asking(**settings: object) -> Dialogue:
    """The provider waits for approval after the response that asked for it is over."""
    dialogue = ready(**settings)
    dialogue.tell(f.ResponseStarted("r1"), asked(), done())
    return dialogue


def executed(effects: list) -> list[ToolExecutedEvent]:
    return of_type_of_events(effects, ToolExecutedEvent)


def of_type_of_events[T](effects: list, kind: type[T]) -> list[T]:
    return [event for event in published(effects) if isinstance(event, kind)]


# --- calls ------------------------------------------------------------------------------------------------------------


def test_a_call_is_told_as_any_other_and_never_answered_by_us() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"))
    effects = dialogue.tell(begun())
    assert published(effects) == [ToolExecutionStartedEvent("m1", "docs_search", '{"query":"x"}')]
    assert dialogue.after(2.5, ended())[0].event == ToolExecutedEvent(
        "m1", "docs_search", ok=True, arguments='{"query":"x"}', output="found", duration_s=2.5
    )
    dialogue.tell(done())
    assert not of_type(dialogue.all, StartTool)
    assert not of_type(dialogue.all, SendToolOutput)


def test_a_failed_call_is_told_as_failed_and_spoken_about() -> None:
    dialogue = calling()
    effects = dialogue.tell(ended(ok=False))
    assert [event.ok for event in executed(effects)] == [False]
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1")]


def test_one_answer_is_asked_for_when_the_response_is_over_and_all_calls_are_done() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), begun("m1"), begun("m2"))
    assert not of_type(dialogue.tell(ended("m1"), done()), CreateResponse)
    assert dialogue.conversation.state == "thinking"
    assert of_type(dialogue.tell(ended("m2")), CreateResponse) == [CreateResponse("response-1")]
    effects = dialogue.tell(f.ResponseStarted("r2", "response-1"), audio("r2", "i2", 100), done("r2"))
    assert not of_type(effects, CreateResponse)
    assert of_type(dialogue.tell(f.PlayoutStarted("i2"), f.PlayoutDrained(1)), CreateResponse) == []
    assert dialogue.conversation.state == "listening"


def test_calls_that_are_done_before_their_response_is_are_spoken_about_after_it() -> None:
    dialogue = ready()
    assert not of_type(dialogue.tell(f.ResponseStarted("r1"), begun(), ended()), CreateResponse)
    assert of_type(dialogue.tell(done()), CreateResponse) == [CreateResponse("response-1")]


@pytest.mark.parametrize(("continues", "answers"), [(True, 0), (False, 1)])
def test_only_a_provider_that_continues_has_spoken_about_it_in_the_same_response(continues, answers) -> None:
    """With others, what comes after the call in the same response was said without knowing its result."""
    dialogue = ready(capabilities=Capabilities(continues_after_mcp_calls=continues))
    dialogue.tell(f.ResponseStarted("r1"), begun(), ended(), audio("r1", "i1", 100))
    assert len(of_type(dialogue.tell(done()), CreateResponse)) == answers


def test_a_provider_that_continues_is_asked_where_it_did_not() -> None:
    dialogue = ready(capabilities=Capabilities(continues_after_mcp_calls=True))
    dialogue.tell(f.ResponseStarted("r1"), audio("r1", "i1", 100), begun(), ended())
    assert of_type(dialogue.tell(done()), CreateResponse) == [CreateResponse("response-1")]


def test_a_response_of_the_provider_s_own_takes_the_place_of_ours() -> None:
    dialogue = calling()
    dialogue.tell(f.SpeechStarted("u1"), ended(), f.SpeechStopped("u1"))
    effects = dialogue.tell(f.ResponseStarted("r2"), done("r2"))
    assert not of_type(effects, CreateResponse)


def test_results_that_come_while_another_response_runs_are_spoken_about_after_it() -> None:
    dialogue = calling()
    dialogue.tell(f.SpeechStarted(), f.SpeechStopped(), f.ResponseStarted("r2"))
    assert not of_type(dialogue.tell(ended()), CreateResponse)
    assert of_type(dialogue.tell(done("r2")), CreateResponse) == [CreateResponse("response-1")]


def test_a_call_is_told_once_however_often_the_provider_does() -> None:
    dialogue = calling()
    assert dialogue.tell(begun()) == []
    dialogue.tell(ended())
    assert dialogue.tell(ended(), begun()) == []


def test_a_call_whose_start_went_untold_is_told_whole() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"))
    events = published(dialogue.tell(ended()))
    assert [type(event) for event in events] == [ToolExecutionStartedEvent, ToolExecutedEvent]


def test_a_running_call_keeps_the_session_from_ending_for_silence() -> None:
    dialogue = calling(inactivity_timeout_s=10.0)
    effects = dialogue.after(60, f.TimerFired(f.Timer.INACTIVITY))
    assert not of_type(effects, Close)
    dialogue.tell(ended(), f.ResponseStarted("r2", "response-1"))
    assert ArmTimer(f.Timer.INACTIVITY, 5.0) in dialogue.tell(done("r2"))


def test_an_overdue_call_is_given_up_and_spoken_about() -> None:
    dialogue = calling()
    dialogue.after(REMOTE_CALL_S - 1, begun("m2"))
    effects = dialogue.after(1, f.TimerFired(f.Timer.REMOTE_CALL))
    assert [(event.call_id, event.ok, event.output) for event in executed(effects)] == [("m1", False, OVERDUE.output)]
    assert not of_type(effects, CreateResponse)
    assert ArmTimer(f.Timer.REMOTE_CALL, REMOTE_CALL_S) in effects
    effects = dialogue.after(REMOTE_CALL_S, f.TimerFired(f.Timer.REMOTE_CALL))
    assert [event.call_id for event in executed(effects)] == ["m2"]
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1")]
    assert dialogue.tell(ended("m1")) == []


def test_a_response_is_not_stuck_while_the_provider_calls_a_tool_within_it() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), begun())
    effects = dialogue.after(RESPONSE_PROGRESS_S, f.TimerFired(f.Timer.RESPONSE_PROGRESS))
    assert not of_type(effects, CancelResponse)
    dialogue.tell(ended())
    effects = dialogue.after(RESPONSE_PROGRESS_S, f.TimerFired(f.Timer.RESPONSE_PROGRESS))
    assert of_type(effects, CancelResponse) == [CancelResponse("r1")]


def test_what_the_user_silenced_is_not_spoken_about() -> None:
    dialogue = calling()
    dialogue.tell(InterruptAsked())
    effects = dialogue.tell(ended())
    assert [event.silent for event in executed(effects)] == [True]
    assert not of_type(effects, CreateResponse)
    assert dialogue.conversation.state == "listening"


def test_results_that_are_there_already_are_silenced_too() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), begun(), ended(), InterruptAsked())
    assert not of_type(dialogue.tell(cancelled()), CreateResponse)


def test_calls_of_an_interrupted_response_are_not_spoken_about() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), begun(), f.SpeechStarted(), cancelled())
    assert [event.silent for event in executed(dialogue.tell(ended()))] == [True]


def test_a_failed_listing_is_told_and_survived() -> None:
    effects = ready().tell(RemoteListingFailed("docs"))
    error = AgentError("mcp_listing_failed", "The provider could not get the tools of MCP server 'docs'")
    assert published(effects) == [AgentErrorEvent(error)]


# --- approvals --------------------------------------------------------------------------------------------------------


def test_a_request_is_decided_and_answered_once() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"))
    assert dialogue.tell(asked()) == [AskApproval(REQUEST)]
    assert dialogue.tell(asked()) == []
    dialogue.tell(done())
    effects = dialogue.tell(ApprovalDecided("q1", True), ApprovalDecided("q1", False), ApprovalDecided("q9", True))
    assert of_type(effects, AnswerApproval) == [AnswerApproval("q1", approved=True)]
    assert not of_type(effects, CreateResponse)
    assert dialogue.conversation.state == "thinking"


@pytest.mark.parametrize("approval_id", ["q1", None])
def test_an_approved_call_runs_and_is_spoken_about(approval_id) -> None:
    dialogue = asking()
    dialogue.tell(ApprovalDecided("q1", True))
    effects = dialogue.tell(begun("m1", None, approval_id))
    assert of_type_of_events(effects, ToolExecutionStartedEvent)
    effects = dialogue.tell(ended("m1", None, approval_id))
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1")]
    assert len(executed(dialogue.all)) == 1


def test_an_approved_call_may_be_told_by_its_result_alone() -> None:
    dialogue = asking()
    dialogue.tell(ApprovalDecided("q1", True))
    assert of_type(dialogue.tell(ended("m1", None, "q1")), CreateResponse) == [CreateResponse("response-1")]


def test_a_call_that_nobody_asked_about_leaves_an_approved_one_open() -> None:
    dialogue = asking()
    dialogue.tell(ApprovalDecided("q1", True))
    other = RemoteCallFinished(call("m7", "docs_fetch"), ToolOutcome("y"), "r1")
    assert not of_type(dialogue.tell(other), CreateResponse)


def test_a_refused_call_is_told_and_spoken_about() -> None:
    dialogue = asking()
    effects = dialogue.after(3, ApprovalDecided("q1", False))
    assert effects[0] == AnswerApproval("q1", approved=False, reason=REFUSED)
    assert [(event.call_id, event.name, event.ok, event.duration_s) for event in executed(effects)] == [
        ("q1", "docs_search", False, 3)
    ]
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1")]


def test_an_approved_call_that_never_begins_is_given_up() -> None:
    dialogue = asking()
    dialogue.after(30, ApprovalDecided("q1", True))
    effects = dialogue.after(REMOTE_CALL_S, f.TimerFired(f.Timer.REMOTE_CALL))
    assert [event.output for event in executed(effects)] == [OVERDUE.output]
    assert of_type(effects, CreateResponse)


def test_the_user_may_speak_while_it_is_decided() -> None:
    """Perhaps the user is just saying yes."""
    dialogue = asking()
    assert not of_type(dialogue.tell(f.SpeechStarted(), f.SpeechStopped()), DropApproval)
    dialogue.tell(f.ResponseStarted("r2"), done("r2"))
    assert of_type(dialogue.tell(ApprovalDecided("q1", True)), AnswerApproval) == [AnswerApproval("q1", approved=True)]


def test_what_an_interrupted_response_asked_for_is_refused_at_once() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), asked(), begun("m1", "r0"), f.SpeechStarted())
    effects = dialogue.tell(cancelled())
    assert effects[:2] == [DropApproval("q1"), AnswerApproval("q1", approved=False, reason=INTERRUPTED)]
    assert [event.silent for event in executed(effects)] == [True]
    assert dialogue.tell(ApprovalDecided("q1", True)) == []
    assert not of_type(dialogue.tell(f.SpeechStopped(), f.ResponseStarted("r2"), done("r2")), CreateResponse)


def test_what_another_response_asked_for_is_not_touched_by_that() -> None:
    dialogue = asking()
    dialogue.tell(f.SpeechStarted(), f.SpeechStopped(), f.ResponseStarted("r2"), f.SpeechStarted())
    assert not of_type(dialogue.tell(cancelled("r2")), AnswerApproval)


def test_what_is_asked_for_by_a_response_that_was_interrupted_already_is_refused() -> None:
    dialogue = speaking()
    dialogue.tell(f.SpeechStarted())
    effects = dialogue.tell(asked())
    assert of_type(effects, AnswerApproval) == [AnswerApproval("q1", approved=False, reason=INTERRUPTED)]
    assert not of_type(effects, AskApproval)


def test_a_request_without_a_response_is_decided() -> None:
    assert of_type(ready().tell(asked(response_id=None)), AskApproval)


def test_deciding_does_not_let_the_session_end_and_is_stopped_with_it() -> None:
    dialogue = asking(inactivity_timeout_s=10.0)
    assert not of_type(dialogue.tell(StopAsked(when_silent=True)), Close)
    effects = dialogue.tell(StopAsked())
    assert of_type(effects, DropApproval) == [DropApproval("q1")]
    assert not of_type(effects, AnswerApproval)
    (executed,) = (event for event in published(effects) if isinstance(event, ToolExecutedEvent))
    assert (executed.call_id, executed.ok) == ("q1", False)
    assert dialogue.tell(ApprovalDecided("q1", True)) == []


def test_an_approval_for_what_the_user_silenced_is_still_given_but_not_spoken_about() -> None:
    dialogue = asking()
    dialogue.tell(InterruptAsked())
    dialogue.tell(ApprovalDecided("q1", True), begun("m1", None, "q1"))
    effects = dialogue.tell(ended("m1", None, "q1"))
    assert not of_type(effects, CreateResponse)
    assert dialogue.conversation.state == "listening"


# --- a broken link ----------------------------------------------------------------------------------------------------


def test_nothing_pending_survives_a_lost_link() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), begun(), asked(), done())
    dialogue.tell(asked(ApprovalRequest("q2", "docs", "fetch"), None), ApprovalDecided("q2", True))
    effects = dialogue.tell(f.LinkLost())
    assert of_type(effects, DropApproval) == [DropApproval("q1")]
    outputs = {"q1": UNDECIDED.output, "m1": LOST.output, "q2": LOST.output}
    assert {event.call_id: event.output for event in executed(effects)} == outputs
    assert not any(event.ok for event in executed(effects))
    assert dialogue.tell(ApprovalDecided("q1", True)) == []
    effects = dialogue.tell(f.SessionReady())
    assert not of_type(effects, AnswerApproval)
    retold = [effect.item.call for effect in of_type(effects, AddItem) if effect.item.kind is ItemKind.TOOL_CALL]
    assert [(call.call_id, call.name) for call in retold] == [
        ("q1", "docs_search"),
        ("m1", "docs_search"),
        ("q2", "docs_fetch"),
    ]
    assert {effect.call_id: effect.output for effect in of_type(effects, SendToolOutput)} == outputs
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1")]


def test_results_that_were_not_spoken_about_are_told_to_a_new_link() -> None:
    dialogue = calling()
    dialogue.tell(ended(), f.LinkLost())
    effects = dialogue.tell(f.SessionReady())
    assert of_type(effects, SendToolOutput) == [SendToolOutput("m1", "found")]
    assert of_type(effects, CreateResponse) == [CreateResponse("response-2")]


def test_results_that_were_spoken_about_are_not_told_again() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), begun(), ended(), done())
    dialogue.tell(f.ResponseStarted("r2", "response-1"), done("r2"), f.LinkLost())
    assert not of_type(dialogue.tell(f.SessionReady()), SendToolOutput)


def test_results_are_kept_for_a_new_link_until_a_response_has_seen_them() -> None:
    """The response that made the call ends after the result came, but does not know it."""
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), begun(), ended(), done(), f.LinkLost())
    assert of_type(dialogue.tell(f.SessionReady()), SendToolOutput) == [SendToolOutput("m1", "found")]


@pytest.mark.parametrize("respond", [True, False])
def test_one_answer_is_about_calls_of_ours_and_of_the_provider(respond) -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), begun(), done("r1", COMPLETED, call("c1", "turn_on")))
    assert not of_type(dialogue.tell(ended()), CreateResponse)
    effects = dialogue.tell(result("c1", respond=respond))
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1")]
    dialogue.tell(f.ResponseStarted("r2", "response-1"))
    assert not of_type(dialogue.tell(done("r2")), CreateResponse)


def test_calls_of_ours_from_another_response_are_not_waited_for() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r0"), done("r0", COMPLETED, call("c1", "turn_on")))
    dialogue.tell(f.ResponseStarted("r1"), begun(), done())
    assert of_type(dialogue.tell(ended()), CreateResponse)


def test_results_of_the_provider_that_come_after_ours_are_spoken_about_after_them() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), begun(), done("r1", COMPLETED, call("c1", "turn_on")))
    effects = dialogue.tell(result("c1"), f.ResponseStarted("r2", "response-1"), ended())
    assert of_type(effects, SendToolOutput) == [SendToolOutput("c1", "OK")]
    assert of_type(dialogue.tell(done("r2")), CreateResponse) == [CreateResponse("response-2")]


@pytest.mark.parametrize(
    ("server", "tool", "name"),
    [("docs", "search", "docs_search"), ("a b", "c/d", "a_b_c_d"), ("", "", "tool"), ("x" * 70, "y", "x" * 64)],
)
def test_names_are_as_short_and_plain_as_any_tool_s(server, tool, name) -> None:
    assert remote_name(server, tool) == name


def test_only_so_many_ids_are_remembered() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"))
    for n in range(300):
        dialogue.tell(ended(f"m{n}"))
    assert executed(dialogue.tell(ended("m0")))
    assert not executed(dialogue.tell(ended("m299")))
