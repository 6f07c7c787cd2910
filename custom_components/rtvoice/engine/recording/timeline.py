"""Two channels on one time line."""

from array import array
from collections.abc import Iterator
from enum import IntEnum

from ..audio.resample import Resampler
from .track import Block, Track
from .wav import CHANNELS

_PATIENCE_S = 1.0
"""So long a channel may be late before it counts as silent."""

_STEP_S = 10.0
"""Long silences are given in pieces of this length."""


class Channel(IntEnum):
    """Who is heard in which channel."""

    MICROPHONE = 0
    SPEAKER = 1


class Timeline:
    """Puts blocks of both channels in their places and gives them interleaved, all in the rate of the recording.

    Time moves on by the times of the blocks only. What is given lags behind the newest by a second, so that a channel
    that stalls and then catches up is put where it belongs. Nothing here is for the event loop: with differing rates it
    imports numpy, and it computes.
    """

    def __init__(self, origin_s: float, sample_rate_hz: int, microphone_rate_hz: int, speaker_rate_hz: int) -> None:
        rates = (microphone_rate_hz, speaker_rate_hz)
        self._tracks = [Track(rate, origin_s) for rate in rates]
        self._resamplers = [Resampler(rate, sample_rate_hz) for rate in rates]
        self._ready = [bytearray() for _ in rates]
        self._reached_s = origin_s
        self._newest_s = origin_s

    @property
    def dropped_samples(self) -> int:
        """Samples of both channels that got lost on the way here."""
        return sum(track.dropped_samples for track in self._tracks)

    def add(self, channel: Channel, block: Block) -> None:
        """Take a block of a channel, later than those before it."""
        self._tracks[channel].add(block)
        self._newest_s = max(self._newest_s, block.at_s)

    def pieces(self) -> Iterator[bytes]:
        """What is certain by now."""
        yield from self._pieces(self._newest_s - _PATIENCE_S)

    def rest(self) -> Iterator[bytes]:
        """Everything that is left; nothing can come after it."""
        yield from self._pieces(self._newest_s)
        self._advance(self._newest_s)
        for ready, resampler in zip(self._ready, self._resamplers, strict=True):
            ready.extend(resampler.flush())
        length = max(map(len, self._ready))
        for ready in self._ready:
            ready.extend(bytes(length - len(ready)))
        yield self._interleaved()

    def _pieces(self, goal_s: float) -> Iterator[bytes]:
        while self._reached_s < goal_s:
            self._reached_s = min(goal_s, self._reached_s + _STEP_S)
            self._advance(self._reached_s)
            yield self._interleaved()

    def _advance(self, until_s: float) -> None:
        for track, ready, resampler in zip(self._tracks, self._ready, self._resamplers, strict=True):
            track.advance(until_s)
            ready.extend(resampler.process(track.take()))

    def _interleaved(self) -> bytes:
        length = min(map(len, self._ready))
        both = array("h", bytes(length * CHANNELS))
        for channel, ready in enumerate(self._ready):
            both[channel::CHANNELS] = array("h", bytes(ready[:length]))
            del ready[:length]
        return both.tobytes()
