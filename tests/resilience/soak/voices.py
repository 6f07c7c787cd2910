"""Audio that says whose it is: all samples of an utterance are its number, so that each can be found again anywhere."""

import struct
from array import array
from collections import Counter
from itertools import groupby

RATE_HZ = 24_000
FRAME_SAMPLES = 480
FRAME_BYTES = 960
SILENCE = bytes(FRAME_BYTES)

_QUIETEST = 3000
_STEP = 8
_NOISE = -3000
_WORD_FRAMES = 25
_GAP_FRAMES = 3
_AGENT_NUMBERS = 32_000

CHARACTER_MS = 65
"""The pace that the engine reckons with where it does not know better."""


def user_frame(number: int) -> bytes:
    """20 ms of the user's utterance of that number, from 1."""
    return struct.pack("<h", _QUIETEST + _STEP * (number % 3000)) * FRAME_SAMPLES


def noise_frame() -> bytes:
    """20 ms of something that is loud and says nothing."""
    return struct.pack("<h", _NOISE) * FRAME_SAMPLES


def is_gap(index: int) -> bool:
    """Whether a frame of an utterance is the silence between two words, which a noise floor follows."""
    return index % _WORD_FRAMES >= _WORD_FRAMES - _GAP_FRAMES


def loud_frames(frames: int) -> int:
    """How many of an utterance's frames are not silent."""
    return sum(not is_gap(index) for index in range(frames))


def heard_in(pcm: bytes) -> Counter[int]:
    """How many frames of which utterances there are in the audio of a user turn."""
    samples = memoryview(pcm).cast("h")[FRAME_SAMPLES // 2 :: FRAME_SAMPLES]
    return Counter((sample - _QUIETEST) // _STEP for sample in samples if sample >= _QUIETEST)


def agent_voice(number: int, text: str) -> bytes:
    """What the agent says, as the audio of its message of that number, from 1."""
    return struct.pack("<h", agent_value(number)) * (RATE_HZ // 1000 * CHARACTER_MS * len(text))


def agent_value(number: int) -> int:
    """What the samples of that message are."""
    return number % _AGENT_NUMBERS + 1


def runs_in(pcm: bytes) -> list[tuple[int, int]]:
    """The audio as sample values and how often each comes in a row."""
    first = pcm[:2]
    if pcm == first * (len(pcm) // 2):
        return [(int.from_bytes(first, "little", signed=True), len(pcm) // 2)] if pcm else []
    return [(value, len(list(group))) for value, group in groupby(array("h", pcm))]
