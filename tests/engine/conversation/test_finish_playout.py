"""A speaker that is sent a stream is told where the audio of a response ends; others are not bothered."""

from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.effects import ClearPlayout, FinishPlayout, Play
from custom_components.rtvoice.engine.conversation.values import ResponseStatus

from .dialogue import audio, call, cancelled, done, of_type, ready, speaking


def test_the_end_of_a_response_is_the_end_of_its_stream() -> None:
    dialogue = speaking(streams=True)
    assert of_type(dialogue.tell(done()), FinishPlayout) == [FinishPlayout()]
    assert of_type(dialogue.all, Play), "something was streamed"


def test_an_ordinary_speaker_is_told_nothing() -> None:
    assert of_type(speaking().tell(done()), FinishPlayout) == []


def test_a_response_without_audio_begins_no_stream() -> None:
    dialogue = ready(streams=True)
    dialogue.tell(f.ResponseStarted("r1"))
    assert of_type(dialogue.tell(done("r1", ResponseStatus.COMPLETED, call())), FinishPlayout) == []


def test_what_was_cut_short_has_ended_already() -> None:
    dialogue = speaking(streams=True)
    assert ClearPlayout() in dialogue.tell(f.SpeechStarted("u1"))
    assert of_type(dialogue.tell(cancelled()), FinishPlayout) == []


def test_the_next_response_is_a_stream_of_its_own() -> None:
    dialogue = speaking(streams=True)
    dialogue.tell(done(), f.ResponseStarted("r2"), audio("r2", "i2", 100))
    assert of_type(dialogue.tell(done("r2")), FinishPlayout) == [FinishPlayout()]


def test_what_has_arrived_when_the_link_breaks_is_played_to_its_end() -> None:
    dialogue = speaking(streams=True)
    assert of_type(dialogue.tell(f.LinkLost()), FinishPlayout) == [FinishPlayout()]


def test_a_stuck_response_ends_its_stream() -> None:
    dialogue = speaking(streams=True)
    assert FinishPlayout() in dialogue.after(60, f.TimerFired(f.Timer.RESPONSE_PROGRESS))
