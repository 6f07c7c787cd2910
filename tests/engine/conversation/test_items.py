"""What is kept of what was said: its words, and of how they came only what is still needed."""

from custom_components.rtvoice.engine.conversation.items import Items
from custom_components.rtvoice.engine.conversation.values import ItemKind


def test_words_come_in_pieces_and_then_whole() -> None:
    items = Items()
    item = items.ensure("a", ItemKind.AGENT_MESSAGE, 0)
    items.append_text(item, 0, "It is ")
    items.append_text(item, 0, "onn")
    assert item.text == "It is onn"
    items.finish_text(item, 0, "It is on.")
    assert (item.text, item.text_finished) == ("It is on.", True)


def test_an_empty_end_keeps_what_the_pieces_said_however_often_it_comes() -> None:
    items = Items()
    item = items.ensure("a", ItemKind.AGENT_MESSAGE, 0)
    items.append_text(item, 0, "It is on.")
    items.finish_text(item, 0, "")
    items.finish_text(item, 0, "")
    assert item.text == "It is on."


def test_a_part_that_comes_after_the_end_of_another_is_put_behind_it() -> None:
    items = Items()
    item = items.ensure("a", ItemKind.AGENT_MESSAGE, 0)
    items.finish_text(item, 0, "It is on. ")
    items.append_text(item, 1, "And ")
    items.finish_text(item, 1, "And warm.")
    items.finish_text(item, 0, "It is off. ")
    assert item.text == "It is off. And warm."


def test_a_part_that_comes_before_another_is_put_before_it() -> None:
    items = Items()
    item = items.ensure("a", ItemKind.AGENT_MESSAGE, 0)
    items.finish_text(item, 1, "And warm.")
    items.finish_text(item, 0, "It is on. ")
    assert item.text == "It is on. And warm."


def test_of_words_that_are_whole_nothing_else_is_kept() -> None:
    items = Items()
    item = items.ensure("a", ItemKind.AGENT_MESSAGE, 0)
    items.append_text(item, 0, "It is ")
    items.finish_text(item, 0, "It is on.")
    assert not items._texts
