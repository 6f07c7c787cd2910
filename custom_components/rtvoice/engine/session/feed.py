"""What of the queued audio is handed to the speaker, at the speaker's rate, with a clean cut at any time."""

from ..audio.resample import Resampler
from ..ports import AudioOutputDevice
from ..recording import HeardAudio
from .jitter import JitterBuffer
from .ledger import PlayoutLedger


class SinkFeed:
    """Prepares audio for a sink, whose rate need not be the source's, and keeps the ledger of it.

    With `keeps`, it keeps what is on its way until it is heard.
    """

    def __init__(self, sink: AudioOutputDevice, source_rate_hz: int, *, keeps: bool) -> None:
        self._sink = sink
        self._source_rate_hz = source_rate_hz
        self._keeps = keeps
        self._resampler = Resampler(source_rate_hz, source_rate_hz)
        self.ledger = PlayoutLedger(source_rate_hz, sink.sample_rate)
        self._heard = HeardAudio(source_rate_hz, sink.sample_rate)

    @property
    def due_s(self) -> float:
        """Seconds of audio that were taken from the queue and have not been played."""
        return (self.ledger.end - self._sink.played_samples) / self._sink.sample_rate

    async def open(self) -> None:
        """Take over the rate that the started sink really has."""
        self._resampler = await Resampler.prepare(self._source_rate_hz, self._sink.sample_rate)
        self.ledger = PlayoutLedger(self._source_rate_hz, self._sink.sample_rate)
        self.ledger.begin(self._sink.played_samples)
        self._heard = HeardAudio(self._source_rate_hz, self._sink.sample_rate)
        self._heard.begin(self._sink.played_samples)

    def take(self, queue: JitterBuffer, samples: int) -> bytes:
        """Take at most so many queued samples; gives what the sink is to play next, which may be nothing yet."""
        pieces = queue.take(samples)
        for piece in pieces:
            self.ledger.enter(piece)
            if self._keeps:
                self._heard.enter(piece.pcm)
        pcm = pieces[0].pcm if len(pieces) == 1 else b"".join(piece.pcm for piece in pieces)
        return self._resampler.process(pcm)

    def tail(self) -> bytes:
        """What the resampler holds back; what follows is a new stream."""
        tail = self._resampler.flush()
        self.ledger.begin(self.ledger.end)
        self._heard.begin(self.ledger.end)
        return tail

    def heard(self, played: int) -> bytes:
        """What was heard since the last look, when the sink has played so many samples."""
        return self._heard.release(played)

    def cut(self) -> bytes:
        """Forget what the sink had not played when it was silenced; gives what was heard since the last look."""
        self._resampler.flush()
        played = self._sink.played_samples
        self.ledger.cut(played)
        return self._heard.cut(played)
