from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.effects import CancelResponse, CreateResponse, DeleteItem, Play
from custom_components.rtvoice.engine.conversation.interruption import GO_ON
from custom_components.rtvoice.engine.conversation.user_commands import InterruptAsked
from custom_components.rtvoice.engine.conversation.values import Capabilities

from .dialogue import Dialogue, audio, cancelled, done, of_type, ready, speaking


def interrupted(**settings: object) -> Dialogue:
    """A noise has silenced the agent in mid-sentence."""
    dialogue = speaking(ms=2000, **settings)
    dialogue.tell(
        f.TranscriptFinished("r1", "i1", 0, "Once upon a time there was a lighthouse."),
        f.AudioFinished("r1", "i1", 0),
        done(),
    )
    dialogue.hear("i1", 1000)
    dialogue.tell(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.TurnCommitted("u1"))
    return dialogue


GOES_ON = GO_ON.format(heard="Once upon a time")


def test_a_noise_that_is_known_for_one_before_its_answer_begins() -> None:
    dialogue = interrupted()
    assert DeleteItem("u1") in dialogue.tell(f.UserTranscriptFinished("u1", " ... "))
    assert of_type(dialogue.tell(f.ResponseStarted("r2")), CancelResponse) == [CancelResponse("r2")]
    assert not of_type(dialogue.tell(audio("r2", "i2", 100)), Play)
    assert of_type(dialogue.tell(cancelled("r2")), CreateResponse) == [CreateResponse("response-1", GOES_ON)]
    assert dialogue.texts() == [("Once upon a time", True)]


def test_a_noise_whose_answer_has_begun_but_is_not_heard_yet() -> None:
    dialogue = interrupted(instructions="Base.")
    dialogue.tell(f.ResponseStarted("r2"))
    assert CancelResponse("r2") in dialogue.tell(f.UserTranscriptFinished("u1", ""))
    effects = dialogue.tell(cancelled("r2"))
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1", f"Base.\n\n{GOES_ON}")]


def test_an_answer_that_is_being_heard_goes_on() -> None:
    dialogue = interrupted()
    dialogue.tell(f.ResponseStarted("r2"), audio("r2", "i2", 500), f.PlayoutStarted("i2"))
    assert not of_type(dialogue.tell(f.UserTranscriptFinished("u1", "")), CancelResponse)


def test_an_answer_that_is_about_to_be_heard_goes_on() -> None:
    dialogue = interrupted()
    dialogue.tell(f.ResponseStarted("r2"), audio("r2", "i2", 500))
    assert not of_type(dialogue.tell(f.UserTranscriptFinished("u1", "")), CancelResponse)


def test_words_are_no_noise() -> None:
    dialogue = interrupted()
    assert not of_type(dialogue.tell(f.UserTranscriptFinished("u1", "Stop.")), DeleteItem)
    assert not of_type(dialogue.tell(f.ResponseStarted("r2"), done("r2")), CreateResponse)


def test_silence_that_interrupted_nothing_changes_nothing() -> None:
    dialogue = ready()
    dialogue.tell(f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.TurnCommitted("u1"))
    assert not of_type(dialogue.tell(f.UserTranscriptFinished("u1", "")), DeleteItem)


def test_transcript_of_another_turn_says_nothing_about_this_one() -> None:
    dialogue = interrupted()
    assert not of_type(dialogue.tell(f.UserTranscriptFinished("u0", "")), DeleteItem)


def test_a_failed_transcript_says_nothing() -> None:
    from custom_components.rtvoice.engine.conversation.values import ProviderFault

    dialogue = interrupted()
    assert not of_type(dialogue.tell(f.UserTranscriptFailed("u1", ProviderFault(None, "x"))), DeleteItem)


def test_a_second_noise_does_not_lose_what_the_first_one_cut() -> None:
    dialogue = interrupted()
    dialogue.tell(f.UserTranscriptFinished("u1", ""))
    dialogue.tell(f.SpeechStarted("u2"), f.SpeechStopped("u2"), f.TurnCommitted("u2"))
    dialogue.tell(f.UserTranscriptFinished("u2", ""))
    effects = dialogue.tell(f.ResponseStarted("r2"), cancelled("r2"))
    assert of_type(effects, CreateResponse)[0].instructions == GOES_ON


def test_a_noise_while_nothing_was_heard_yet_asks_for_the_answer_again() -> None:
    dialogue = speaking()
    dialogue.tell(done(), f.SpeechStarted("u1"), f.SpeechStopped("u1"), f.UserTranscriptFinished("u1", ""))
    effects = dialogue.tell(f.ResponseStarted("r2"), cancelled("r2"))
    assert of_type(effects, CreateResponse) == [CreateResponse("response-1")]


def test_where_nothing_can_be_deleted_the_noise_stays() -> None:
    dialogue = interrupted(capabilities=Capabilities(deletes=False))
    assert not of_type(dialogue.tell(f.UserTranscriptFinished("u1", "")), DeleteItem)
    dialogue.tell(f.ResponseStarted("r2"))
    assert of_type(dialogue.tell(cancelled("r2")), CreateResponse)


def test_a_response_of_ours_is_not_taken_for_the_answer_to_the_noise() -> None:
    dialogue = interrupted()
    dialogue.tell(f.UserTranscriptFinished("u1", ""))
    dialogue.after(10, f.TimerFired(f.Timer.TURN_ANSWER))
    assert not of_type(dialogue.tell(f.ResponseStarted("r2", "response-1")), CancelResponse)


def test_already_silenced_answer_is_not_cancelled_twice() -> None:
    dialogue = interrupted()
    dialogue.tell(f.ResponseStarted("r2"), InterruptAsked())
    effects = dialogue.tell(f.UserTranscriptFinished("u1", ""))
    assert not of_type(effects, CancelResponse)
