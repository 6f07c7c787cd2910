"""Audio that tells which piece it is: each has a level of its own, which no resampler and no queue changes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

MARKS = 200
_LOWEST = 1000
_STEP = 100
_TOLERANCE = 40
_SHORTEST = 16
"""Samples in a row at a level, so that the slope between two levels is not taken for one."""


def marked(number: int, samples: int) -> bytes:
    """16-bit PCM of piece `number`; those that are MARKS apart are alike."""
    return np.full(samples, _LOWEST + _STEP * (number % MARKS), dtype="<i2").tobytes()


def marks_in(pcm: bytes) -> list[int]:
    """The marks (numbers modulo MARKS) of the pieces that there is anything of, in order."""
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], dtype="<i2").astype(np.int32)
    if not len(samples):
        return []
    nearest = (samples - _LOWEST + _STEP // 2) // _STEP
    at_level = (np.abs(samples - _LOWEST - _STEP * nearest) <= _TOLERANCE) & (nearest >= 0) & (nearest < MARKS)
    levels = np.where(at_level, nearest, -1)
    borders = np.flatnonzero(np.diff(levels)) + 1
    starts = np.concatenate(([0], borders))
    lengths = np.diff(np.concatenate((starts, [len(levels)])))
    long_enough = (lengths >= _SHORTEST) & (levels[starts] >= 0)
    return [int(level) for level in levels[starts[long_enough]]]


@dataclass(frozen=True, slots=True)
class Stamp:
    """That a piece of audio passed somewhere."""

    at_s: float
    """By CLOCK_MONOTONIC, which is the same in all processes."""
    cpu_s: float
    """What Home Assistant's process had used of the processor until then."""
    pcm: bytes
    first: bool = False
    """Whether an answer begins with it."""
    connection: int = 0
    """Which one of the provider's it is of."""


@dataclass(frozen=True, slots=True)
class Passage:
    """From one place to another."""

    waited_ms: float
    worked_ms: float
    first: bool
    began_s: float


def passages(entered: list[Stamp], left: list[Stamp], *, within_s: float = 1.9) -> Iterator[Passage | None]:
    """How long each piece took from where it entered to where the first of it left; None for one that never did."""
    seen: dict[int, list[Stamp]] = {}
    last = None
    for stamp in left:
        for mark in marks_in(stamp.pcm):
            if mark != last:
                seen.setdefault(mark, []).append(stamp)
            last = mark
    for stamp in entered:
        (mark,) = marks_in(stamp.pcm)
        later = (one for one in seen.get(mark, ()) if 0 <= one.at_s - stamp.at_s < within_s)
        out = next(later, None)
        yield (
            None
            if out is None
            else Passage((out.at_s - stamp.at_s) * 1000, (out.cpu_s - stamp.cpu_s) * 1000, stamp.first, stamp.at_s)
        )
