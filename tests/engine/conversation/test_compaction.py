from custom_components.rtvoice.engine.conversation import facts as f
from custom_components.rtvoice.engine.conversation.compaction import MAX_TEXT_CHARS
from custom_components.rtvoice.engine.conversation.effects import AddItem, DeleteItem, Effect
from custom_components.rtvoice.engine.conversation.values import (
    Capabilities,
    ItemKind,
    NewItem,
    ResponseStatus,
    ResponseUsage,
    TokenCount,
)

from .dialogue import Dialogue, audio, call, done, of_type, ready, result

READ = ResponseUsage(TokenCount(audio=5000))
NOTHING = ResponseUsage()


def turn(dialogue: Dialogue, n: int, *, usage: ResponseUsage = NOTHING, words: str = "") -> list[Effect]:
    """One question and its answer, heard to its end."""
    dialogue.tell(
        f.TurnCommitted(f"u{n}"),
        f.UserTranscriptFinished(f"u{n}", f"Question {n}{words}"),
        f.ResponseStarted(f"r{n}"),
        audio(f"r{n}", f"i{n}", 100),
        f.TranscriptFinished(f"r{n}", f"i{n}", 0, f"Answer {n}{words}"),
        f.AudioFinished(f"r{n}", f"i{n}", 0),
        f.PlayoutDrained(n),
    )
    return dialogue.tell(done(f"r{n}", usage=usage))


def talked(turns: int, **settings: object) -> Dialogue:
    dialogue = ready(compact_above_tokens=4000, **settings)
    for n in range(1, turns + 1):
        assert not of_type(turn(dialogue, n), AddItem)
    return dialogue


def test_old_turns_are_replaced_by_their_text_which_is_added_first() -> None:
    dialogue = talked(5)
    effects = turn(dialogue, 6, usage=READ)
    text = (
        "What was said earlier in this conversation:\nUser: Question 1\nYou: Answer 1\nUser: Question 2\nYou: Answer 2"
    )
    changes = [effect for effect in effects if isinstance(effect, AddItem | DeleteItem)]
    assert changes == [
        AddItem(NewItem(ItemKind.SYSTEM_MESSAGE, text, item_id="earlier-text-1", first=True)),
        DeleteItem("u1"),
        DeleteItem("i1"),
        DeleteItem("u2"),
        DeleteItem("i2"),
    ]


def test_the_result_still_has_everything() -> None:
    dialogue = talked(5)
    turn(dialogue, 6, usage=READ)
    dialogue.tell(f.ItemDeleted("u1"), f.ItemDeleted("i1"))
    assert len(dialogue.texts()) == 12


def test_the_text_grows_and_replaces_its_predecessor() -> None:
    dialogue = talked(5)
    turn(dialogue, 6, usage=READ)
    effects = turn(dialogue, 7, usage=READ)
    (add,) = of_type(effects, AddItem)
    assert add.item.text.endswith("User: Question 3\nYou: Answer 3")
    assert DeleteItem("earlier-text-1") in effects


def test_text_that_grows_too_long_forgets_its_beginning() -> None:
    dialogue = ready(compact_above_tokens=4000)
    for n in range(1, 12):
        turn(dialogue, n, words=" word" * 400)
    (add,) = of_type(turn(dialogue, 12, usage=READ), AddItem)
    assert len(add.item.text) <= MAX_TEXT_CHARS + 100
    assert "Answer 8" in add.item.text
    assert "Question 1 " not in add.item.text


def test_below_the_limit_nothing_happens() -> None:
    dialogue = talked(8)
    assert not of_type(turn(dialogue, 9, usage=ResponseUsage(TokenCount(audio=4000))), DeleteItem)


def test_it_waits_for_a_quiet_moment_and_for_tools() -> None:
    dialogue = talked(5)
    dialogue.tell(f.ResponseStarted("r6"))
    effects = dialogue.tell(done("r6", ResponseStatus.COMPLETED, call("c1"), usage=READ))
    assert not of_type(effects, DeleteItem)
    assert of_type(dialogue.tell(result("c1", respond=False)), DeleteItem)


def test_turns_without_words_stay() -> None:
    dialogue = ready(compact_above_tokens=4000)
    for n in range(1, 12):
        dialogue.tell(f.TurnCommitted(f"u{n}"))
    dialogue.tell(f.ResponseStarted("r"))
    assert not of_type(dialogue.tell(done("r", usage=READ)), DeleteItem)


def test_where_nothing_can_be_deleted_nothing_happens() -> None:
    dialogue = talked(5, capabilities=Capabilities(deletes=False))
    assert not of_type(turn(dialogue, 6, usage=READ), AddItem)


def test_a_new_link_is_told_everything_and_compacted_anew() -> None:
    dialogue = talked(5)
    turn(dialogue, 6, usage=READ)
    dialogue.tell(f.LinkLost())
    effects = dialogue.tell(f.SessionReady())
    assert [add.item.item_id for add in of_type(effects, AddItem)][:2] == ["u1", "i1"]
    effects = turn(dialogue, 7, usage=READ)
    assert DeleteItem("u1") in effects
    assert DeleteItem("earlier-text-1") not in effects
