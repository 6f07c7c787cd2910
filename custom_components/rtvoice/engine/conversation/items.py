"""What was said, in the conversation's order, as far as it was heard."""

from dataclasses import dataclass, field

from .values import ItemKind

_MS_PER_CHARACTER = 65
"""A common pace of speech, for the part of a transcript whose audio has not arrived."""

MAX_TOLD_NOTES = 50
"""Notes that are told again after a link was lost: the latest."""
_ONLY_PART = 0
_NOTE = ItemKind.SYSTEM_MESSAGE


@dataclass(slots=True)
class Item:
    """A message of either party, or a note to the agent."""

    item_id: str
    kind: ItemKind
    started_at_s: float
    text: str = ""
    text_finished: bool = False
    parts_ms: dict[int, float] = field(default_factory=dict)
    """Audio received for each of its content parts (agent messages)."""
    audio_finished: bool = False
    heard_ms: float | None = None
    """Set when it was interrupted: how much of its audio was heard."""
    earlier: bool = False
    """It was said before this session."""
    replayed: bool = False
    """The provider knows it as text only, because it was told again after the link was made anew."""
    compacted: bool = False
    """The provider knows it as part of a text about what was said earlier."""
    retracted: bool = False
    """Nothing of it was heard, so it counts as not said."""

    @property
    def audio_ms(self) -> float:
        """Audio received for it."""
        return sum(self.parts_ms.values())

    @property
    def interrupted(self) -> bool:
        """Whether the user did not hear it to its end."""
        return self.heard_ms is not None

    @property
    def heard_text(self) -> str:
        """The part of the text that was heard, to the last whole word."""
        if self.heard_ms is None:
            return self.text
        return self.text_until(self.heard_ms)

    @property
    def received_text(self) -> str:
        """The part of the text whose audio has arrived and was or will be heard; all of it where there is no audio."""
        if self.heard_ms is not None:
            return self.heard_text
        return self.text_until(self.audio_ms) if self.parts_ms else self.text

    def text_until(self, position_ms: float) -> str:
        """The part of the text that is said by a position in the audio, to the last whole word."""
        whole_ms = self.audio_ms
        if not (self.audio_finished and self.text_finished):
            whole_ms = max(whole_ms, len(self.text) * _MS_PER_CHARACTER)
        if whole_ms <= 0 or position_ms >= whole_ms:
            return self.text if whole_ms > 0 else ""
        cut = int(len(self.text) * position_ms / whole_ms)
        if self.text[cut : cut + 1].isspace():
            return self.text[:cut].rstrip()
        return self.text[:cut].rpartition(" ")[0].rstrip()


class Items:
    """The messages of both parties; created when first heard of, since the wire may tell their content first."""

    def __init__(self) -> None:
        self._by_id: dict[str, Item] = {}
        self._order: list[str] = []
        self._texts: dict[str, dict[int, str]] = {}
        """Transcripts of content parts, of those items whose text is not known to be whole or is in several parts."""

    def ensure(self, item_id: str, kind: ItemKind, now_s: float, previous_item_id: str | None = None) -> Item:
        """The item, placed behind `previous_item_id` if that is known and the item is new, else at the end."""
        known = previous_item_id is not None and previous_item_id != item_id and previous_item_id in self._by_id
        item = self._by_id.get(item_id)
        if item is None:
            item = self._by_id[item_id] = Item(item_id, kind, now_s)
        elif known:
            self._order.remove(item_id)
        else:
            return item
        place = self._order.index(previous_item_id) + 1 if known and previous_item_id else len(self._order)
        self._order.insert(place, item_id)
        return item

    def append_text(self, item: Item, content_index: int, text: str) -> None:
        """Add a piece to the transcript of a content part."""
        parts = self._parts_of(item)
        parts[content_index] = parts.get(content_index, "") + text
        item.text = _join(parts)

    def finish_text(self, item: Item, content_index: int, text: str) -> None:
        """Set the whole transcript of a content part; an empty one keeps what the pieces said."""
        parts = self._parts_of(item)
        parts[content_index] = text or parts.get(content_index, "")
        item.text = _join(parts)
        item.text_finished = True
        if [*parts] == [_ONLY_PART]:
            del self._texts[item.item_id]

    def _parts_of(self, item: Item) -> dict[int, str]:
        parts = self._texts.get(item.item_id)
        if parts is None:
            parts = self._texts[item.item_id] = {_ONLY_PART: item.text} if item.text_finished else {}
        return parts

    def retract(self, item_id: str) -> None:
        """The item was taken out of the conversation, and no text of what was heard of it took its place."""
        item = self._by_id.get(item_id)
        if item is not None and not (item.compacted or item.interrupted):
            item.retracted = True

    def messages(self) -> tuple[Item, ...]:
        """What was said in this session so far, in order."""
        items = (self._by_id[item_id] for item_id in self._order)
        return tuple(item for item in items if not (item.retracted or item.earlier or item.kind is _NOTE))

    def told(self) -> tuple[Item, ...]:
        """What a provider that has forgotten everything must be told: messages, and notes among them, in order."""
        notes = [item_id for item_id in self._order if self._by_id[item_id].kind is _NOTE]
        past = set(notes[:-MAX_TOLD_NOTES])
        items = (self._by_id[item_id] for item_id in self._order if item_id not in past)
        return tuple(item for item in items if not (item.retracted or item.earlier))


def _join(parts: dict[int, str]) -> str:
    if len(parts) == 1:
        (text,) = parts.values()
        return text
    return "".join(parts[index] for index in sorted(parts))
