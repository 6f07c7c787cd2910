"""The recording of what was said and heard."""

from .heard import HeardAudio
from .recorder import Recorder

__all__ = ["HeardAudio", "Recorder"]
