"""The queue of the agent's audio between the provider's pace and the speaker's."""

from collections import deque
from dataclasses import dataclass

from ..audio.frame import SAMPLE_BYTES


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio of one item; `offset` is the item's sample that it begins with."""

    item_id: str
    offset: int
    pcm: bytes

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.pcm) // SAMPLE_BYTES


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
        piece = Piece(item_id, self._offsets.get(item_id, 0), pcm)
        self._offsets[item_id] = piece.offset + piece.samples
        if self.queued_samples + piece.samples > self._capacity_samples:
            self.dropped_pieces += 1
        elif piece.samples:
            self._pieces.append(piece)
            self.queued_samples += piece.samples

    def take(self, samples: int) -> list[Piece]:
        """Take at most so many samples, of one item or of several."""
        taken: list[Piece] = []
        while self._pieces and samples:
            piece, begin = self._pieces[0], self._taken
            count = min(samples, piece.samples - begin)
            if count < piece.samples:
                pcm = piece.pcm[begin * SAMPLE_BYTES : (begin + count) * SAMPLE_BYTES]
                taken.append(Piece(piece.item_id, piece.offset + begin, pcm))
            else:
                taken.append(piece)
            self._taken += count
            if self._taken == piece.samples:
                self._pieces.popleft()
                self._taken = 0
            samples -= count
            self.queued_samples -= count
        return taken

    def clear(self) -> None:
        """Drop everything."""
        self._pieces.clear()
        self._taken = 0
        self.queued_samples = 0

    @property
    def next_item_id(self) -> str | None:
        """The item whose audio comes next."""
        return self._pieces[0].item_id if self._pieces else None
