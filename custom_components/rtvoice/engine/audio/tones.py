"""Short sounds made of notes."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import cos, pi, sin

from .frame import AudioFrame

_FULL_SCALE = 32767

_FADE_S = 0.015
"""A note that begins or ends faster clicks."""


@dataclass(frozen=True, slots=True)
class Note:
    """A pure tone of some length."""

    pitch_hz: float
    length_s: float


def tones(notes: Sequence[Note], *, level_dbfs: float = -18.0, sample_rate: int = 24_000) -> AudioFrame:
    """Notes one after the other, each as loud as a sine of this level, faded in and out."""
    peak = _FULL_SCALE * 2**0.5 * 10 ** (level_dbfs / 20)
    samples = array("h")
    for note in notes:
        count = round(note.length_s * sample_rate)
        for n in range(count):
            at_s = n / sample_rate
            fade = min(1.0, at_s / _FADE_S, (count - n) / sample_rate / _FADE_S)
            loudness = peak * (1 - cos(pi * fade)) / 2
            samples.append(max(-_FULL_SCALE, min(_FULL_SCALE, round(loudness * sin(2 * pi * note.pitch_hz * at_s)))))
    return AudioFrame(samples.tobytes(), sample_rate)


@cache
def rising() -> AudioFrame:
    """Two notes up: speak."""
    return tones((Note(659.3, 0.08), Note(880.0, 0.12)))


@cache
def falling() -> AudioFrame:
    """Two notes down: it is over."""
    return tones((Note(880.0, 0.08), Note(659.3, 0.12)))


@cache
def low() -> AudioFrame:
    """The same low note twice: it did not work."""
    return tones((Note(311.1, 0.14), Note(311.1, 0.2)))
