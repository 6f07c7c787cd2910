"""One channel of a recording: blocks of audio put where they belong in time."""

from array import array
from collections import deque
from dataclasses import dataclass

from ..audio.frame import SAMPLE_BYTES

_GAP_S = 0.05
"""Audio that comes so much later than it should has a gap before it; less is the jitter and the drift of clocks."""

_CALM_S = 0.004
"""A deviation so small is left as it is."""

_LARGEST_SLIP = 100
"""At most one sample in so many is added or taken to follow a clock: a sixth of a semitone, for a moment."""


@dataclass(frozen=True, slots=True)
class Block:
    """Audio of one channel: `begin` is the number of the channel's samples before it, `at_s` the time of its first."""

    begin: int
    pcm: bytes
    at_s: float


class Track:
    """A channel's audio and the silence between it, as one stream of samples that starts at `origin_s`.

    The times of blocks are late by turns, never early, because they are taken when somebody looks: so the least delay
    among a block and those known behind it is the one that counts. A block later than that has a gap before it. Where
    the clock of a sound card strays from the time line, blocks are stretched or squeezed by a few samples. Blocks that
    come too early for their place are not cut; they are squeezed until the place is right.
    """

    def __init__(self, rate_hz: int, origin_s: float) -> None:
        self._rate_hz = rate_hz
        self._origin_s = origin_s
        self._pending: deque[Block] = deque()
        self._placed = array("h")
        self._position = 0
        self._next_begin = 0
        self._is_silent = True
        self.dropped_samples = 0
        """How many samples never came, by the count of those that did; there is silence in their place."""

    def add(self, block: Block) -> None:
        """Take the next block, whose place is found later."""
        self._pending.append(block)

    def advance(self, until_s: float) -> None:
        """Place the blocks whose time is not behind `until_s`, and silence up to there if nothing is known to come."""
        while self._pending and self._pending[0].at_s <= until_s:
            offset_s = self._offset_s()
            self._place(self._pending.popleft(), offset_s)
        end = self._sample_at(until_s)
        if self._pending:
            due = self._due(self._pending[0], self._offset_s())
            end = min(end, due if self._is_gap(due - self._position) else self._position)
        self._be_silent(end - self._position)

    def take(self) -> bytes:
        """Give what was placed since the last time."""
        taken, self._placed = self._placed.tobytes(), array("h")
        return taken

    def _offset_s(self) -> float:
        """By how much the time line is ahead of the channel's own count of samples."""
        return min(block.at_s - block.begin / self._rate_hz for block in self._pending)

    def _due(self, block: Block, offset_s: float) -> int:
        return self._sample_at(offset_s + block.begin / self._rate_hz)

    def _sample_at(self, at_s: float) -> int:
        return round((at_s - self._origin_s) * self._rate_hz)

    def _place(self, block: Block, offset_s: float) -> None:
        lost = block.begin - self._next_begin
        self.dropped_samples += lost
        self._be_silent(lost)
        samples = array("h", block.pcm)
        self._next_begin = block.begin + len(samples)
        late = self._due(block, offset_s) - self._position
        if self._is_gap(late):
            self._be_silent(late)
        else:
            samples = _stretched(samples, self._slip(late, len(samples)))
        self._placed += samples
        self._position += len(samples)
        self._is_silent = False

    def _is_gap(self, late: int) -> bool:
        """Whether so many samples are a silence. One that has begun ends where the audio says, to the sample."""
        return late > 0 if self._is_silent else late >= _GAP_S * self._rate_hz

    def _slip(self, late: int, samples: int) -> int:
        """How many samples a block gets more, or fewer, for the next one to be less late, or less early."""
        if samples > self._rate_hz:
            # No sound card gives that much at once, and computing it would take long.
            return 0
        largest = samples // _LARGEST_SLIP
        return max(-largest, min(largest, int(late / (_CALM_S * self._rate_hz))))

    def _be_silent(self, samples: int) -> None:
        if samples > 0:
            self._placed.frombytes(bytes(samples * SAMPLE_BYTES))
            self._position += samples
            self._is_silent = True


def _stretched(samples: array[int], by: int) -> array[int]:
    """As many samples more (or fewer) between the same first and last one."""
    if not by:
        return samples
    last = len(samples) - 1
    step = last / (last + by)
    places = [number * step for number in range(last + by)]
    stretched = [
        samples[before] + round((samples[before + 1] - samples[before]) * (place - before))
        for place in places
        for before in (int(place),)
    ]
    return array("h", [*stretched, samples[last]])
