"""The sounds by which a session tells what it does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ..audio.frame import AudioFrame
from ..audio.resample import Resampler
from ..conversation.values import Cue
from ..errors import EngineError
from ..options import Cues
from ..ports import AudioOutputDevice

_LOGGER = logging.getLogger(__name__)

_POLL_S = 0.02
_PATIENCE_S = 1.0
"""A speaker that takes so much longer for a sound than the sound is long does not keep the session from ending."""


class CueSounds:
    """A session's cues, ready to be played."""

    def __init__(self, cues: Cues | None, playout_rate_hz: int) -> None:
        sounds = {} if cues is None else {Cue.LISTENING: cues.listening, Cue.THINKING: cues.thinking}
        self._sounds = {cue: sound for cue, sound in sounds.items() if sound is not None}
        self._ended = None if cues is None else cues.ended
        self._error = None if cues is None else cues.error
        self._at_once = cues is not None and cues.at_once
        self._playout_rate_hz = playout_rate_hz
        self._ready: dict[Cue, bytes] = {}

    @property
    def first(self) -> bytes | None:
        """What is played before there is a connection, once `prepare` was called."""
        return self._ready.get(Cue.LISTENING) if self._at_once else None

    @property
    def on_demand(self) -> frozenset[Cue]:
        """What the conversation decides about."""
        return frozenset(self._sounds) - ({Cue.LISTENING} if self._at_once else set())

    async def prepare(self) -> None:
        """Bring what the playout plays to its rate."""
        for cue, sound in self._sounds.items():
            self._ready[cue] = await _at_rate(sound, self._playout_rate_hz)

    def pcm(self, cue: Cue) -> bytes:
        """A cue in the playout's rate; `prepare` was called before."""
        return self._ready[cue]

    async def play_last(
        self,
        sink: AudioOutputDevice,
        *,
        failed: bool,
        finish_stream: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Say on a sink that nobody else plays on any more that the session has ended, and wait until it was heard.

        Never raises an EngineError: a broken speaker says nothing.
        """
        sound = self._error if failed else self._ended
        if sound is None:
            return
        try:
            async with asyncio.timeout(sound.duration_ms / 1000 + _PATIENCE_S):
                pcm = await _at_rate(sound, sink.sample_rate)
                await sink.clear_buffer()
                await sink.play_chunk(pcm)
                if finish_stream is not None:
                    await finish_stream()
                while sink.is_playing:  # noqa: ASYNC110 - a speaker's port has no event for it
                    await asyncio.sleep(_POLL_S)
        except (EngineError, OSError) as err:
            # A timeout is an OSError too.
            _LOGGER.debug("The end of the session could not be sounded: %r", err)


async def _at_rate(sound: AudioFrame, sample_rate_hz: int) -> bytes:
    resampler = await Resampler.prepare(sound.sample_rate, sample_rate_hz)
    return resampler.process(sound.pcm) + resampler.flush()
