from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.deadlines import TURN_ANSWER_S
from custom_components.rtvoice.engine.conversation.effects import (
    MODEL_COMMANDS,
    AddItem,
    ArmTimer,
    CancelTool,
    ClearPlayout,
    Close,
    CommitInput,
    CreateResponse,
    DeleteItem,
    DisarmTimer,
    DropTurn,
    EndTurn,
    GateInput,
    HoldInput,
    KeepTurn,
    MarkSpeechEnd,
    ModelCommand,
    OpenInput,
    Play,
    RecallTurn,
    RollOver,
    SendToolOutput,
    StartTool,
    TruncateItem,
)
from custom_components.rtvoice.engine.conversation.recovery import CONTINUE
from custom_components.rtvoice.engine.conversation.turns import OWED_S
from custom_components.rtvoice.engine.conversation.user_commands import (
    InterruptAsked,
    MessageSent,
    MuteChanged,
    SayAsked,
    TurnEnded,
)
from custom_components.rtvoice.engine.conversation.values import (
    Capabilities,
    ItemKind,
    NewItem,
    ProviderFault,
    ResponseStatus,
)
from custom_components.rtvoice.engine.errors import ConnectionLostError
from custom_components.rtvoice.engine.events import AgentSessionConnectedEvent, AssistantInterruptedEvent

from .dialogue import Dialogue, audio, call, done, of_type, published, ready, result, speaking, states

COMPLETED = ResponseStatus.COMPLETED


def items(effects: list) -> list[NewItem]:
    return [effect.item for effect in of_type(effects, AddItem)]


def conversed() -> Dialogue:
    """The user asked, the agent answered and was heard."""
    dialogue = ready()
    dialogue.tell(
        f.SpeechStarted("u1"),
        f.SpeechStopped("u1"),
        f.TurnCommitted("u1"),
        f.UserTranscriptFinished("u1", "Is it on?"),
        f.ResponseStarted("r1"),
        audio("r1", "i1", 1000),
        f.TranscriptFinished("r1", "i1", 0, "Yes, it is."),
        f.AudioFinished("r1", "i1", 0),
        done(),
        f.PlayoutStarted("i1"),
        f.PlayoutDrained(1),
    )
    dialogue.hear("i1", 1000)
    return dialogue


def test_everything_said_is_told_again_before_the_input_opens() -> None:
    dialogue = conversed()
    assert states(dialogue.tell(f.LinkLost())) == ["reconnecting"]
    effects = dialogue.tell(f.SessionReady())
    assert effects[:3] == [
        AddItem(NewItem(ItemKind.USER_MESSAGE, "Is it on?", item_id="u1")),
        AddItem(NewItem(ItemKind.AGENT_MESSAGE, "Yes, it is.", item_id="i1")),
        OpenInput(),
    ]
    assert not of_type(effects, CreateResponse)
    assert states(effects) == ["listening"]
    assert AgentSessionConnectedEvent() not in published(effects)


def test_an_answer_cut_off_plays_what_came_and_goes_on_where_it_stopped() -> None:
    dialogue = speaking(ms=2000, instructions="Base.")
    dialogue.tell(f.TranscriptDelta("r1", "i1", 0, "Once upon a time there was a lighthouse"))
    assert not of_type(dialogue.tell(f.LinkLost()), ClearPlayout)
    effects = dialogue.tell(f.SessionReady())
    heard = "Once upon a time there was a"
    assert items(effects) == [NewItem(ItemKind.AGENT_MESSAGE, heard, item_id="i1")]
    assert of_type(effects, CreateResponse) == [
        CreateResponse("response-1", "Base.\n\n" + CONTINUE.format(heard=heard))
    ]


def test_an_answer_cut_off_before_a_word_is_asked_for_again() -> None:
    dialogue = ready()
    dialogue.tell(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.TurnCommitted("u1"), f.ResponseStarted("r1"))
    dialogue.tell(f.UserTranscriptFinished("u1", "Hello"), f.LinkLost())
    effects = dialogue.tell(f.SessionReady())
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1")]


def test_a_turn_owed_its_answer_gets_it() -> None:
    dialogue = ready()
    dialogue.tell(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.TurnCommitted("u1"), f.LinkLost())
    effects = dialogue.tell(f.SessionReady())
    assert effects[0] == RecallTurn("u1")
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1")]


def test_a_turn_whose_answer_was_late_still_gets_it() -> None:
    """A link that is half open is noticed later than that the answer is missing."""
    dialogue = ready()
    dialogue.tell(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.TurnCommitted("u1"))
    dialogue.after(TURN_ANSWER_S, f.TimerFired(f.Timer.TURN_ANSWER))
    dialogue.after(30, f.LinkLost())
    assert of_type(dialogue.tell(f.SessionReady()), CreateResponse) == [CreateResponse("response-1")]
    dialogue.tell(f.ResponseStarted("r1", "response-1"), done(), f.LinkLost())
    assert not of_type(dialogue.tell(f.SessionReady()), CreateResponse)


def test_a_turn_that_was_left_unanswered_long_ago_is_over() -> None:
    dialogue = ready()
    dialogue.tell(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.TurnCommitted("u1"))
    dialogue.after(TURN_ANSWER_S, f.TimerFired(f.Timer.TURN_ANSWER))
    dialogue.after(OWED_S, f.LinkLost())
    assert not of_type(dialogue.tell(f.SessionReady()), CreateResponse)


def test_a_turn_that_the_user_went_on_from_is_answered_with_what_followed() -> None:
    dialogue = ready()
    dialogue.tell(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.TurnCommitted("u1"))
    dialogue.after(TURN_ANSWER_S, f.TimerFired(f.Timer.TURN_ANSWER))
    dialogue.tell(f.SpeechStarted("u2"), f.LinkLost())
    assert not of_type(dialogue.tell(f.SessionReady()), CreateResponse)


def test_what_the_user_is_saying_is_held_and_heard_again() -> None:
    dialogue = ready()
    assert HoldInput() in dialogue.tell(f.SpeechStarted("u1"))
    dialogue.tell(f.LinkLost())
    effects = dialogue.tell(f.SessionReady())
    assert OpenInput() in effects
    assert not of_type(effects, CreateResponse)


def test_push_to_talk_holds_all_that_is_said_since_the_last_turn() -> None:
    dialogue = Dialogue(push_to_talk=True)
    effects = dialogue.tell(f.SessionReady())
    assert effects.index(HoldInput()) == effects.index(OpenInput()) + 1
    dialogue.tell(TurnEnded())
    assert dialogue.after(0.5, f.TurnCommitted("u1")) == [KeepTurn("u1"), HoldInput()]


def test_a_turn_that_was_handed_over_and_not_taken_is_handed_over_again() -> None:
    dialogue = ready(push_to_talk=True)
    dialogue.tell(TurnEnded(), f.LinkLost())
    effects = dialogue.tell(f.SessionReady())
    assert effects[:3] == [OpenInput(), HoldInput(), CommitInput()]
    assert of_type(effects, CreateResponse) == [CreateResponse("response-2")]


def test_a_turn_that_was_taken_or_empty_is_not_handed_over_again() -> None:
    empty = f.RequestRejected(ProviderFault(None, "Too small"), None, f.Rejection.EMPTY_INPUT)
    for end in (f.TurnCommitted("u1"), empty):
        dialogue = ready(push_to_talk=True)
        dialogue.tell(TurnEnded(), end, f.LinkLost())
        assert not of_type(dialogue.tell(f.SessionReady()), CommitInput)


def test_turns_that_end_without_a_link_are_handed_over_as_one_and_answered_once() -> None:
    dialogue = ready(push_to_talk=True)
    dialogue.tell(f.LinkLost())
    assert not of_type(dialogue.tell(TurnEnded(), TurnEnded()), CommitInput)
    effects = dialogue.tell(f.SessionReady())
    assert effects[:3] == [OpenInput(), HoldInput(), CommitInput()]
    assert len(of_type(effects, CreateResponse)) == 1
    dialogue.tell(f.TurnCommitted("u1"), f.ResponseStarted("r1", "response-1"), done("r1"), f.LinkLost())
    effects = dialogue.tell(f.SessionReady())
    assert not of_type(effects, CommitInput)
    assert not of_type(effects, CreateResponse)


def test_a_turn_that_ends_while_the_first_link_is_made_is_handed_over_behind_its_audio() -> None:
    dialogue = Dialogue(push_to_talk=True)
    assert dialogue.tell(TurnEnded(respond=False)) == [EndTurn()]
    effects = dialogue.tell(f.SessionReady())
    assert effects[:3] == [OpenInput(), HoldInput(), CommitInput()]
    assert not of_type(effects, CreateResponse)


def test_audio_of_a_turn_is_kept_until_its_words_are_known() -> None:
    dialogue = ready()
    effects = dialogue.tell(f.SpeechStarted("u1"), f.SpeechStopped("u1", ended_ago_s=0.5))
    assert of_type(effects, MarkSpeechEnd) == [MarkSpeechEnd(0.5)]
    assert dialogue.tell(f.TurnCommitted("u1")) == [KeepTurn("u1")]
    assert dialogue.tell(f.SpeechStarted("u2"), f.TurnCommitted("u2"))[-1] == KeepTurn("u2")
    assert DropTurn("u1") in dialogue.tell(f.UserTranscriptFinished("u1", "Hello"))


def test_a_request_in_flight_is_made_again() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Dinner"), f.LinkLost())
    (create,) = of_type(dialogue.tell(f.SessionReady()), CreateResponse)
    assert create.request_id == "response-2"
    assert create.instructions is not None


def test_a_request_taken_back_is_not_made_again() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Dinner"), InterruptAsked(), f.LinkLost())
    assert not of_type(dialogue.tell(f.SessionReady()), CreateResponse)


def test_a_silenced_answer_is_not_continued() -> None:
    dialogue = speaking()
    dialogue.hear("i1", 300)
    dialogue.tell(f.SpeechStarted("u1"), f.LinkLost())
    assert not of_type(dialogue.tell(f.SessionReady()), CreateResponse)


def test_interrupting_without_a_link_is_silent_at_once() -> None:
    dialogue = speaking(ms=5000)
    dialogue.tell(f.TranscriptDelta("r1", "i1", 0, "A long story about the sea and those who sail it"), f.LinkLost())
    dialogue.hear("i1", 1000)
    effects = dialogue.tell(InterruptAsked())
    assert ClearPlayout() in effects
    assert not [effect for effect in effects if isinstance(effect, MODEL_COMMANDS)]
    assert of_type(published(effects), AssistantInterruptedEvent)
    assert items(dialogue.tell(f.SessionReady()))[0].text == "A long"


def test_commands_wait_for_the_new_link() -> None:
    dialogue = ready()
    dialogue.tell(f.LinkLost())
    assert dialogue.tell(SayAsked("Dinner")) == []
    assert of_type(dialogue.tell(f.SessionReady()), CreateResponse)


def test_interrupt_drops_what_was_waiting_to_be_said() -> None:
    dialogue = ready()
    dialogue.tell(f.LinkLost(), SayAsked("Dinner"), MessageSent("Hello"), InterruptAsked())
    effects = dialogue.tell(f.SessionReady())
    assert [item.text for item in items(effects)] == ["Hello"]


def test_mute_works_without_a_link() -> None:
    dialogue = ready()
    dialogue.tell(f.LinkLost())
    assert dialogue.tell(MuteChanged(muted=True)) == [GateInput(open=False)]


def test_a_tool_that_runs_meanwhile_is_answered_by_the_new_link() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), done("r1", COMPLETED, call("c1"), call("c2")), result("c1", "one"))
    dialogue.tell(f.LinkLost())
    effects = dialogue.tell(f.SessionReady())
    assert [item.call.call_id for item in items(effects)] == ["c2", "c1"]
    assert of_type(effects, SendToolOutput) == [SendToolOutput("c1", "one")]
    effects = dialogue.tell(result("c2", "two"))
    assert of_type(effects, SendToolOutput) == [SendToolOutput("c2", "two")]
    assert of_type(effects, CreateResponse)


def test_a_tool_that_finishes_without_a_link_is_told_by_the_new_one() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), done("r1", COMPLETED, call("c1")), f.LinkLost())
    assert not [effect for effect in dialogue.tell(result("c1", "one")) if isinstance(effect, MODEL_COMMANDS)]
    effects = dialogue.tell(f.SessionReady())
    assert [type(effect) for effect in effects[:2]] == [AddItem, SendToolOutput]
    assert of_type(effects, CreateResponse)


def test_results_that_were_spoken_about_are_not_told_again() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), done("r1", COMPLETED, call("c1")), result("c1"))
    dialogue.tell(f.ResponseStarted("r2", "response-1"), audio("r2", "i2", 100), done("r2"), f.LinkLost())
    effects = dialogue.tell(f.SessionReady())
    assert not of_type(effects, SendToolOutput)


def test_no_tool_runs_twice() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), done("r1", COMPLETED, call("c1")), f.LinkLost(), f.SessionReady())
    assert not of_type(dialogue.tell(f.ResponseStarted("r2"), done("r2", COMPLETED, call("c1"))), StartTool)


def test_barge_in_on_an_item_told_again_replaces_it_by_what_was_heard() -> None:
    dialogue = speaking(ms=5000)
    dialogue.tell(
        f.TranscriptFinished("r1", "i1", 0, "A long story about the sea and those who sail it"),
        f.AudioFinished("r1", "i1", 0),
        done(),
        f.LinkLost(),
        f.SessionReady(),
    )
    dialogue.hear("i1", 1000)
    effects = dialogue.tell(f.SpeechStarted("u1"))
    assert effects[:3] == [
        ClearPlayout(),
        DeleteItem("i1"),
        AddItem(NewItem(ItemKind.AGENT_MESSAGE, "A long")),
    ]
    assert not of_type(effects, TruncateItem)
    dialogue.tell(f.ItemDeleted("i1"))
    assert dialogue.texts() == [("A long", True)]


def test_barge_in_on_an_item_told_again_where_nothing_can_be_deleted() -> None:
    dialogue = speaking(capabilities=Capabilities(deletes=False))
    dialogue.tell(done(), f.LinkLost(), f.SessionReady())
    dialogue.hear("i1", 1000)
    effects = dialogue.tell(f.SpeechStarted("u1"))
    assert not [effect for effect in effects if isinstance(effect, MODEL_COMMANDS)]


def test_losing_the_link_twice_forgets_nothing() -> None:
    dialogue = ready()
    dialogue.tell(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.TurnCommitted("u1"))
    dialogue.tell(f.UserTranscriptFinished("u1", "Hello"), f.LinkLost(), f.LinkLost())
    assert of_type(dialogue.tell(f.SessionReady()), CreateResponse)


def test_history_is_told_again_too() -> None:
    earlier = NewItem(ItemKind.USER_MESSAGE, "Yesterday", item_id="earlier-0")
    dialogue = ready(history=(earlier,))
    dialogue.tell(f.LinkLost())
    assert items(dialogue.tell(f.SessionReady())) == [earlier]


def test_inactivity_waits_for_the_link() -> None:
    dialogue = ready(inactivity_timeout_s=30)
    assert DisarmTimer(f.Timer.INACTIVITY) in dialogue.tell(f.LinkLost())
    assert ArmTimer(f.Timer.INACTIVITY, 25) in dialogue.tell(f.SessionReady())


def test_failure_to_make_the_link_anew_ends_the_session() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), done("r1", COMPLETED, call("c1")), f.LinkLost())
    effects = dialogue.tell(f.SessionFailed(ConnectionLostError("Gone")))
    assert of_type(effects, Close)
    assert of_type(effects, CancelTool) == [CancelTool("c1")]


def test_long_sessions_move_at_the_next_quiet_moment() -> None:
    dialogue = speaking(capabilities=Capabilities(session_s=1000))
    dialogue.now_s = 700
    assert not of_type(dialogue.tell(f.TimerFired(f.Timer.ROLLOVER)), RollOver)
    assert not of_type(dialogue.tell(done()), RollOver)
    assert of_type(dialogue.tell(f.PlayoutDrained(1)), RollOver) == [RollOver()]
    dialogue.tell(f.LinkLost())
    effects = dialogue.tell(f.SessionReady())
    assert ArmTimer(f.Timer.ROLLOVER, 700) in effects


def test_late_audio_of_the_lost_link_is_played_and_heard() -> None:
    dialogue = speaking()
    dialogue.tell(f.LinkLost())
    assert of_type(dialogue.tell(audio("r1", "i1", 100)), Play)


def test_the_list_of_commands_is_whole() -> None:
    assert set(MODEL_COMMANDS) == set(ModelCommand.__value__.__args__)
