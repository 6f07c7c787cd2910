"""The queue of the agent's audio between the provider's pace and the speaker's."""

from collections import deque
from typing import NamedTuple

from ..audio.frame import SAMPLE_BYTES

_REMEMBERED_ITEMS = 64
"""The audio of an item that long ago is over."""


class Piece(NamedTuple):
    """Audio of one item, so many samples of it; `offset` is the item's sample that it begins with."""

    item_id: str
    offset: int
    samples: int
    pcm: bytes


class JitterBuffer:
    """Pieces of audio in order, at most `capacity_samples` (full: the new piece is dropped and counted)."""

    def __init__(self, capacity_samples: int) -> None:
        self._capacity_samples = capacity_samples
        self._pieces: deque[Piece] = deque()
        self._taken = 0
        """Samples of the first piece that were taken already."""
        self._offsets: dict[str, int] = {}
        self.queued_samples = 0
        self.dropped_pieces = 0

    def put(self, item_id: str, pcm: bytes) -> None:
        """Queue whole samples. A dropped piece leaves a hole: what follows keeps its place in the item."""
        samples = len(pcm) // SAMPLE_BYTES
        offset = self._offsets.get(item_id, 0)
        self._offsets[item_id] = offset + samples
        if len(self._offsets) > _REMEMBERED_ITEMS:
            del self._offsets[next(iter(self._offsets))]
        if self.queued_samples + samples > self._capacity_samples:
            self.dropped_pieces += 1
        elif samples:
            self._pieces.append(Piece(item_id, offset, samples, pcm))
            self.queued_samples += samples

    def take(self, samples: int) -> list[Piece]:
        """Take at most so many samples, of one item or of several."""
        taken: list[Piece] = []
        while self._pieces and samples:
            piece = self._pieces[0]
            left = piece.samples - self._taken
            if left <= samples:
                self._pieces.popleft()
                taken.append(piece if left == piece.samples else self._part(piece, left))
                self._taken = 0
            else:
                left = samples
                taken.append(self._part(piece, left))
                self._taken += left
            samples -= left
            self.queued_samples -= left
        return taken

    def _part(self, piece: Piece, samples: int) -> Piece:
        begin = self._taken
        pcm = piece.pcm[begin * SAMPLE_BYTES : (begin + samples) * SAMPLE_BYTES]
        return Piece(piece.item_id, piece.offset + begin, samples, pcm)

    def clear(self) -> None:
        """Drop everything."""
        self._pieces.clear()
        self._taken = 0
        self.queued_samples = 0

    @property
    def next_item_id(self) -> str | None:
        """The item whose audio comes next."""
        return self._pieces[0].item_id if self._pieces else None
