"""Keeps a long conversation small: what was said long ago stays as text, which costs a tenth of its audio."""

from .effects import AddItem, DeleteItem, Effect
from .items import Item
from .parts import Parts
from .values import ItemKind, NewItem

KEPT_MESSAGES = 8
"""The latest messages stay as they are."""
MAX_TEXT_CHARS = 12_000
"""About 3,000 tokens; of a still longer past the beginning is forgotten."""

_HEAD = "What was said earlier in this conversation:"


class Compaction:
    """Acts at a quiet moment after the model has read more than `above_tokens` for one response."""

    def __init__(self, parts: Parts, above_tokens: int | None) -> None:
        self._parts = parts
        self._above_tokens = above_tokens
        self._due = False
        self._count = 0
        self._text_item: str | None = None

    def note(self, input_tokens: int) -> None:
        """A response has read so many tokens."""
        self._due = self._above_tokens is not None and input_tokens > self._above_tokens

    def forgotten(self) -> None:
        """The provider has forgotten everything, and was told what was said as text."""
        self._due = False
        self._text_item = None

    def settle(self) -> list[Effect]:
        """Replace what is old by its text, if it is time to: first the text is added, then the old is deleted."""
        if not (self._due and self._parts.quiet and self._parts.settings.capabilities.deletes):
            return []
        self._due = False
        old = self._parts.items.messages()[:-KEPT_MESSAGES]
        fresh = [item for item in old if item.heard_text and not item.compacted]
        if not fresh:
            return []
        self._count += 1
        previous, self._text_item = self._text_item, f"earlier-text-{self._count}"
        for item in fresh:
            item.compacted = True
        text = NewItem(ItemKind.SYSTEM_MESSAGE, _told(old), item_id=self._text_item, first=True)
        gone = [item.item_id for item in fresh] + ([previous] if previous else [])
        return [AddItem(text), *(DeleteItem(item_id) for item_id in gone)]


def _told(items: tuple[Item, ...]) -> str:
    lines = [
        f"{'User' if item.kind is ItemKind.USER_MESSAGE else 'You'}: {item.heard_text}"
        for item in items
        if item.compacted
    ]
    while lines and sum(map(len, lines)) > MAX_TEXT_CHARS:
        del lines[0]
    return "\n".join((_HEAD, *lines))
