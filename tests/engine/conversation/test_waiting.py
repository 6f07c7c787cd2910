"""Tools that take their time, microphones that hear the speaker, sessions that last long enough."""

from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.effects import (
    AddItem,
    ArmTimer,
    CancelTool,
    ClearPlayout,
    Close,
    CreateResponse,
    DisarmTimer,
    GateInput,
)
from custom_components.rtvoice.engine.conversation.input_gate import ECHO_TAIL_S
from custom_components.rtvoice.engine.conversation.items import MAX_TOLD_NOTES
from custom_components.rtvoice.engine.conversation.user_commands import (
    InterruptAsked,
    MessageSent,
    MuteChanged,
    NoteAdded,
    ToolsChanged,
    WordsLent,
)
from custom_components.rtvoice.engine.conversation.values import (
    ItemKind,
    NewItem,
    ResponseStatus,
    ToolChoice,
    ToolDefinition,
)
from custom_components.rtvoice.engine.errors import EndReason

from .dialogue import Dialogue, audio, call, done, of_type, ready, result, speaking

COMPLETED = ResponseStatus.COMPLETED
SLOW = ToolDefinition("turn_on", "Slow", holding_instruction="Say that it takes a moment.")
STOPPABLE = ToolDefinition("turn_on", "Stoppable", cancel_on_interrupt=True)


def calling(*tools: ToolDefinition, **settings: object) -> Dialogue:
    dialogue = ready(tools=tools, **settings)
    dialogue.tell(f.ResponseStarted("r1"))
    return dialogue


def test_agent_says_that_it_takes_a_moment() -> None:
    dialogue = calling(SLOW, instructions="Base.")
    effects = dialogue.tell(done("r1", COMPLETED, call()))
    assert of_type(effects, CreateResponse) == [
        CreateResponse("response-1", "Base.\n\nSay that it takes a moment.", ToolChoice.NONE)
    ]
    dialogue.tell(f.ResponseStarted("r2", "response-1"))
    assert not of_type(dialogue.tell(result()), CreateResponse)
    assert of_type(dialogue.tell(done("r2")), CreateResponse) == [CreateResponse("response-2")]


def test_it_does_not_when_it_has_spoken_already() -> None:
    dialogue = calling(SLOW)
    dialogue.tell(audio("r1", "i1", 100))
    assert not of_type(dialogue.tell(done("r1", COMPLETED, call())), CreateResponse)


def test_it_does_not_when_the_result_is_there_first() -> None:
    dialogue = calling(SLOW)
    dialogue.tell(f.SpeechStarted(), done("r1", COMPLETED, call()), result(respond=False), f.SpeechStopped())
    effects = dialogue.tell(f.ResponseStarted("r2"), done("r2"))
    assert not of_type(effects, CreateResponse)


def test_it_does_not_when_the_user_speaks() -> None:
    dialogue = calling(SLOW)
    dialogue.tell(f.ResponseStarted("r0"), done("r1", COMPLETED, call()), f.SpeechStarted(), f.SpeechStopped())
    assert not of_type(dialogue.tell(f.ResponseStarted("r2"), done("r2")), CreateResponse)


def test_only_the_latest_progress_is_told() -> None:
    dialogue = calling(ToolDefinition("turn_on", "x"))
    dialogue.tell(f.ResponseStarted("r0"), done("r1", COMPLETED, call()))
    dialogue.tell(f.ToolProgressed("c1", "half way"), f.ToolProgressed("c1", "almost there"))
    (create,) = of_type(dialogue.tell(done("r0")), CreateResponse)
    assert create.instructions is not None
    assert create.instructions.endswith("almost there")


def test_progress_of_a_finished_call_is_not_told() -> None:
    dialogue = calling()
    dialogue.tell(done("r1", COMPLETED, call()), result(respond=False))
    assert dialogue.tell(f.ToolProgressed("c1", "late")) == []


def test_speaking_stops_the_calls_that_it_should() -> None:
    dialogue = calling(STOPPABLE, ToolDefinition("other", "x"))
    dialogue.tell(done("r1", COMPLETED, call("c1"), call("c2", "other"), call("c3", "unknown")))
    assert of_type(dialogue.tell(f.SpeechStarted()), CancelTool) == [CancelTool("c1")]


def test_interrupting_stops_them_too() -> None:
    dialogue = calling(STOPPABLE)
    dialogue.tell(done("r1", COMPLETED, call("c1")))
    assert of_type(dialogue.tell(InterruptAsked()), CancelTool) == [CancelTool("c1")]


def test_tools_that_changed_are_treated_as_they_are_now() -> None:
    dialogue = calling(SLOW)
    dialogue.tell(ToolsChanged((STOPPABLE,)))
    assert not of_type(dialogue.tell(done("r1", COMPLETED, call())), CreateResponse)
    assert of_type(dialogue.tell(f.SpeechStarted()), CancelTool)


def test_memory_of_calls_is_bounded() -> None:
    dialogue = ready()
    for n in range(300):
        dialogue.tell(
            f.ResponseStarted(f"r{n}"), done(f"r{n}", COMPLETED, call(f"c{n}")), result(f"c{n}", respond=False)
        )
    assert len(dialogue.conversation._parts.tools._seen) == 256


def test_half_duplex_closes_the_microphone_while_the_agent_speaks() -> None:
    dialogue = speaking(half_duplex=True)
    assert of_type(dialogue.all, GateInput) == [GateInput(open=False)]
    effects = dialogue.tell(done(), f.PlayoutDrained(1))
    assert ArmTimer(f.Timer.HALF_DUPLEX, ECHO_TAIL_S) in effects
    assert dialogue.after(ECHO_TAIL_S, f.TimerFired(f.Timer.HALF_DUPLEX)) == [GateInput(open=True)]


def test_half_duplex_opens_it_again_after_an_interruption() -> None:
    dialogue = speaking(half_duplex=True)
    dialogue.hear("i1", 300)
    assert ArmTimer(f.Timer.HALF_DUPLEX, ECHO_TAIL_S) in dialogue.tell(InterruptAsked())


def test_half_duplex_keeps_it_closed_when_the_agent_goes_on() -> None:
    dialogue = speaking(half_duplex=True)
    dialogue.tell(f.PlayoutDrained(1), audio("r1", "i1", 100))
    assert DisarmTimer(f.Timer.HALF_DUPLEX) in dialogue.tell(f.PlayoutStarted("i1"))


def test_muted_microphone_stays_closed_when_the_echo_is_gone() -> None:
    dialogue = speaking(half_duplex=True)
    dialogue.tell(MuteChanged(muted=True), done(), f.PlayoutDrained(1))
    assert dialogue.after(ECHO_TAIL_S, f.TimerFired(f.Timer.HALF_DUPLEX)) == [GateInput(open=False)]
    assert dialogue.tell(MuteChanged(muted=False)) == [GateInput(open=True)]


def test_half_duplex_hears_at_once_who_is_known_to_speak() -> None:
    dialogue = speaking(half_duplex=True)
    dialogue.hear("i1", 300)
    effects = dialogue.after(10, InterruptAsked(heard_s=0.4))
    assert of_type(effects, GateInput) == [GateInput(open=True, recall_s=0.4)]
    assert effects.index(ClearPlayout()) < effects.index(GateInput(open=True, recall_s=0.4))
    assert dialogue.after(ECHO_TAIL_S, f.TimerFired(f.Timer.HALF_DUPLEX)) == []
    assert not of_type(dialogue.tell(done(), f.PlayoutDrained(1)), GateInput)


def test_half_duplex_does_not_recall_what_was_heard_while_muted() -> None:
    dialogue = speaking(half_duplex=True)
    dialogue.tell(MuteChanged(muted=True))
    dialogue.after(5, MuteChanged(muted=False), MuteChanged(muted=False))
    effects = dialogue.after(0.25, InterruptAsked(heard_s=0.4))
    assert of_type(effects, GateInput) == [GateInput(open=True, recall_s=0.25)]


def test_muted_microphone_stays_closed_though_somebody_speaks() -> None:
    dialogue = speaking(half_duplex=True)
    dialogue.tell(MuteChanged(muted=True))
    assert of_type(dialogue.tell(InterruptAsked(heard_s=0.4)), GateInput) == [GateInput(open=False)]
    assert dialogue.tell(MuteChanged(muted=False)) == [GateInput(open=True)]


def test_full_duplex_has_heard_who_speaks_already() -> None:
    assert not of_type(speaking().tell(InterruptAsked(heard_s=0.4)), GateInput)


def test_full_duplex_leaves_it_open() -> None:
    assert not of_type(speaking().all, GateInput)


def test_session_ends_at_a_quiet_moment_after_its_longest_time() -> None:
    dialogue = speaking(max_length_s=600)
    assert ArmTimer(f.Timer.MAX_LENGTH, 600) in dialogue.all
    assert not of_type(dialogue.after(600, f.TimerFired(f.Timer.MAX_LENGTH)), Close)
    assert of_type(dialogue.tell(done(), f.PlayoutDrained(1)), Close) == [Close(EndReason.MAX_LENGTH)]


def test_work_in_the_background_keeps_the_session_from_ending_for_inactivity() -> None:
    dialogue = ready(inactivity_timeout_s=30)
    assert DisarmTimer(f.Timer.INACTIVITY) in dialogue.tell(f.BackgroundWorkChanged(working=True))
    assert dialogue.conversation.state == "listening"
    assert ArmTimer(f.Timer.INACTIVITY, 25) in dialogue.tell(f.BackgroundWorkChanged(working=False))


def test_a_note_is_added_and_answered_only_if_wanted() -> None:
    dialogue = ready()
    assert dialogue.tell(NoteAdded("It rains.")) == [AddItem(_note(1, "It rains."))]
    assert of_type(dialogue.tell(NoteAdded("Somebody rang.", respond=True)), CreateResponse)


def test_notes_are_told_again_in_their_place_when_the_provider_has_forgotten_them() -> None:
    dialogue = ready()
    dialogue.tell(
        NoteAdded("It rains."), f.ItemAdded("note-1", ItemKind.SYSTEM_MESSAGE, None, "It rains."), MessageSent("Hi")
    )
    dialogue.tell(NoteAdded("It has stopped."), f.LinkLost())
    told = of_type(dialogue.tell(f.SessionReady()), AddItem)
    said = NewItem(ItemKind.USER_MESSAGE, "Hi", item_id="typed-1")
    assert [add.item for add in told] == [_note(1, "It rains."), said, _note(2, "It has stopped.")]
    assert dialogue.texts() == [("Hi", False)], "a note is nothing that was said"


def test_of_very_many_notes_the_latest_are_told_again() -> None:
    dialogue = ready()
    dialogue.tell(*(NoteAdded(str(n)) for n in range(MAX_TOLD_NOTES + 2)), f.LinkLost())
    told = of_type(dialogue.tell(f.SessionReady()), AddItem)
    assert [add.item.text for add in told] == [str(n) for n in range(2, MAX_TOLD_NOTES + 2)]


def _note(number: int, text: str) -> NewItem:
    return NewItem(ItemKind.SYSTEM_MESSAGE, text, item_id=f"note-{number}")


def test_words_that_are_lent_to_the_agent_are_part_of_what_was_said_and_ask_for_nothing() -> None:
    dialogue = ready()
    lent = NewItem(ItemKind.AGENT_MESSAGE, "Dinner is at seven.", item_id="lent-1")
    assert dialogue.tell(WordsLent("Dinner is at seven.")) == [AddItem(lent)]
    assert dialogue.texts() == [("Dinner is at seven.", False)]
    dialogue.tell(f.LinkLost())
    assert [add.item for add in of_type(dialogue.tell(f.SessionReady()), AddItem)] == [lent]
