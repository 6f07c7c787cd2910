from dataclasses import replace

import pytest

from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.deadlines import TURN_ANSWER_S, USER_SPEECH_S
from custom_components.rtvoice.engine.conversation.effects import (
    AddItem,
    ArmTimer,
    CancelResponse,
    CommitInput,
    CreateResponse,
    DisarmTimer,
    EndTurn,
    ForgetCommit,
    GateInput,
    OpenInput,
    Publish,
    UpdateSession,
)
from custom_components.rtvoice.engine.conversation.user_commands import (
    InterruptAsked,
    MessageSent,
    MuteChanged,
    ResponseAsked,
    SayAsked,
    SpeedChanged,
    ToolChoiceChanged,
    ToolsChanged,
    TurnEnded,
)
from custom_components.rtvoice.engine.conversation.values import (
    ItemKind,
    NewItem,
    ProviderFault,
    ResponseUsage,
    TokenCount,
    ToolChoice,
    ToolDefinition,
)
from custom_components.rtvoice.engine.events import (
    AgentSessionConnectedEvent,
    AgentStateChangedEvent,
    AssistantStartedRespondingEvent,
    AssistantTranscriptChunkReceivedEvent,
    AssistantTranscriptCompletedEvent,
    AssistantTranscriptDeltaEvent,
    AudioPlaybackCompletedEvent,
    ResponseLatencyEvent,
    TranscriptionUsageEvent,
    UserStoppedSpeakingEvent,
    UserTranscriptChunkReceivedEvent,
    UserTranscriptCompletedEvent,
    UserTranscriptFailedEvent,
)

from .dialogue import Dialogue, audio, done, of_type, published, ready, speaking, states


def spoken_turn(dialogue: Dialogue, item_id: str = "u1", previous: str | None = None) -> None:
    dialogue.tell(f.SpeechStarted(item_id), f.SpeechStopped(item_id), f.TurnCommitted(item_id, previous))


def test_connected_is_told_when_the_provider_is_ready() -> None:
    assert Dialogue().tell(f.SessionReady()) == [
        OpenInput(),
        ArmTimer(f.Timer.ROLLOVER, 3300.0),
        Publish(AgentSessionConnectedEvent()),
        Publish(AgentStateChangedEvent("listening")),
    ]


def test_turns_are_in_the_conversation_s_order_whenever_their_words_come() -> None:
    dialogue = ready()
    spoken_turn(dialogue)
    dialogue.tell(
        f.ResponseStarted("r1"),
        f.ItemAdded("i1", ItemKind.AGENT_MESSAGE, "u1"),
        audio("r1", "i1", 100),
        f.TranscriptFinished("r1", "i1", 0, "It is on."),
        done(),
        f.UserTranscriptFinished("u1", " Turn it on. "),
    )
    assert dialogue.texts() == [("Turn it on.", False), ("It is on.", False)]


def test_an_item_whose_words_come_first_is_put_in_its_place_later() -> None:
    dialogue = ready()
    dialogue.tell(
        f.UserTranscriptFinished("u1", "One"),
        f.TranscriptFinished("r1", "i1", 0, "Two"),
        f.UserTranscriptFinished("u2", "Three"),
        f.TurnCommitted("u2", "i1"),
        f.ItemAdded("i1", ItemKind.AGENT_MESSAGE, "u1"),
    )
    assert [text for text, _ in dialogue.texts()] == ["One", "Two", "Three"]


def test_items_of_other_kinds_are_no_turns() -> None:
    dialogue = ready()
    dialogue.tell(f.ItemAdded("t1", ItemKind.TOOL_CALL), f.ItemAdded("x", ItemKind.OTHER))
    assert dialogue.texts() == []


def test_text_of_an_added_item_is_kept() -> None:
    dialogue = ready()
    dialogue.tell(f.ItemAdded("u1", ItemKind.USER_MESSAGE, None, "Hello"))
    assert dialogue.texts() == [("Hello", False)]


def test_deleted_items_were_not_said() -> None:
    dialogue = ready()
    dialogue.tell(f.ItemAdded("u1", ItemKind.USER_MESSAGE, None, "Hello"), f.ItemDeleted("u1"), f.ItemDeleted("?"))
    assert dialogue.texts() == []


def test_news_of_our_own_truncation_and_update_change_nothing() -> None:
    assert ready().tell(f.ItemTruncated("i1", 100), f.SessionUpdated()) == []


def test_user_words_are_told() -> None:
    dialogue = ready()
    effects = dialogue.tell(
        f.UserTranscriptDelta("u1", "Turn "),
        f.UserTranscriptDelta("u1", "it on"),
        f.UserTranscriptFinished("u1", ""),
        f.UserTranscriptFailed("u2", ProviderFault("x", "No words")),
        f.UserTranscriptFinished("u3", "  "),
    )
    told = [event for event in published(effects) if not isinstance(event, TranscriptionUsageEvent)]
    assert told == [
        UserTranscriptChunkReceivedEvent("Turn ", "u1"),
        UserTranscriptChunkReceivedEvent("it on", "u1"),
        UserTranscriptCompletedEvent("Turn it on", "u1"),
        UserTranscriptFailedEvent("u2", "No words"),
    ]


def test_spoken_words_are_told() -> None:
    dialogue = speaking()
    effects = dialogue.tell(
        f.TranscriptDelta("r1", "i1", 0, "It is "),
        f.TranscriptFinished("r1", "i1", 0, ""),
    )
    assert published(effects) == [
        AssistantTranscriptDeltaEvent("It is ", "i1"),
        AssistantTranscriptCompletedEvent("It is ", "i1"),
    ]


def test_written_words_are_told_as_such() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"))
    effects = dialogue.tell(f.TranscriptDelta("r1", "i1", 0, "Hi", spoken=False, output_index=1))
    assert published(effects) == [
        AssistantTranscriptDeltaEvent("Hi", "i1", 1),
        AssistantTranscriptChunkReceivedEvent("Hi", "i1"),
    ]


def test_latency_is_from_the_user_s_last_word_to_the_first_sample() -> None:
    dialogue = ready()
    dialogue.tell(f.SpeechStarted(), f.SpeechStopped(ended_ago_s=0.5))
    dialogue.after(0.4, f.ResponseStarted("r1"), audio("r1", "i1", 1000))
    (event,) = of_type(published(dialogue.after(0.1, f.PlayoutStarted("i1"))), ResponseLatencyEvent)
    assert round(event.latency_s, 6) == 1.0
    assert not of_type(published(dialogue.tell(f.PlayoutStarted("i1"))), ResponseLatencyEvent)


def test_latency_is_not_measured_while_the_user_speaks_again() -> None:
    dialogue = ready()
    dialogue.tell(f.SpeechStarted(), f.SpeechStopped(), f.ResponseStarted("r1"))
    dialogue.tell(f.SpeechStarted())
    assert dialogue.tell(f.PlayoutStarted("i1")) == []


def test_playback_completed_is_told_once_everything_was_heard() -> None:
    dialogue = speaking()
    dialogue.tell(audio("r1", "i1", 100))
    assert AudioPlaybackCompletedEvent() not in published(dialogue.tell(f.PlayoutDrained(1)))
    assert AudioPlaybackCompletedEvent() in published(dialogue.tell(f.PlayoutDrained(2)))
    assert published(dialogue.tell(f.PlayoutDrained(2))) == []


def test_turn_without_an_answer_is_given_up() -> None:
    dialogue = ready()
    dialogue.tell(f.SpeechStarted())
    assert ArmTimer(f.Timer.TURN_ANSWER, TURN_ANSWER_S) in dialogue.tell(f.SpeechStopped())
    dialogue.after(TURN_ANSWER_S, f.TimerFired(f.Timer.TURN_ANSWER))
    assert dialogue.conversation.state == "listening"


def test_speech_whose_end_is_never_told_is_given_up() -> None:
    """The provider has stopped to answer, or the microphone to hear, in the middle of it."""
    dialogue = ready(inactivity_timeout_s=30)
    assert ArmTimer(f.Timer.USER_SPEECH, USER_SPEECH_S) in dialogue.tell(f.SpeechStarted("u1"))
    effects = dialogue.after(USER_SPEECH_S, f.TimerFired(f.Timer.USER_SPEECH))
    assert of_type(effects, ArmTimer) == [ArmTimer(f.Timer.INACTIVITY, 25)]
    assert UserStoppedSpeakingEvent() in published(effects)


def test_the_end_of_speech_that_was_given_up_is_the_end_of_a_turn() -> None:
    dialogue = ready()
    dialogue.tell(f.SpeechStarted("u1"))
    dialogue.after(USER_SPEECH_S, f.TimerFired(f.Timer.USER_SPEECH))
    assert states(dialogue.after(5, f.SpeechStopped("u1"))) == ["thinking"]


@pytest.mark.parametrize("end", [f.SpeechStopped("u1"), f.LinkLost(), f.ResponseStarted("r1")])
def test_speech_that_ends_is_not_waited_for(end: f.Fact) -> None:
    dialogue = ready()
    dialogue.tell(f.SpeechStarted("u1"))
    assert DisarmTimer(f.Timer.USER_SPEECH) in dialogue.tell(end)


def test_answer_disarms_the_deadline() -> None:
    dialogue = ready()
    dialogue.tell(f.SpeechStarted(), f.SpeechStopped())
    assert DisarmTimer(f.Timer.TURN_ANSWER) in dialogue.tell(f.ResponseStarted("r1"))


def test_typed_message_is_a_turn_of_the_user() -> None:
    dialogue = ready()
    effects = dialogue.tell(MessageSent("Who is there?", "data:image/png;base64,AAAA"))
    assert effects[0] == AddItem(
        NewItem(ItemKind.USER_MESSAGE, "Who is there?", "data:image/png;base64,AAAA", "typed-1")
    )
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1")]
    assert dialogue.texts() == [("Who is there?", False)]


def test_push_to_talk_commits_and_asks_for_the_answer() -> None:
    dialogue = ready(push_to_talk=True)
    effects = dialogue.tell(TurnEnded())
    assert effects[:3] == [EndTurn(), CommitInput(), CreateResponse("response-1")]


def test_push_to_talk_commits_and_waits_until_the_answer_is_asked_for() -> None:
    dialogue = ready(push_to_talk=True)
    assert dialogue.tell(TurnEnded(respond=False))[:2] == [EndTurn(), CommitInput()]
    assert dialogue.tell(ResponseAsked())[:1] == [CreateResponse("response-1")]


def test_push_to_talk_without_a_word_takes_the_request_back() -> None:
    dialogue = ready(push_to_talk=True)
    dialogue.tell(TurnEnded())
    empty = f.RequestRejected(ProviderFault("x", "empty"), None, f.Rejection.EMPTY_INPUT)
    assert ForgetCommit() in dialogue.tell(empty)
    assert not of_type(published(dialogue.tell(f.ResponseStarted("r1", "response-1"))), AssistantStartedRespondingEvent)


def test_with_voice_activity_detection_nothing_is_committed() -> None:
    assert ready().tell(TurnEnded()) == []


def test_mute_needs_no_provider() -> None:
    assert Dialogue().tell(MuteChanged(muted=True)) == [GateInput(open=False)]
    assert ready().tell(MuteChanged(muted=False)) == [GateInput(open=True)]


def test_commands_wait_for_the_provider() -> None:
    dialogue = Dialogue()
    assert dialogue.tell(SpeedChanged(1.2), SayAsked("Hi"), InterruptAsked(), SayAsked("Hello")) == []
    effects = dialogue.tell(f.SessionReady())
    assert UpdateSession("update-1", speech_speed=1.2) in effects
    (create,) = of_type(effects, CreateResponse)
    assert create.instructions is not None
    assert "Hello" in create.instructions


def test_history_is_told_first_and_is_no_part_of_the_result() -> None:
    earlier = (
        NewItem(ItemKind.USER_MESSAGE, "Hello", item_id="earlier-0"),
        NewItem(ItemKind.AGENT_MESSAGE, "Hi", item_id="earlier-1"),
        NewItem(ItemKind.SYSTEM_MESSAGE, "Note"),
    )
    dialogue = Dialogue(history=earlier)
    effects = dialogue.tell(f.SessionReady())
    assert effects[:3] == [AddItem(item) for item in earlier]
    dialogue.tell(f.ItemAdded("earlier-0", ItemKind.USER_MESSAGE, None, "Hello"))
    assert dialogue.texts() == []


def test_speed_changes_between_responses_only() -> None:
    dialogue = speaking()
    assert dialogue.tell(SpeedChanged(0.8), SpeedChanged(1.3)) == []
    assert UpdateSession("update-1", speech_speed=1.3) in dialogue.tell(done())


def test_a_speed_that_crossed_with_the_beginning_of_a_response_is_sent_again_after_it() -> None:
    dialogue = ready()
    tool = ToolDefinition("turn_on", "Turns something on")
    assert UpdateSession("update-1", speech_speed=1.3) in dialogue.tell(SpeedChanged(1.3))
    dialogue.tell(f.ResponseStarted("r1"))
    refused = f.RequestRejected(ProviderFault("invalid_value", "Not while a response is in progress"), "update-1")
    assert published(dialogue.tell(refused)) == []
    assert dialogue.tell(ToolsChanged((tool,))) == [UpdateSession("update-2", tools=(tool,))]
    dialogue.tell(f.SessionUpdated())
    assert UpdateSession("update-3", speech_speed=1.3) in dialogue.tell(done())
    # Where no response was in its way, it is the speed that the provider does not want.
    assert len(published(dialogue.tell(replace(refused, request_id="update-3")))) == 1
    assert of_type(dialogue.tell(f.ResponseStarted("r2"), done("r2")), UpdateSession) == []


def test_of_what_was_refused_only_the_latest_is_sent_again() -> None:
    dialogue = ready()
    dialogue.tell(SpeedChanged(1.3))
    dialogue.tell(f.ResponseStarted("r1"), SpeedChanged(0.8))
    dialogue.tell(f.RequestRejected(ProviderFault("invalid_value", "Not now"), "update-1"))
    assert of_type(dialogue.tell(done()), UpdateSession) == [UpdateSession("update-2", speech_speed=0.8)]


def test_tools_change_at_once() -> None:
    dialogue = speaking()
    tool = ToolDefinition("turn_on", "Turns something on")
    dialogue.tell(SpeedChanged(1.3))
    assert dialogue.tell(ToolsChanged((tool,))) == [UpdateSession("update-1", tools=(tool,))]
    assert dialogue.tell(ToolChoiceChanged(ToolChoice.NONE)) == [UpdateSession("update-2", tool_choice=ToolChoice.NONE)]
    assert UpdateSession("update-3", speech_speed=1.3) in dialogue.tell(done())


def test_what_transcription_costs_is_told() -> None:
    usage = ResponseUsage(TokenCount(text=1, audio=40), TokenCount(), TokenCount(text=6))
    effects = ready().tell(f.UserTranscriptFinished("u1", "Hello", seconds=2.5, usage=usage))
    assert TranscriptionUsageEvent("u1", 2.5, 1, 40, 6) in published(effects)


def test_a_turn_that_nobody_wants_answered_is_owed_nothing() -> None:
    dialogue = ready(answers_turns=False)
    spoken_turn(dialogue)
    assert ArmTimer(f.Timer.TURN_ANSWER, TURN_ANSWER_S) not in dialogue.all
    assert not dialogue.conversation.composing
    assert CreateResponse("response-1") in dialogue.tell(ResponseAsked())
    assert Publish(AssistantStartedRespondingEvent("r1")) in dialogue.tell(f.ResponseStarted("r1", "response-1"))
    assert not of_type(dialogue.all, CancelResponse)


def test_an_answer_that_the_provider_gives_all_the_same_is_cancelled_at_once() -> None:
    dialogue = ready(answers_turns=False)
    spoken_turn(dialogue)
    assert CancelResponse("r1") in dialogue.tell(f.ResponseStarted("r1"))
    assert not [event for event in dialogue.all if event == Publish(AssistantStartedRespondingEvent("r1"))]
