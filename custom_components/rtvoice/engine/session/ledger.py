"""Which sample of the speaker is which sample of which item."""

from collections import deque
from dataclasses import dataclass

from ..conversation.values import NOTHING_HEARD, PlayoutPosition
from .jitter import Piece

NO_ITEM = ""
"""What stands for an item where a sound of our own is played: it takes its time and is in no position."""


@dataclass(slots=True)
class _Entry:
    """`samples` of an item from its sample `offset` on, `start` samples behind the stream's `origin`."""

    item_id: str
    offset: int
    origin: int
    start: int
    samples: int


class PlayoutLedger:
    """Maps the sink's count of played samples to items, in samples of the source, so that nothing is ever rounded up.

    Origins are counts of the sink: a stream of audio that is resampled in one piece begins there.
    """

    def __init__(self, source_rate_hz: int, sink_rate_hz: int) -> None:
        self._source_rate_hz = source_rate_hz
        self._sink_rate_hz = sink_rate_hz
        self._entries: deque[_Entry] = deque()
        self._begun: set[str] = set()
        self._settled = NOTHING_HEARD
        self._origin = 0
        self._entered = 0

    @property
    def end(self) -> int:
        """The sink's count at which everything entered has been played."""
        return self._origin + self._at_sink(self._entered)

    def begin(self, origin: int) -> None:
        """Start a stream at this count of the sink."""
        self._origin = origin
        self._entered = 0

    def enter(self, piece: Piece) -> None:
        """Note that a piece is on its way to the sink, behind what was entered before."""
        last = self._entries[-1] if self._entries else None
        if (
            last is not None
            and (last.item_id, last.origin) == (piece.item_id, self._origin)
            and last.offset + last.samples == piece.offset
        ):
            last.samples += piece.samples
        else:
            self._entries.append(_Entry(piece.item_id, piece.offset, self._origin, self._entered, piece.samples))
        self._entered += piece.samples

    def position(self, played: int) -> PlayoutPosition:
        """What was heard when the sink has played so many samples."""
        position = self._settled
        for entry in self._entries:
            heard = self._heard(entry, played)
            if heard <= 0:
                break
            if entry.item_id != NO_ITEM:
                position = PlayoutPosition(entry.item_id, (entry.offset + heard) * 1000 / self._source_rate_hz)
        return position

    def settle(self, played: int) -> list[str]:
        """Forget what was heard to its end; gives the items that began to be heard, in order."""
        self._settled = self.position(played)
        begun: list[str] = []
        while self._entries and (heard := self._heard(self._entries[0], played)) > 0:
            entry = self._entries[0]
            if self._is_to_begin(entry):
                self._begun.add(entry.item_id)
                begun.append(entry.item_id)
            if heard < entry.samples:
                break
            self._entries.popleft()
        return begun

    def quiet_for(self, played: int) -> int:
        """Samples of the sink until an item begins to be heard, or everything entered has been played."""
        for entry in self._entries:
            if self._is_to_begin(entry):
                return max(0, entry.origin + self._at_sink(entry.start) - played) + 1
        return max(0, self.end - played)

    def fall_silent(self) -> None:
        """All was heard: an item that goes on begins to be heard again."""
        self._begun.clear()

    def cut(self, played: int) -> None:
        """Forget what was entered but not played; the next stream starts at this count."""
        self._settled = self.position(played)
        self._entries.clear()
        self.begin(played)

    def _is_to_begin(self, entry: _Entry) -> bool:
        return entry.item_id != NO_ITEM and entry.item_id not in self._begun

    def _at_sink(self, samples: int) -> int:
        """So many samples of the source, in whole samples of the sink."""
        return -(-samples * self._sink_rate_hz // self._source_rate_hz)

    def _heard(self, entry: _Entry, played: int) -> int:
        behind_origin = (played - entry.origin) * self._source_rate_hz // self._sink_rate_hz
        return min(entry.samples, behind_origin - entry.start)
