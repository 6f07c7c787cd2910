"""The work that everybody is given: what the microphone hears, what the speaker does, and how its audio is recognised.

Standard library only: this module is imported in the environment of each peer.
"""

import asyncio
import math
import struct
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable

RATE_HZ = 24_000
FRAME_MS = 20
FRAME_BYTES = RATE_HZ * FRAME_MS // 1000 * 2
DELTA_MS = 200

TURN_EVERY_S = 10.0
"""The user speaks this often, each time into the agent's answer."""
SPEECH_S = 0.6
ANSWERS_S = (12.0, 16.0)
"""Lengths of the answers in turn: the user speaks into the first when it is sent already, into the second before."""
CALLS = (True, False, True)
"""Which turns have a tool call: one every 15 s."""
SENT_FASTER = 1.5
"""Than real time, in bursts of `BURST_MS`."""
BURST_MS = 600

TOOL = "turn_on"
INSTRUCTIONS = "You are the voice of a house."

_MAGIC = bytes((0xA5, 0, 0x5A, 0, 0xC3, 0, 0x3C, 0))
MARK_BYTES = len(_MAGIC) + 16


def marked(pcm: bytes, number: int) -> bytes:
    """Audio whose first samples carry a number of 64 bits, too quiet to be heard as speech."""
    mark = bytearray(16)
    mark[0::2] = number.to_bytes(8, "little")
    return _MAGIC + bytes(mark) + pcm[MARK_BYTES:]


def marks_in(pcm: bytes) -> list[int]:
    """The numbers that audio carries, wherever in it they are."""
    found: list[int] = []
    at = pcm.find(_MAGIC)
    while at >= 0:
        digits = pcm[at + len(_MAGIC) : at + MARK_BYTES : 2]
        if len(digits) == 8:
            found.append(int.from_bytes(digits, "little"))
        at = pcm.find(_MAGIC, at + MARK_BYTES)
    return found


_MAGIC_IN_BASE64 = b64encode(_MAGIC[:6])
"""How a mark begins that stands at the beginning of a delta."""


def marks_in_base64(data: bytes) -> list[int]:
    """The numbers of the deltas that begin in what came over a socket, whatever else is in it."""
    found: list[int] = []
    at = data.find(_MAGIC_IN_BASE64)
    while at >= 0:
        digits = data[at : at + MARK_BYTES * 4 // 3]
        if len(digits) == MARK_BYTES * 4 // 3:
            found += marks_in(b64decode(digits))
        at = data.find(_MAGIC_IN_BASE64, at + 1)
    return found


def _tone(seconds: float) -> bytes:
    count = round(seconds * RATE_HZ)
    samples = (round(8000 * math.sin(2 * math.pi * 440 * index / RATE_HZ)) for index in range(count))
    return struct.pack(f"<{count}h", *samples)


_SILENCE = bytes(FRAME_BYTES)
_SPEECH = _tone(FRAME_MS / 1000)


class Microphone:
    """Hears a user who speaks every ten seconds. Each frame carries the time in ns at which it was due.

    That is the one of so many users who are all at different places, in their turns and in their frames: no two sound
    cards are in step.
    """

    def __init__(self, number: int, of: int) -> None:
        self._offset_s = TURN_EVERY_S * number / of
        self._phase_s = FRAME_MS / 1000 * number / of
        self.open = True
        self.late_frames = 0
        """Frames that the event loop let out more than 20 ms after they were due."""
        self.frames_given = 0

    async def frames(self) -> AsyncIterator[bytes]:
        """Frames of 20 ms in real time, until it is closed."""
        now_s = time.monotonic()
        begin_s = due_s = now_s - (now_s - self._phase_s) % (FRAME_MS / 1000)
        while self.open:
            due_s += FRAME_MS / 1000
            # Even if it is late, so that on a machine that is too slow all are late and not some at a standstill.
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            speaks = (due_s - begin_s + self._offset_s) % TURN_EVERY_S < SPEECH_S
            self.frames_given += 1
            yield marked(_SPEECH if speaks else _SILENCE, round(due_s * 1e9))


class Sightings:
    """Which marks were seen in audio, and when. What is noted is looked at later: that is none of anybody's time."""

    def __init__(self, marks: Callable[[bytes], list[int]]) -> None:
        self._marks = marks
        self._unread: list[tuple[bytes, float]] = []
        self._seen: list[tuple[int, float]] = []

    def note(self, data: bytes, at_s: float) -> None:
        """Take note of what passed."""
        self._unread.append((data, at_s))

    def look(self) -> None:
        """Look at what was noted; to be called often, since all of it is kept until then."""
        unread, self._unread = self._unread, []
        self._seen += [(number, at_s) for data, at_s in unread for number in self._marks(data)]

    @property
    def seen(self) -> list[tuple[int, float]]:
        """Each mark and when it passed, in order."""
        self.look()
        return self._seen


class Speaker:
    """Plays what it is given by the clock, and notes when which delta came and when it was silenced.

    It takes whatever it is given at once, so that the time of a hand-over is the software's and not the device's.
    """

    def __init__(self) -> None:
        self.handed = Sightings(marks_in)
        """When the speaker got which delta."""
        self.silenced: list[tuple[int, float]] = []
        """Number of the last delta before, and when the speaker was told to be silent in the middle of playing."""
        self._played = 0
        self._given = 0
        self._until_s = 0.0

    def take(self, pcm: bytes | bytearray | memoryview) -> None:
        """Play whole samples behind what is being played."""
        now_s = time.monotonic()
        self.handed.note(bytes(pcm), now_s)
        self._count(now_s)
        self._given += len(pcm) // 2
        self._until_s = max(self._until_s, now_s) + len(pcm) / 2 / RATE_HZ

    def silence(self) -> None:
        """Drop what was not played."""
        now_s = time.monotonic()
        if self._until_s > now_s and (handed := self.handed.seen):
            self.silenced.append((handed[-1][0], now_s))
        self._count(now_s)
        self._given = self._played
        self._until_s = now_s

    @property
    def playing(self) -> bool:
        """Whether there is something to hear."""
        return self._until_s > time.monotonic()

    @property
    def played_samples(self) -> int:
        """How many samples were heard."""
        self._count(time.monotonic())
        return self._played

    def _count(self, now_s: float) -> None:
        left = max(0, math.ceil((self._until_s - now_s) * RATE_HZ))
        self._played = max(self._played, self._given - left)
