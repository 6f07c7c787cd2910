import pytest

from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.deadlines import RESPONSE_PROGRESS_S, RESPONSE_REQUEST_S
from custom_components.rtvoice.engine.conversation.effects import ArmTimer, CancelResponse, CreateResponse, DisarmTimer
from custom_components.rtvoice.engine.conversation.user_commands import InterruptAsked, ResponseAsked, SayAsked
from custom_components.rtvoice.engine.conversation.values import (
    Capabilities,
    ProviderFault,
    ResponseStatus,
    ResponseUsage,
    TokenCount,
    ToolChoice,
)
from custom_components.rtvoice.engine.events import AgentError, AgentErrorEvent, UsageEvent

from .dialogue import audio, call, cancelled, done, of_type, published, ready, result, speaking

FAULT = ProviderFault("some_code", "In the provider's words", "some.param")
ALREADY = f.RequestRejected(FAULT, rejection=f.Rejection.ALREADY_RESPONDING)


def creates(effects: list) -> list[str]:
    return [effect.request_id for effect in of_type(effects, CreateResponse)]


def test_one_request_in_flight_at_a_time() -> None:
    dialogue = ready()
    assert creates(dialogue.tell(SayAsked("One"), SayAsked("Two"))) == ["response-1"]
    assert creates(dialogue.tell(f.ResponseStarted("r1", "response-1"))) == []
    assert creates(dialogue.tell(done())) == ["response-2"]


def test_say_repeats_the_session_instructions_and_forbids_tools() -> None:
    dialogue = ready(instructions="You are a butler.")
    (create,) = of_type(dialogue.tell(SayAsked("Dinner is served")), CreateResponse)
    assert create.instructions is not None
    assert create.instructions.startswith("You are a butler.\n\n")
    assert create.instructions.endswith('Say exactly: "Dinner is served"')
    assert create.tool_choice is ToolChoice.NONE


def test_asking_without_instructions_leaves_the_session_s() -> None:
    dialogue = ready(instructions="You are a butler.")
    assert of_type(dialogue.tell(ResponseAsked()), CreateResponse) == [CreateResponse("response-1")]


def test_asking_with_instructions_of_its_own() -> None:
    dialogue = ready()
    assert of_type(dialogue.tell(ResponseAsked("Greet the user.")), CreateResponse) == [
        CreateResponse("response-1", "Greet the user.")
    ]


def test_agent_waits_while_the_user_speaks_and_is_owed_an_answer() -> None:
    dialogue = ready()
    assert creates(dialogue.tell(f.SpeechStarted(), SayAsked("Doorbell"), f.SpeechStopped())) == []
    assert creates(dialogue.tell(f.ResponseStarted("r1"))) == []
    assert creates(dialogue.tell(done())) == ["response-1"]


def test_response_that_begins_while_the_user_speaks_is_taken_back_and_asked_for_again() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Doorbell"), f.SpeechStarted())
    effects = dialogue.tell(f.ResponseStarted("r1", "response-1"))
    assert of_type(effects, CancelResponse) == [CancelResponse("r1")]
    assert dialogue.tell(audio("r1", "i1", 100)) == []
    effects = dialogue.tell(cancelled(), f.SpeechStopped(), f.ResponseStarted("r2"), done("r2"))
    assert creates(effects) == ["response-2"]


def test_rejected_because_one_is_running_is_asked_for_again_after_it() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Doorbell"), f.ResponseStarted("r1"))
    assert published(dialogue.tell(ALREADY)) == []
    assert creates(dialogue.tell(done("r1"))) == ["response-2"]


def test_rejected_because_of_an_unseen_response_waits_for_its_end() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Doorbell"))
    assert creates(dialogue.tell(ALREADY)) == []
    assert creates(dialogue.tell(done("unseen"))) == ["response-2"]


def test_rejected_because_of_an_unseen_response_does_not_wait_for_ever() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Doorbell"), ALREADY)
    assert creates(dialogue.after(RESPONSE_REQUEST_S, f.TimerFired(f.Timer.RESPONSE_REQUEST))) == ["response-2"]


def test_rejected_again_and_again_is_given_up_with_an_error() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Doorbell"))
    dialogue.tell(ALREADY, done("a"), ALREADY, done("b"))
    assert published(dialogue.tell(ALREADY))[0] == AgentErrorEvent(
        AgentError("request_rejected", "In the provider's words", "some_code", "some.param")
    )
    assert creates(dialogue.tell(done("c"))) == []


def test_rejected_for_another_reason_is_told_and_not_repeated() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Doorbell"))
    effects = dialogue.tell(f.RequestRejected(FAULT, "response-1"))
    assert published(effects)[0].error.type == "request_rejected"
    assert not creates(effects)


def test_rejection_of_another_request_leaves_the_one_in_flight() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Doorbell"))
    assert published(dialogue.tell(f.RequestRejected(FAULT, "update-1")))[0].error.type == "request_rejected"
    assert creates(dialogue.tell(f.ResponseStarted("r1", "response-1"), done())) == []


def test_stray_rejections_are_harmless() -> None:
    dialogue = ready()
    for rejection in (
        f.Rejection.ALREADY_RESPONDING,
        f.Rejection.NOTHING_TO_CANCEL,
        f.Rejection.ITEM_GONE,
        f.Rejection.EMPTY_INPUT,
    ):
        assert dialogue.tell(f.RequestRejected(FAULT, None, rejection)) == []


def test_dropped_request_that_is_rejected_is_not_missed() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Hello"), InterruptAsked())
    assert not of_type(published(dialogue.tell(f.RequestRejected(FAULT, "response-1"))), AgentErrorEvent)


def test_response_that_does_not_begin_is_asked_for_again_then_given_up() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Hello"))
    overdue = f.TimerFired(f.Timer.RESPONSE_REQUEST)
    assert creates(dialogue.after(RESPONSE_REQUEST_S, overdue)) == ["response-2"]
    assert creates(dialogue.after(RESPONSE_REQUEST_S, overdue)) == ["response-3"]
    effects = dialogue.after(RESPONSE_REQUEST_S, overdue)
    assert not creates(effects)
    assert published(effects)[0].error.type == "no_response"


def test_dropped_request_that_does_not_begin_is_not_missed() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Hello"), InterruptAsked())
    assert not of_type(published(dialogue.after(10, f.TimerFired(f.Timer.RESPONSE_REQUEST))), AgentErrorEvent)


def test_server_without_metadata_answers_our_request() -> None:
    dialogue = ready(capabilities=Capabilities(echoes_metadata=False))
    dialogue.tell(SayAsked("One"), SayAsked("Two"), f.ResponseStarted("r1"))
    assert creates(dialogue.tell(done())) == ["response-2"]


def test_server_s_own_response_does_not_answer_our_request() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("One"), f.ResponseStarted("r1"))
    assert creates(dialogue.tell(done("r1"))) == []
    assert creates(dialogue.tell(f.ResponseStarted("r2", "response-1"), done("r2"))) == []


def test_response_that_goes_silent_is_cancelled_and_told() -> None:
    dialogue = speaking()
    effects = dialogue.after(RESPONSE_PROGRESS_S, f.TimerFired(f.Timer.RESPONSE_PROGRESS))
    assert of_type(effects, CancelResponse) == [CancelResponse("r1")]
    assert published(effects)[0].error.type == "response_stuck"


def test_progress_moves_the_deadline() -> None:
    dialogue = speaking()
    dialogue.after(20, audio("r1", "i1", 100))
    effects = dialogue.after(10, f.TimerFired(f.Timer.RESPONSE_PROGRESS))
    assert effects == [ArmTimer(f.Timer.RESPONSE_PROGRESS, 20)]


def test_a_watchdog_that_fires_a_hair_too_early_is_not_armed_for_no_time() -> None:
    dialogue = speaking()
    dialogue.after(10, f.AudioDelta("r1", "i1", 0, bytes(960)))
    effects = dialogue.after(RESPONSE_PROGRESS_S - 1e-9, f.TimerFired(f.Timer.RESPONSE_PROGRESS))
    assert of_type(effects, CancelResponse) == [CancelResponse("r1")]
    assert not of_type(effects, ArmTimer)


def test_deadlines_are_armed_and_disarmed() -> None:
    dialogue = ready()
    assert ArmTimer(f.Timer.RESPONSE_REQUEST, RESPONSE_REQUEST_S) in dialogue.tell(SayAsked("Hi"))
    effects = dialogue.tell(f.ResponseStarted("r1", "response-1"))
    assert DisarmTimer(f.Timer.RESPONSE_REQUEST) in effects
    assert ArmTimer(f.Timer.RESPONSE_PROGRESS, RESPONSE_PROGRESS_S) in effects
    assert DisarmTimer(f.Timer.RESPONSE_PROGRESS) in dialogue.tell(done())


@pytest.mark.parametrize("timer", list(f.Timer))
def test_firing_that_crossed_with_its_disarming_is_ignored(timer: f.Timer) -> None:
    assert ready().tell(f.TimerFired(timer)) == []


def test_firing_that_crossed_with_its_moving_is_ignored() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Hi"))
    assert dialogue.after(1, f.TimerFired(f.Timer.RESPONSE_REQUEST)) == []


def test_failed_response_is_told_and_runs_no_tool() -> None:
    dialogue = speaking()
    effects = dialogue.tell(done("r1", ResponseStatus.FAILED, call(), fault=FAULT))
    assert [type(effect).__name__ for effect in effects if "Tool" in type(effect).__name__] == ["SendToolOutput"]
    assert published(effects)[0].error == AgentError("response_failed", FAULT.message, FAULT.code, FAULT.param)


def test_failed_response_without_a_reason_is_told_all_the_same() -> None:
    effects = speaking().tell(done("r1", ResponseStatus.FAILED))
    assert published(effects)[0].error.message == "The model failed to respond"


def test_end_of_another_response_leaves_the_running_one() -> None:
    dialogue = speaking()
    dialogue.tell(SayAsked("Later"))
    assert creates(dialogue.tell(done("unknown"))) == []
    assert creates(dialogue.tell(done("r1"))) == ["response-1"]


def test_usage_is_told() -> None:
    usage = ResponseUsage(TokenCount(text=10, audio=20, image=1), TokenCount(text=5), TokenCount(text=3, audio=4))
    assert UsageEvent(10, 20, 1, 5, 0, 0, 3, 4) in published(speaking().tell(done(usage=usage)))
    assert (usage + usage).input.total == 62


def test_memory_of_silenced_responses_is_bounded() -> None:
    dialogue = ready()
    for n in range(100):
        dialogue.tell(f.ResponseStarted(f"r{n}"), f.SpeechStarted(), cancelled(f"r{n}"), f.SpeechStopped())
    assert dialogue.tell(audio("r99", "late", 100)) == []


def test_merged_follow_ups_are_one_response() -> None:
    dialogue = speaking()
    dialogue.tell(done("r1", ResponseStatus.COMPLETED, call("c1")), f.ResponseStarted("r2"))
    dialogue.tell(done("r2", ResponseStatus.COMPLETED, call("c2")), f.ResponseStarted("r3"))
    dialogue.tell(
        result("c1", instruction="Be brief."),
        result("c2", instruction="Be kind."),
    )
    effects = dialogue.tell(done("r3"))
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1", "Be brief.\nBe kind.")]


def test_merging_keeps_the_only_instruction() -> None:
    dialogue = speaking()
    dialogue.tell(done("r1", ResponseStatus.COMPLETED, call("c1")), f.ResponseStarted("r2"))
    dialogue.tell(done("r2", ResponseStatus.COMPLETED, call("c2")), f.ResponseStarted("r3"))
    dialogue.tell(result("c1"), result("c2", instruction="Be kind."))
    assert of_type(dialogue.tell(done("r3")), CreateResponse) == [CreateResponse("response-1", "Be kind.")]
