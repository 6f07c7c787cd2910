"""What a page was given to play, and how much of that it says it has played."""

from collections.abc import Callable

from ...engine.audio.frame import SAMPLE_BYTES


class Playback:
    """Audio on its way to a page, with the count of what was heard.

    Nothing is forgotten before it was played, so that a page that comes back goes on where it stopped. What pages
    report is believed as far as it can be true: never more than was sent, never less than before.
    """

    def __init__(self, next_epoch: Callable[[], int]) -> None:
        self._next_epoch = next_epoch
        self._kept = bytearray()
        self._sent = 0
        """Samples of `_kept` that the page has been sent."""
        self._reported = 0
        """Samples of this epoch that were played."""
        self.epoch = next_epoch()
        self.played_samples = 0
        """Of all epochs; never falls."""

    @property
    def unplayed_samples(self) -> int:
        """What was given and has not been played."""
        return len(self._kept) // SAMPLE_BYTES

    def put(self, pcm: bytes | memoryview) -> None:
        """Give whole samples to be played."""
        self._kept += pcm

    def take(self, samples: int) -> bytes:
        """The next audio for the page, at most so many samples; counts as sent from now on."""
        start = self._sent * SAMPLE_BYTES
        pcm = bytes(self._kept[start : start + samples * SAMPLE_BYTES])
        self._sent += len(pcm) // SAMPLE_BYTES
        return pcm

    def report(self, epoch: int, samples: int) -> bool:
        """The page has played so many samples of an epoch; whether that is news."""
        if epoch != self.epoch:
            return False
        news = min(samples - self._reported, self._sent)
        if news <= 0:
            return False
        del self._kept[: news * SAMPLE_BYTES]
        self._sent -= news
        self._reported += news
        self.played_samples += news
        return True

    def clear(self) -> None:
        """Forget what was not played; what comes now is a new epoch."""
        self._kept.clear()
        self.again()

    def again(self) -> None:
        """Give what was not played once more, as a new epoch: another page plays it."""
        self.epoch = self._next_epoch()
        self._sent = self._reported = 0
