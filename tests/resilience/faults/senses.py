"""What the user sees and hears of a fault: the phrases of the documentation, and what each of them means.

They are about a session that has begun. How one that has not begun and one that is being stopped end is said elsewhere.
"""

import base64
import json
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from custom_components.rtvoice.engine import ToolExecutedEvent
from custom_components.rtvoice.engine.conversation import deadlines
from custom_components.rtvoice.engine.session import supervisor

from .scene import ANSWER, REST, SECOND_ANSWER, SORRY, VOICES, Scene
from .stages import ARRIVED, PIECES, Stage

_FRAME_BYTES = 960
_PIECE_BYTES = 2 * ARRIVED // PIECES
_WHOLE = VOICES[ANSWER]
_ARRIVED = _WHOLE[: 2 * ARRIVED]

LONG_S = 0.5
"""Longer than an answer takes to begin."""
ORDINARY_S = 2.5
"""Longer than an answer takes to begin on a machine that has time."""
SLOW_S = deadlines.TURN_ANSWER_S / 2
"""As long as an answer may take to begin on any machine, so that none was waited for that never came."""
MOMENT_S = 5.0
"""As long as a connection that was cut may take to be made anew."""

SLEEP_S = 4.0
"""How long a machine sleeps: longer than every watchdog in there."""
WANTED_S = 0.6
"""So long a provider wants that it is left alone."""


@dataclass(frozen=True, slots=True)
class AtHome:
    """What only Home Assistant shows, or decides."""

    phrase: str
    held_by: str
    """The test that holds it: its file, and its name."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What *Status* and *Activity* show."""

    phrase: str
    is_so: Callable[[Scene, Stage], bool]
    stages: tuple[Stage, ...]
    """At which it shows."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What the speaker plays, from the answer that was being given on, up to that of another question."""

    phrase: str
    is_so: Callable[[Scene, bytes, Stage], bool]
    then: bytes = VOICES[SECOND_ANSWER]
    """How the answer to the other question sounds."""
    late_s: float = 0.0
    """So long after the fault at least an answer begins that had not begun before."""


class Trail:
    """What *Status* showed since the fault, and for how long each."""

    def __init__(self, scene: Scene) -> None:
        states = scene.states
        ends = [*(at_s for _, at_s in states[1:]), scene.ended_at_s]
        self.shown = [(state, end_s - at_s) for (state, at_s), end_s in zip(states, ends, strict=True)]
        self.names = [state for state, _ in self.shown]

    def longest_s(self, state: str) -> float:
        """How long it was shown at a stretch; 0 if it was not."""
        return max((lasted_s for shown, lasted_s in self.shown if shown == state), default=0.0)

    def has(self, *states: str) -> bool:
        """Whether these were shown one after the other, with none between."""
        return any(tuple(self.names[at : at + len(states)]) == states for at in range(len(self.names)))


def in_frames(heard: bytes) -> list[tuple[int, float]]:
    """What was heard in words: which voice (the thousands of its samples), and how many frames."""
    samples = array("h", heard)
    return [(voice, len(list(same)) * 2 / _FRAME_BYTES) for voice, same in groupby(one // 1_000 for one in samples)]


_ALL = (Stage.LISTENING, Stage.USER_SPEAKING, Stage.THINKING, Stage.SPEAKING, Stage.IN_A_TOOL, Stage.ROLLOVER)
_UNANSWERED = (Stage.THINKING, Stage.IN_A_TOOL)

# --- what is seen -----------------------------------------------------------------------------------------------------


def _usual(scene: Scene, stage: Stage) -> bool:
    trail = Trail(scene)
    return not reconnects(scene) and not tools_failed(scene) and trail.longest_s("thinking") < SLOW_S


def reconnects(scene: Scene) -> bool:
    return "reconnecting" in Trail(scene).names[1:]


def _reconnecting(scene: Scene, stage: Stage) -> bool:
    return reconnects(scene) or stage is Stage.ROLLOVER


def _reconnecting_briefly(scene: Scene, stage: Stage) -> bool:
    return _reconnecting(scene, stage) and Trail(scene).longest_s("reconnecting") < MOMENT_S


def _noticed_late(scene: Scene, stage: Stage) -> bool:
    trail = Trail(scene)
    return trail.names[1:2] == ["reconnecting"] and trail.shown[0][1] > LONG_S


def tools_failed(scene: Scene) -> bool:
    return any(isinstance(event, ToolExecutedEvent) and not event.ok for event in scene.later_events)


def _thinking_on(scene: Scene, stage: Stage) -> bool:
    return Trail(scene).names[0] == "thinking" and Trail(scene).shown[0][1] > LONG_S


def _error(scene: Scene, stage: Stage) -> bool:
    return bool(scene.told)


USUAL = Sight("nothing unusual", _usual, _ALL)
RECONNECTING = Sight("*Reconnecting*", _reconnecting, _ALL)
BRIEFLY = Sight("*Reconnecting*, for a moment", _reconnecting_briefly, _ALL)
AS_WANTED = Sight(
    f"*Reconnecting*, for as long as the provider wants, or {supervisor.RATE_LIMIT_WAIT_S:.0f} seconds",
    lambda scene, stage: _reconnecting_briefly(scene, stage) and Trail(scene).longest_s("reconnecting") > WANTED_S,
    _ALL,
)
UNNOTICED = Sight("what was there before, for as long as nobody notices", _noticed_late, (Stage.LISTENING,))
ERROR = Sight("*Activity*: `error`", _error, _ALL)
TOOL_FAILED = Sight(
    "*Activity*: `tool_failed`, once the tool's time is over",
    lambda scene, stage: tools_failed(scene),
    (Stage.IN_A_TOOL,),
)
AS_BEFORE = Sight(
    "what was there before, when it wakes up",
    lambda scene, stage: not reconnects(scene) and Trail(scene).longest_s("thinking") < SLEEP_S + ORDINARY_S,
    _ALL,
)
LISTENING = Sight("*Listening*", lambda scene, stage: Trail(scene).names == ["listening", "idle"], (Stage.LISTENING,))
THINKING = Sight("*Thinking* for longer", _thinking_on, _UNANSWERED)
IN_TURNS = Sight(
    "*Speaking* and *Thinking* in turns",
    lambda scene, stage: not reconnects(scene) and Trail(scene).has("thinking", "speaking", "thinking", "speaking"),
    _UNANSWERED,
)
THINKING_IN_VAIN = Sight(
    f"*Thinking*, for {deadlines.RESPONSE_PROGRESS_S:.0f} seconds at most, then *Listening*",
    lambda scene, stage: Trail(scene).has("thinking", "listening", "idle"),
    (Stage.THINKING, Stage.SPEAKING, Stage.IN_A_TOOL),
)
THINKING_OF_NOTHING = Sight(
    f"*Thinking*, for {deadlines.TURN_ANSWER_S:.0f} seconds at most, where it seems that you have spoken",
    lambda scene, stage: (
        not reconnects(scene)
        and Trail(scene).has("listening", "thinking", "listening")
        and Trail(scene).longest_s("thinking") > ORDINARY_S
    ),
    (Stage.LISTENING,),
)
ONCE_IT_SPEAKS = Sight(
    "nothing unusual until something is to be said",
    lambda scene, stage: Trail(scene).names == ["listening", "thinking", "idle"],
    (Stage.LISTENING,),
)

# --- what is heard ----------------------------------------------------------------------------------------------------


def _is(speaking: bytes, unanswered: bytes = _WHOLE) -> Callable[[Scene, bytes, Stage], bool]:
    return lambda scene, heard, stage: heard == (speaking if stage is Stage.SPEAKING else unanswered)


def _is_cut(scene: Scene, heard: bytes, stage: Stage) -> bool:
    """Whether it fell silent before all was played that had arrived."""
    return 0 < len(heard) < len(_ARRIVED) and _ARRIVED.startswith(heard) if stage is Stage.SPEAKING else not heard


def _is_twice(scene: Scene, heard: bytes, stage: Stage) -> bool:
    pieces = _pieces(heard)
    doubled = sorted({piece for piece in pieces if pieces.count(piece) == 2})
    once = PIECES if stage is Stage.SPEAKING else 0
    return pieces == sorted(pieces) and doubled == _pieces(_WHOLE)[once:] and set(pieces) == set(_pieces(_WHOLE))


def _doubled(voice: bytes) -> bytes:
    return b"".join(2 * voice[at : at + _PIECE_BYTES] for at in range(0, len(voice), _PIECE_BYTES))


def _is_shuffled(scene: Scene, heard: bytes, stage: Stage) -> bool:
    came = b"".join(base64.b64decode(json.loads(frame.payload)["delta"]) for frame in scene.proxy.swapped)
    return sorted(_pieces(heard)) == _pieces(_WHOLE) and scene.speaker.heard.endswith(came)


def _pieces(heard: bytes) -> list[int]:
    """The pieces that were heard, by the number in their first sample. Fails where one is not whole."""
    pieces = [heard[at : at + _PIECE_BYTES] for at in range(0, len(heard), _PIECE_BYTES)]
    assert all(piece in _WHOLE for piece in pieces)
    return [array("h", piece[:2])[0] for piece in pieces]


def _is_hum(scene: Scene, heard: bytes, stage: Stage) -> bool:
    """Whether it is a short moment of the audio that is far too long, behind what had arrived."""
    begun = _ARRIVED if stage is Stage.SPEAKING else b""
    hum = array("h", heard.removeprefix(begun))
    return heard.startswith(begun) and 0 < len(hum) < 48_000 and set(hum) == {HUM}


HUM = 6_000
"""Each sample of audio that is far too long."""

_RESUMED = "the rest of what has arrived, a short pause, the rest of the answer"

ANSWERED = Sound("the answer", _is(_WHOLE))
RESUMED = Sound(_RESUMED, _is(_ARRIVED + VOICES[REST]))
LATE_AND_RESUMED = Sound(f"nothing until then, then the answer; or {_RESUMED}", RESUMED.is_so, late_s=LONG_S)
LATER = Sound("the answer, later", _is(_WHOLE), late_s=0.25)
TWICE = Sound("pieces of the answer twice", _is_twice, then=_doubled(VOICES[SECOND_ANSWER]))
SHUFFLED = Sound("the answer, its pieces in the order in which they came", _is_shuffled)
ARRIVED_ONLY = Sound("the rest of what has arrived", _is(_ARRIVED, b""))
AT_AN_END = Sound(
    "the answer to what you had said, then nothing",
    lambda scene, heard, stage: heard == (b"" if stage is Stage.USER_SPEAKING else _WHOLE),
)
CUT = Sound("silence at once", _is_cut)
_UNLESS_IN_A_TOOL = "the answer, or its rest; that it did not work, where the time of a tool is over"
SLEPT = Sound(
    _UNLESS_IN_A_TOOL,
    lambda scene, heard, stage: heard == (VOICES[SORRY] if stage is Stage.IN_A_TOOL else _WHOLE),
)
SLEPT_AND_RESUMED = Sound(
    _UNLESS_IN_A_TOOL,
    lambda scene, heard, stage: SLEPT.is_so(scene, heard, stage) or RESUMED.is_so(scene, heard, stage),
)
APOLOGY = Sound("that it did not work", _is(b"", VOICES[SORRY]))
HUMMING = Sound("what there is in it, until you speak", _is_hum)
