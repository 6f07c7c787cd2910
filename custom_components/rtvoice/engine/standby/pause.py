"""Where a wake word has ended."""

from ..audio.frame import SAMPLE_BYTES, frame_bytes
from ..audio.level import level_dbfs

LOOK_BACK_S = 0.5
"""Detectors notice a wake word so long after its end at most (40 to 440 ms, measured with microWakeWord)."""
LOOK_AHEAD_S = 0.2
"""So much is needed from behind that to tell a pause."""

_PAUSE_FRAMES = 8
"""Less may be a part of speech: a plosive is silent for up to 120 ms."""
_QUIETER_DB = 20.0
"""What is so much below the loudest frame is no speech."""


def samples_before_pause(pcm: bytes, sample_rate: int) -> int:
    """How many samples of speech there are before the first pause; 0 where there is none."""
    size = frame_bytes(sample_rate)
    levels = [level_dbfs(pcm[at : at + size]) for at in range(0, len(pcm) - size + 1, size)]
    speech_db = max(levels, default=0.0) - _QUIETER_DB
    spoken = quiet = 0
    for number, level in enumerate(levels, 1):
        if level > speech_db:
            spoken, quiet = number, 0
        elif spoken:
            quiet += 1
        if quiet == _PAUSE_FRAMES:
            return spoken * size // SAMPLE_BYTES
    return 0
