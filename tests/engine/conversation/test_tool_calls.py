from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.deadlines import TURN_ANSWER_S
from custom_components.rtvoice.engine.conversation.effects import (
    CancelTool,
    Close,
    CreateResponse,
    SendToolOutput,
    StartTool,
)
from custom_components.rtvoice.engine.conversation.tool_calls import ENDED, INTERRUPTED_OUTPUT
from custom_components.rtvoice.engine.conversation.user_commands import InterruptAsked, StopAsked, ToolsChanged
from custom_components.rtvoice.engine.conversation.values import ProviderFault, ResponseStatus, ToolDefinition
from custom_components.rtvoice.engine.errors import EndReason
from custom_components.rtvoice.engine.events import ActionKind, ToolExecutedEvent, ToolExecutionStartedEvent

from .dialogue import audio, call, cancelled, done, of_type, published, ready, result, speaking, states

COMPLETED = ResponseStatus.COMPLETED


def calling(*calls: object, **settings: object) -> object:
    dialogue = ready(**settings)
    dialogue.tell(f.ResponseStarted("r1"), done("r1", COMPLETED, *calls))
    return dialogue


def test_calls_of_a_completed_response_start_side_by_side() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"))
    effects = dialogue.tell(done("r1", COMPLETED, call("c1"), call("c2")))
    assert of_type(effects, StartTool) == [StartTool(call("c1")), StartTool(call("c2"))]
    assert ToolExecutionStartedEvent("c1", "turn_on", "{}") in published(effects)
    assert dialogue.conversation.state == "thinking"


def test_all_outputs_then_exactly_one_response() -> None:
    dialogue = calling(call("c1"), call("c2"))
    first = dialogue.tell(result("c2", "two"))
    assert of_type(first, SendToolOutput) == [SendToolOutput("c2", "two")]
    assert not of_type(first, CreateResponse)
    second = dialogue.tell(result("c1", "one"))
    assert of_type(second, SendToolOutput) == [SendToolOutput("c1", "one")]
    assert of_type(second, CreateResponse) == [CreateResponse("response-1")]


def test_executed_tools_are_told() -> None:
    dialogue = calling(call("c1", "lock", '{"name":"door"}'))
    effects = dialogue.tell(f.ToolCallFinished("c1", result("c1", "no", ok=False).outcome, 1.5))
    assert published(effects)[0] == ToolExecutedEvent(
        "c1", "lock", ok=False, silent=False, arguments='{"name":"door"}', output="no", duration_s=1.5
    )


def test_silent_tools_make_no_response() -> None:
    dialogue = calling(call("c1"))
    effects = dialogue.tell(result("c1", respond=False))
    assert not of_type(effects, CreateResponse)
    assert dialogue.conversation.state == "listening"


def test_one_tool_that_wants_to_be_spoken_about_is_enough() -> None:
    dialogue = calling(call("c1"), call("c2"), instructions="Base.")
    dialogue.tell(result("c1", respond=False, instruction="Not this"))
    effects = dialogue.tell(result("c2", instruction="In one word."))
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1", "Base.\n\nIn one word.")]


def test_no_response_of_ours_when_the_user_has_spoken_meanwhile() -> None:
    dialogue = calling(call("c1"))
    dialogue.tell(f.SpeechStarted("u1"))
    assert of_type(dialogue.tell(result("c1")), SendToolOutput) == [SendToolOutput("c1", "OK")]
    effects = dialogue.tell(f.SpeechStopped("u1"), f.TurnCommitted("u1"), f.ResponseStarted("r2"), done("r2"))
    assert not of_type(effects, CreateResponse)


def test_results_are_spoken_about_when_the_user_s_turn_gets_no_answer() -> None:
    dialogue = calling(call("c1"))
    dialogue.tell(f.SpeechStarted("u1"), result("c1"), f.SpeechStopped("u1"))
    effects = dialogue.after(TURN_ANSWER_S, f.TimerFired(f.Timer.TURN_ANSWER))
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1")]


def test_results_that_come_during_another_response_are_spoken_about_after_it() -> None:
    dialogue = calling(call("c1"))
    dialogue.tell(f.SpeechStarted(), f.SpeechStopped(), f.ResponseStarted("r2"))
    assert not of_type(dialogue.tell(result("c1")), CreateResponse)
    assert of_type(dialogue.tell(done("r2")), CreateResponse) == [CreateResponse("response-1")]


def test_follow_up_that_crossed_with_the_user_s_answer_is_not_repeated() -> None:
    dialogue = calling(call("c1"))
    dialogue.tell(result("c1"))
    dialogue.tell(f.SpeechStarted(), f.SpeechStopped(), f.ResponseStarted("r2"))
    rejected = f.RequestRejected(ProviderFault(None, "busy"), "response-1", f.Rejection.ALREADY_RESPONDING)
    assert published(dialogue.tell(rejected)) == []
    assert not of_type(dialogue.tell(done("r2")), CreateResponse)


def test_preamble_plays_while_the_tool_runs() -> None:
    dialogue = speaking()
    effects = dialogue.tell(done("r1", COMPLETED, call("c1")), result("c1"), f.PlayoutDrained(1))
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1")]
    assert states(effects) == ["thinking"]


def test_calls_of_a_cancelled_response_are_answered_but_not_run() -> None:
    dialogue = speaking()
    effects = dialogue.tell(done("r1", ResponseStatus.CANCELLED, call("c1"), call("c2", complete=False)))
    assert of_type(effects, StartTool) == []
    assert of_type(effects, SendToolOutput) == [SendToolOutput("c1", INTERRUPTED_OUTPUT)]
    assert not of_type(effects, CreateResponse)


def test_incomplete_calls_are_not_run() -> None:
    effects = speaking().tell(done("r1", COMPLETED, call("c1", complete=False)))
    assert not of_type(effects, StartTool)


def test_a_call_runs_once_however_often_it_is_told() -> None:
    dialogue = calling(call("c1"))
    dialogue.tell(f.ResponseStarted("r2"))
    assert not of_type(dialogue.tell(done("r2", COMPLETED, call("c1"))), StartTool)


def test_a_call_is_answered_once_and_strays_are_ignored() -> None:
    dialogue = calling(call("c1"), call("c2"))
    dialogue.tell(result("c1"))
    assert dialogue.tell(result("c1"), result("unknown")) == []


def test_interrupt_command_keeps_results_quiet() -> None:
    dialogue = calling(call("c1"))
    dialogue.tell(InterruptAsked())
    effects = dialogue.tell(result("c1"))
    assert of_type(effects, SendToolOutput)
    assert not of_type(effects, CreateResponse)


def test_end_of_the_session_stops_what_runs() -> None:
    dialogue = calling(call("c1"), call("c2"))
    dialogue.tell(result("c1"))
    effects = dialogue.tell(StopAsked())
    assert of_type(effects, CancelTool) == [CancelTool("c2")]
    assert effects[-1] == Close(EndReason.STOPPED)


def test_observers_see_the_end_of_every_call_that_they_saw_begin() -> None:
    dialogue = calling(call("c1"), call("c2"))
    dialogue.tell(result("c1"))
    effects = dialogue.tell(StopAsked())
    (executed,) = (event for event in published(effects) if isinstance(event, ToolExecutedEvent))
    assert (executed.call_id, executed.ok, executed.output) == ("c2", False, ENDED.output)
    assert dialogue.tell(result("c2")) == []


def test_stop_when_silent_waits_for_tools_and_words() -> None:
    dialogue = calling(call("c1"))
    assert not of_type(dialogue.tell(StopAsked(when_silent=True), StopAsked(when_silent=True)), Close)
    assert not of_type(dialogue.tell(result("c1")), Close)
    assert not of_type(dialogue.tell(f.ResponseStarted("r2", "response-1"), audio("r2", "i2", 100)), Close)
    assert not of_type(dialogue.tell(done("r2")), Close)
    assert of_type(dialogue.tell(f.PlayoutDrained(1)), Close) == [Close(EndReason.STOPPED)]


def test_stop_when_silent_before_the_provider_is_ready_stops_at_once() -> None:
    from .dialogue import Dialogue

    assert of_type(Dialogue().tell(StopAsked(when_silent=True)), Close) == [Close(EndReason.STOPPED)]


def test_interrupted_while_a_tool_response_is_generated() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), f.SpeechStarted())
    effects = dialogue.tell(done("r1", ResponseStatus.CANCELLED, call("c1")), cancelled("r1"))
    assert of_type(effects, SendToolOutput) == [SendToolOutput("c1", INTERRUPTED_OUTPUT)]


def test_observers_are_told_what_kind_of_tool_it_is_as_long_as_it_is_known() -> None:
    dialogue = calling(call("c1"), tools=(ToolDefinition("turn_on", "", kind=ActionKind.DESTRUCTIVE),))
    (started,) = [event for event in published(dialogue.all) if isinstance(event, ToolExecutionStartedEvent)]
    assert started.kind is ActionKind.DESTRUCTIVE
    dialogue.tell(ToolsChanged(()))
    (executed,) = [event for event in published(dialogue.tell(result("c1"))) if isinstance(event, ToolExecutedEvent)]
    assert executed.kind is ActionKind.GENERIC
