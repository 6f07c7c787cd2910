from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.deadlines import USER_SPEECH_S
from custom_components.rtvoice.engine.conversation.effects import (
    ArmTimer,
    CancelResponse,
    ClearPlayout,
    CreateResponse,
    DeleteItem,
    HoldInput,
    Play,
    Publish,
    TruncateItem,
)
from custom_components.rtvoice.engine.conversation.user_commands import InterruptAsked, SayAsked
from custom_components.rtvoice.engine.conversation.values import Capabilities
from custom_components.rtvoice.engine.events import (
    AgentStateChangedEvent,
    AssistantInterruptedEvent,
    AssistantStoppedRespondingEvent,
    UserStartedSpeakingEvent,
)

from .dialogue import audio, cancelled, done, of_type, published, ready, speaking, states


def test_barge_in_truncates_at_what_was_heard() -> None:
    dialogue = speaking("r1", item="i1", ms=2000)
    dialogue.hear("i1", 740.9)
    assert dialogue.tell(f.SpeechStarted()) == [
        ClearPlayout(),
        TruncateItem("i1", 740),
        Publish(AssistantInterruptedEvent("i1", 740, "")),
        ArmTimer(f.Timer.USER_SPEECH, USER_SPEECH_S),
        HoldInput(),
        Publish(UserStartedSpeakingEvent()),
        Publish(AgentStateChangedEvent("listening")),
    ]


def test_server_that_does_not_interrupt_by_itself_is_told_to_cancel() -> None:
    dialogue = speaking(capabilities=Capabilities(interrupts_by_itself=False))
    dialogue.hear("i1", 100)
    assert CancelResponse("r1") in dialogue.tell(f.SpeechStarted())


def test_a_response_is_cancelled_before_its_item_is_truncated_or_deleted() -> None:
    """What is still generated in between would make the item longer than what was heard."""
    unaided = Capabilities(interrupts_by_itself=False)
    for interruption in (f.SpeechStarted(), InterruptAsked()):
        dialogue = speaking(capabilities=unaided)
        dialogue.tell(audio("r1", "i2", 500))
        dialogue.hear("i1", 100)
        effects = dialogue.tell(interruption)
        assert effects[:4] == [ClearPlayout(), CancelResponse("r1"), TruncateItem("i1", 100), DeleteItem("i2")]


def test_server_that_interrupts_by_itself_is_not_told_to_cancel() -> None:
    dialogue = speaking()
    dialogue.hear("i1", 100)
    assert not of_type(dialogue.tell(f.SpeechStarted()), CancelResponse)


def test_truncation_is_never_longer_than_what_was_received() -> None:
    dialogue = speaking(ms=200)
    dialogue.hear("i1", 1202)
    assert of_type(dialogue.tell(f.SpeechStarted()), TruncateItem) == [TruncateItem("i1", 200)]


def test_nothing_heard_deletes_in_place_of_truncating() -> None:
    dialogue = speaking()
    effects = dialogue.tell(f.SpeechStarted())
    assert of_type(effects, DeleteItem) == [DeleteItem("i1")]
    assert not of_type(effects, TruncateItem)
    assert dialogue.texts() == []


def test_items_behind_the_one_being_heard_are_deleted() -> None:
    dialogue = speaking()
    dialogue.tell(audio("r1", "i2", 500), audio("r1", "i3", 500))
    dialogue.hear("i1", 1500)
    assert dialogue.tell(f.SpeechStarted())[:4] == [
        ClearPlayout(),
        TruncateItem("i1", 1500),
        DeleteItem("i2"),
        DeleteItem("i3"),
    ]


def test_items_heard_to_their_end_are_left_alone() -> None:
    dialogue = speaking(ms=1000)
    dialogue.tell(audio("r1", "i2", 500))
    dialogue.hear("i2", 200)
    assert dialogue.tell(f.SpeechStarted())[:2] == [ClearPlayout(), TruncateItem("i2", 200)]


def test_item_heard_to_its_end_is_not_truncated_but_the_next_is_deleted() -> None:
    dialogue = speaking(ms=1000)
    dialogue.tell(audio("r1", "i2", 500))
    dialogue.hear("i1", 1000)
    assert dialogue.tell(f.SpeechStarted())[:2] == [ClearPlayout(), DeleteItem("i2")]


def test_barge_in_when_all_was_heard_and_generated_changes_nothing() -> None:
    dialogue = speaking(ms=1000)
    dialogue.tell(done())
    dialogue.hear("i1", 1000)
    assert published(dialogue.tell(f.SpeechStarted())) == [UserStartedSpeakingEvent()]


def test_barge_in_when_all_so_far_was_heard_but_more_was_coming_truncates() -> None:
    dialogue = speaking(ms=1000)
    dialogue.hear("i1", 1000)
    assert of_type(dialogue.tell(f.SpeechStarted()), TruncateItem) == [TruncateItem("i1", 1000)]


def test_truncation_after_the_response_was_finished_while_audio_was_queued() -> None:
    dialogue = speaking(ms=5000)
    dialogue.tell(done())
    dialogue.hear("i1", 1000)
    effects = dialogue.tell(f.SpeechStarted())
    assert of_type(effects, TruncateItem) == [TruncateItem("i1", 1000)]
    assert AssistantStoppedRespondingEvent() in published(effects)


def test_each_content_part_has_its_own_zero() -> None:
    dialogue = speaking(ms=1000)
    dialogue.tell(audio("r1", "i1", 1000, content_index=1))
    dialogue.hear("i1", 1300)
    assert of_type(dialogue.tell(f.SpeechStarted()), TruncateItem) == [TruncateItem("i1", 300, 1)]


def test_rounding_never_makes_a_part_longer_than_it_is() -> None:
    dialogue = ready()
    # Three pieces whose lengths add up to a hair less than the position's own arithmetic says.
    dialogue.tell(
        f.ResponseStarted("r1"),
        f.AudioDelta("r1", "i1", 0, bytes(2)),
        f.AudioDelta("r1", "i1", 1, bytes(4802)),
        f.AudioDelta("r1", "i1", 2, bytes(4802)),
    )
    dialogue.hear("i1", 1e9)
    assert of_type(dialogue.tell(f.SpeechStarted()), TruncateItem) == [TruncateItem("i1", 100, 2)]


def test_late_deltas_of_the_interrupted_response_are_dropped() -> None:
    dialogue = speaking()
    dialogue.hear("i1", 100)
    dialogue.tell(f.SpeechStarted())
    assert dialogue.tell(audio("r1", "i1", 500), audio("r1", "i9", 500), f.AudioFinished("r1", "i1", 0)) == []


def test_late_audio_of_a_finished_response_does_not_revive_an_interrupted_item() -> None:
    dialogue = speaking()
    dialogue.tell(done())
    dialogue.hear("i1", 100)
    dialogue.tell(f.SpeechStarted())
    assert not of_type(dialogue.tell(audio("r1", "i1", 500)), Play)


def test_transcript_keeps_only_what_was_heard() -> None:
    dialogue = speaking(ms=2000)
    dialogue.tell(
        f.TranscriptDelta("r1", "i1", 0, "Once upon a time "),
        f.TranscriptDelta("r1", "i1", 0, "there was a lighthouse."),
        f.TranscriptFinished("r1", "i1", 0, "Once upon a time there was a lighthouse."),
        f.AudioFinished("r1", "i1", 0),
        done(),
    )
    dialogue.hear("i1", 1000)
    effects = dialogue.tell(f.SpeechStarted())
    assert AssistantInterruptedEvent("i1", 1000, "Once upon a time") in published(effects)
    assert dialogue.texts() == [("Once upon a time", True)]


def test_a_word_cut_in_its_middle_was_not_heard() -> None:
    dialogue = speaking(ms=2000)
    dialogue.tell(
        f.TranscriptFinished("r1", "i1", 0, "Once upon a time there was a lighthouse."),
        f.AudioFinished("r1", "i1", 0),
        done(),
    )
    dialogue.hear("i1", 700)
    dialogue.tell(f.SpeechStarted())
    assert dialogue.texts() == [("Once upon a", True)]


def test_transcript_ahead_of_its_audio_is_not_taken_for_heard() -> None:
    dialogue = speaking(ms=400)
    dialogue.tell(f.TranscriptDelta("r1", "i1", 0, "A long sentence whose audio has mostly not arrived yet"))
    dialogue.hear("i1", 400)
    dialogue.tell(f.SpeechStarted())
    assert dialogue.texts() == [("A long", True)]


def test_transcript_that_comes_after_the_interruption_is_kept_but_not_told() -> None:
    dialogue = speaking(ms=2000)
    dialogue.hear("i1", 1000)
    dialogue.tell(f.SpeechStarted())
    effects = dialogue.tell(
        f.TranscriptDelta("r1", "i1", 0, "Once upon a "),
        f.TranscriptFinished("r1", "i1", 0, "Once upon a time there was one"),
        cancelled(),
    )
    assert published(effects) == [AssistantStoppedRespondingEvent()]
    assert dialogue.texts() == [("Once upon a", True)]


def test_interruption_with_all_of_the_known_text_heard_keeps_it() -> None:
    dialogue = speaking(ms=2000)
    dialogue.tell(f.TranscriptFinished("r1", "i1", 0, "Hello"), audio("r1", "i2", 900), done())
    dialogue.hear("i2", 300)
    dialogue.tell(f.TranscriptDelta("r1", "i2", 0, "Hi"))
    dialogue.tell(f.SpeechStarted())
    assert dialogue.texts() == [("Hello", False), ("", True)]


def test_speech_while_the_model_thinks_silences_the_response_to_come() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"))
    effects = dialogue.tell(f.SpeechStarted())
    assert not of_type(effects, ClearPlayout)
    assert dialogue.tell(audio("r1", "i1", 100)) == []


def test_interrupt_command_cancels_truncates_and_drops_what_was_queued() -> None:
    dialogue = speaking()
    dialogue.tell(SayAsked("Later"))
    dialogue.hear("i1", 300)
    effects = dialogue.tell(InterruptAsked())
    assert effects[:3] == [ClearPlayout(), CancelResponse("r1"), TruncateItem("i1", 300)]
    assert not of_type(dialogue.tell(cancelled()), CreateResponse)


def test_an_item_that_begins_after_its_response_was_silenced_is_deleted() -> None:
    """The model would believe that it was heard."""
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), InterruptAsked())
    assert dialogue.tell(audio("r1", "i1", 200), audio("r1", "i1", 200)) == []
    effects = dialogue.tell(cancelled())
    assert of_type(effects, DeleteItem) == [DeleteItem("i1")]
    assert not of_type(dialogue.tell(f.ResponseStarted("r2"), done("r2")), DeleteItem)
    assert dialogue.texts() == []


def test_what_a_silenced_response_says_behind_an_item_that_was_heard_to_its_end_is_cut_off() -> None:
    dialogue = speaking(ms=400)
    dialogue.hear("i1", 400)
    dialogue.tell(f.PlayoutDrained(1), InterruptAsked(), audio("r1", "i1", 200))
    assert of_type(dialogue.tell(cancelled()), TruncateItem) == [TruncateItem("i1", 400)]


def test_what_was_cut_already_is_not_cut_again() -> None:
    dialogue = speaking(ms=2000)
    dialogue.hear("i1", 400)
    assert TruncateItem("i1", 400) in dialogue.tell(f.SpeechStarted())
    dialogue.tell(audio("r1", "i1", 200))
    assert not of_type(dialogue.tell(cancelled()), TruncateItem)


def test_a_provider_that_has_forgotten_everything_is_not_told_what_was_not_heard() -> None:
    dialogue = ready()
    dialogue.tell(f.ResponseStarted("r1"), InterruptAsked(), audio("r1", "i1", 200), f.LinkLost())
    effects = dialogue.tell(f.SessionReady(), f.ResponseStarted("r2"), done("r2"))
    assert not of_type(effects, DeleteItem)


def test_interrupt_command_takes_back_a_request_in_flight() -> None:
    dialogue = ready()
    dialogue.tell(SayAsked("Hello"))
    dialogue.tell(InterruptAsked())
    effects = dialogue.tell(f.ResponseStarted("r1", "response-1"))
    assert of_type(effects, CancelResponse) == [CancelResponse("r1")]
    assert not of_type(dialogue.tell(cancelled()), CreateResponse)


def test_interrupt_command_without_anything_to_interrupt_does_nothing() -> None:
    assert ready().tell(InterruptAsked()) == []


def test_server_that_cannot_truncate_or_delete_is_not_asked_to() -> None:
    unable = Capabilities(truncates=False, deletes=False)
    dialogue = speaking(capabilities=unable)
    dialogue.tell(audio("r1", "i2", 500))
    dialogue.hear("i1", 300)
    effects = dialogue.tell(f.SpeechStarted())
    assert effects[0] == ClearPlayout()
    assert not of_type(effects, TruncateItem)
    assert not of_type(effects, DeleteItem)


def test_playout_news_older_than_the_interruption_are_ignored() -> None:
    dialogue = speaking()
    dialogue.hear("i1", 300)
    dialogue.tell(f.SpeechStarted())
    assert dialogue.tell(f.PlayoutStarted("i1"), f.PlayoutDrained(1)) == []


def test_state_follows_the_floor() -> None:
    dialogue = ready()
    effects = dialogue.tell(
        f.SpeechStarted("u1"),
        f.SpeechStopped("u1"),
        f.TurnCommitted("u1"),
        f.ResponseStarted("r1"),
        audio("r1", "i1", 100),
        f.PlayoutStarted("i1"),
        done(),
        f.PlayoutDrained(1),
    )
    assert states(effects) == ["thinking", "speaking", "listening"]
