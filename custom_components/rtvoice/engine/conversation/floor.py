"""The agent's side of the floor: what it was given to say and how much of that was heard."""

from dataclasses import dataclass
from math import floor as round_down

from .effects import AddItem, DeleteItem, Effect, FinishPlayout, Play, TruncateItem
from .facts import AudioDelta
from .items import Item
from .values import Capabilities, NewItem, PlayoutPosition


@dataclass(frozen=True, slots=True)
class Cut:
    """What an interruption did: what the model is told of it, and the first item that was not heard to its end."""

    told: list[Effect]
    item: Item


class Floor:
    """The items on their way to the ear, in playout order."""

    def __init__(self, capabilities: Capabilities, *, streams: bool) -> None:
        self._capabilities = capabilities
        self._streams = streams
        self._streaming = False
        self._bytes_per_ms = capabilities.output_rate_hz * 2 / 1000
        self._queue: dict[str, Item] = {}
        self._chunks = 0
        self._heard_chunks = 0
        self._sounding = False
        self._withheld: dict[str, Item] = {}
        self.last_cut: Item | None = None
        """What the last interruption cut short."""

    @property
    def busy(self) -> bool:
        """Whether anything queued has not been heard yet."""
        return self._chunks != self._heard_chunks

    @property
    def sounding(self) -> bool:
        """Whether the agent can be heard."""
        return self._sounding

    def play(self, delta: AudioDelta, item: Item) -> list[Effect]:
        """Queue a piece of audio."""
        self._queue[item.item_id] = item
        part_ms = len(delta.pcm) / self._bytes_per_ms
        item.parts_ms[delta.content_index] = item.parts_ms.get(delta.content_index, 0.0) + part_ms
        self._chunks += 1
        self._streaming = self._streams
        return [Play(item.item_id, delta.content_index, delta.pcm)]

    def withhold(self, item: Item) -> None:
        """Take note that audio came which is not played, because its response was silenced."""
        if not item.interrupted:
            self._withheld[item.item_id] = item

    def tell_withheld(self) -> list[Effect]:
        """Tell the model that it was not heard to the end of what it has said; of what was cut it knows that."""
        withheld = [item for item in self._withheld.values() if not item.interrupted]
        self._withheld.clear()
        return [effect for item in withheld for effect in self._tell_heard(item, item.audio_ms)]

    def forget_withheld(self) -> None:
        """The provider forgets it by itself."""
        self._withheld.clear()

    def finish(self) -> list[Effect]:
        """Nothing follows what was queued, for now."""
        streaming, self._streaming = self._streaming, False
        return [FinishPlayout()] if streaming else []

    def heard_first(self, item_id: str) -> bool:
        """Take note that an item began to be heard; False if it has been silenced meanwhile."""
        if item_id not in self._queue:
            return False
        self._sounding = True
        return True

    def drained(self, chunks: int) -> bool:
        """Take note that `chunks` pieces were heard; whether that is all there is."""
        if chunks != self._chunks or not self.busy:
            return False
        self._fall_silent()
        return True

    def cut(self, position: PlayoutPosition, *, generating: bool) -> Cut | None:
        """Tell the model what was heard of each silenced item. None if there was nothing to silence."""
        unheard = self._unheard(position, generating=generating)
        if not unheard:
            return None
        told: list[Effect] = []
        self._streaming = False
        for item, heard_ms in unheard:
            told += self._tell_heard(item, heard_ms)
        self._fall_silent()
        self.last_cut = unheard[0][0]
        return Cut(told, self.last_cut)

    def _fall_silent(self) -> None:
        self._queue.clear()
        self._heard_chunks = self._chunks
        self._sounding = False

    def _unheard(self, position: PlayoutPosition, *, generating: bool) -> list[tuple[Item, float]]:
        """The queued items that were not heard to their end, each with the milliseconds that were."""
        queue = list(self._queue.values())
        current = next((i for i, item in enumerate(queue) if item.item_id == position.item_id), None)
        if current is None:
            return [(item, 0.0) for item in queue]
        item = queue[current]
        behind = [(unheard, 0.0) for unheard in queue[current + 1 :]]
        heard_to_its_end = position.heard_ms >= item.audio_ms and not (generating and not behind)
        return behind if heard_to_its_end else [(item, min(position.heard_ms, item.audio_ms)), *behind]

    def _tell_heard(self, item: Item, heard_ms: float) -> list[Effect]:
        item.heard_ms = heard_ms
        delete: list[Effect] = [DeleteItem(item.item_id)] if self._capabilities.deletes else []
        if heard_ms < 1:
            item.retracted = True
            return delete
        if item.replayed:
            return [*delete, AddItem(NewItem(item.kind, item.heard_text))] if delete else []
        return [_truncation(item, heard_ms)] if self._capabilities.truncates else []


def _truncation(item: Item, heard_ms: float) -> TruncateItem:
    """Cut in the content part that was being heard: each part has its own zero."""
    parts = sorted(item.parts_ms.items())
    content_index, part_ms = parts.pop(0)
    while heard_ms > part_ms and parts:
        heard_ms -= part_ms
        content_index, part_ms = parts.pop(0)
    return TruncateItem(item.item_id, round_down(min(heard_ms, part_ms)), content_index)
