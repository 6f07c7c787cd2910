"""What goes wrong, and what must come of it at each stage: what the tests and the documentation are held to."""

import asyncio
import base64
import json
import sys
import time
from array import array
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from functools import partial
from types import SimpleNamespace
from typing import Any, override

from custom_components.rtvoice.engine import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    DeviceError,
    EndReason,
    EngineError,
    QuotaExceededError,
    RateLimitedError,
)
from simulator import Call
from tests.resilience.proxy import Frame, Proxy, byte_by_byte, crumbs, doubled, packets, whole

from .names import named
from .scene import TIMEOUTS, Provider, Scene, plain
from .senses import (
    ANSWERED,
    APOLOGY,
    ARRIVED_ONLY,
    AS_BEFORE,
    AS_WANTED,
    AT_AN_END,
    BRIEFLY,
    CUT,
    ERROR,
    HUM,
    HUMMING,
    IN_TURNS,
    LATE_AND_RESUMED,
    LATER,
    LISTENING,
    ONCE_IT_SPEAKS,
    RECONNECTING,
    RESUMED,
    SHUFFLED,
    SLEPT,
    SLEPT_AND_RESUMED,
    THINKING,
    THINKING_IN_VAIN,
    THINKING_OF_NOTHING,
    TOOL_FAILED,
    TWICE,
    UNNOTICED,
    USUAL,
    WANTED_S,
    AtHome,
    Sight,
    Sound,
)
from .stages import Stage
from .tls import Certificates

# --- what may come of it ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GoesOn:
    """The session lives: what was asked is answered, and another whole turn succeeds."""

    told: tuple[str, ...] = ()
    """Types of the errors that observers are told of, each at least once; no others are."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The session ends, with what was said before in its result."""

    reason: EndReason
    told: tuple[str, ...] | None = None
    """None: one error, called as the reason."""
    may_tell: tuple[str, ...] = ()
    """What they may be told of beside that."""


@dataclass(frozen=True, slots=True)
class Impossible:
    """`run` raises: there never was a session."""

    error: type[EngineError]


type Outcome = GoesOn | Ends | Impossible

_TELLING = (Stage.CONFIGURING, Stage.SPEAKING, Stage.ROLLOVER)
"""One stage before the session is established, one after it, and one that is both."""

GOES_ON = GoesOn()
STOPPED = Ends(EndReason.STOPPED, told=())
LOST = Ends(EndReason.CONNECTION_LOST)
UNREACHABLE = Impossible(ConnectionFailedError)
REFUSED = Ends(EndReason.AUTHENTICATION_FAILED)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong at any stage."""

    name: str
    """As the documentation calls it."""
    happen: Callable[[Scene], Awaitable[None]]
    outcome: Outcome
    """At all stages but those that are named otherwise."""
    first: Outcome | None = None
    """While the session is being set up for the first time, where that is different."""
    at: Mapping[Stage, Outcome] = field(default_factory=dict)
    without: Mapping[Stage, str] = field(default_factory=dict)
    """Stages at which it cannot be, and why."""
    before: Callable[[Scene], Awaitable[None]] | None = None
    """While the session is *connecting* it does not happen: it is so before the session begins."""
    met: Callable[[Scene], int] | None = None
    """How often the session has come upon it when it wanted to connect."""
    words: str = ""
    """What the error says that ends the session, or makes it impossible: a regular expression."""
    clinging: bool = False
    """Whether the tool that is called goes on when it is told to stop; while a session stops one is running then."""
    slept: bool = False
    """Whether it has happened to the whole machine before `happen`."""
    talked_over: Callable[[Scene], bool] | None = None
    """Where the answer would never end, the user speaks as soon as this is so."""
    shown_by_answer: bool = False
    """Whether it is noticed only when the agent speaks."""
    watched: bool = False
    """Whether a watchdog is what notices it."""
    heavy: bool = False
    """Whether the test itself has much to do for it, so that only a few go on side by side."""
    seen: tuple[Sight | AtHome, ...] = (USUAL,)
    """What the user sees of it in a session that has begun, in this order."""
    heard: Sound = ANSWERED
    """What the user hears of it there, of an answer that was under way."""
    provider: Callable[[Proxy], Provider] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the agent."""

    like: bool = False
    """Whether it comes to the same as another at most stages."""

    @property
    def stages(self) -> list[Stage]:
        """Where it can be."""
        return [stage for stage in Stage if stage not in self.without]

    @property
    def telling_stages(self) -> list[Stage]:
        """Where it is not like another."""
        telling = [stage for stage in self.stages if not self.like or stage in (*_TELLING, *self.at)]
        return sorted({*telling, *filter(self.precedes, self.stages)}, key=list(Stage).index)

    def precedes(self, stage: Stage) -> bool:
        """Whether it is there before the session."""
        return self.before is not None and stage is Stage.CONNECTING

    @property
    def sights(self) -> list[Sight]:
        """What the engine makes the user see."""
        return [each for each in self.seen if isinstance(each, Sight)]

    def tells_at(self, stage: Stage) -> bool:
        """Whether observers are told of an error."""
        outcome = self.expected(stage)
        return isinstance(outcome, Impossible) or outcome.told is None or bool(outcome.told)

    def tone_at(self, stage: Stage) -> bool:
        """Whether a low tone is the last that is heard: the session has failed, and not by its speaker."""
        outcome = self.expected(stage)
        failed = isinstance(outcome, Ends) and outcome.reason not in (EndReason.STOPPED, EndReason.INACTIVITY)
        return failed and not self.shown_by_answer

    def scene(self, stage: Stage, **settings: Any) -> Scene:
        """A conversation that it is to befall at this stage."""
        scene = Scene(f"{self.name}, {stage.value}", provider=self.provider, **self.settings, **settings)
        scene.tool_clings = self.clinging
        return scene

    def expected(self, stage: Stage) -> Outcome:
        """What must come of it at a stage."""
        if stage in self.at:
            return self.at[stage]
        if stage is Stage.STOPPING:
            return STOPPED
        if self.first is not None and not stage.established:
            return self.first
        return self.outcome


# --- the network ------------------------------------------------------------------------------------------------------


async def cut(scene: Scene) -> None:
    scene.proxy.line.cut()
    scene.proxy.release()


async def end(scene: Scene) -> None:
    scene.proxy.line.end()
    scene.proxy.release()


async def half_open(scene: Scene) -> None:
    """What is said into it before that is noticed is lost, but for the last second and what is known to be said."""
    scene.proxy.line.silent = True
    scene.tool_answers.set()
    links = len(scene.proxy.links)
    scene.proxy.release()
    if scene.established and scene.stopping is None:
        await scene.until(lambda: len(scene.proxy.links) > links, "a fresh link")


async def far_away(scene: Scene) -> None:
    """Everything takes long from now on, in both directions, and comes in pieces, hardly as fast as one speaks."""
    scene.proxy.delay_s = 0.07
    scene.proxy.upstream_bytes = 6_000
    scene.proxy.shape = packets
    scene.proxy.pause_s = 0.008
    scene.proxy.release()


def with_cut(before: Callable[[Scene], Awaitable[None]]) -> Callable[[Scene], Awaitable[None]]:
    """What is so from now on is met when the connection is cut."""

    async def happen(scene: Scene) -> None:
        await before(scene)
        await cut(scene)

    return happen


def for_a_while(
    before: Callable[[Scene], Awaitable[None]], after: Callable[[Scene], Awaitable[None]]
) -> Callable[[Scene], Awaitable[None]]:
    """The same for a moment."""

    async def happen(scene: Scene) -> None:
        await with_cut(before)(scene)
        await asyncio.sleep(0.4)
        await after(scene)

    return happen


async def gone(scene: Scene) -> None:
    scene.proxy.shut()


async def back(scene: Scene) -> None:
    await scene.proxy.reopen()


async def nameless(scene: Scene) -> None:
    scene.provider.names.hosts.clear()


async def named_again(scene: Scene) -> None:
    scene.provider.names.hosts.update(scene.provider.names.known)


async def no_names(scene: Scene) -> None:
    scene.provider.names.answers = False


async def distrusted(scene: Scene) -> None:
    scene.proxy.tls = Certificates.get().stranger


async def without_tls(scene: Scene) -> None:
    scene.proxy.babbles = True


async def mute(scene: Scene) -> None:
    scene.proxy.mute = True


# --- the server -------------------------------------------------------------------------------------------------------


def closing(code: int | None, error: Mapping[str, object] | None = None) -> Callable[[Scene], Awaitable[None]]:
    """An error, if one is given, then a close frame; one without a code if that is None."""

    async def happen(scene: Scene) -> None:
        if error is not None:
            message = {"type": "error", "error": {"param": None, "event_id": None, **error}}
            scene.proxy.line.interject(json.dumps(message).encode())
        scene.proxy.line.close(code)
        scene.proxy.release()

    return happen


async def answers_nothing(scene: Scene) -> None:
    scene.proxy.line.eventless = True
    scene.proxy.release()


async def answers_nothing_for_a_while(scene: Scene) -> None:
    await asyncio.sleep(0.8)
    scene.proxy.release()


def shaped(shape: Callable[..., Any]) -> Callable[[Scene], Awaitable[None]]:
    async def happen(scene: Scene) -> None:
        scene.proxy.shape = shape
        scene.proxy.release()

    return happen


async def swapped(scene: Scene) -> None:
    scene.proxy.swaps = True
    scene.proxy.release()


HUGE = 10_000_000


async def huge(scene: Scene) -> None:
    scene.proxy.line.interject(json.dumps({"type": "weather.reported", "map": "x" * HUGE}).encode())
    scene.watch_loop()
    scene.proxy.release()


def swollen(kind: str, swell: Callable[[Any], bool]) -> Callable[[Scene], Awaitable[None]]:
    """The first event of this type that `swell` makes as large as that."""

    async def happen(scene: Scene) -> None:
        scene.watch_loop()
        scene.proxy.shape = Swollen(kind, swell)
        scene.brain.second_tool = Call("look_up")
        scene.proxy.release()

    return happen


class Swollen:
    """Has one event come with far more in it than it was sent with."""

    def __init__(self, kind: str, swell: Callable[[Any], bool]) -> None:
        self.done = False
        self._kind = kind
        self._swell = swell

    def __call__(self, frame: Frame) -> Iterable[bytes]:
        if not self.done and frame.has(self._kind):
            event = json.loads(frame.payload)
            if self._swell(event):
                self.done = True
                frame = replace(frame, payload=json.dumps(event).encode())
        return whole(frame)


_HUM = base64.b64encode(array("h", [HUM] * 3).tobytes()).decode() * (HUGE // 8)
"""Audio as events have it."""


def with_long_audio(event: Any) -> bool:
    event["delta"] = _HUM
    return True


def with_long_words(event: Any) -> bool:
    event["delta"] += " and" * (HUGE // 4)
    return True


_MUCH = 900_000
"""Almost as much as a call may have; more is refused, which the tests of tools show."""


def with_long_arguments(event: Any) -> bool:
    calls = [item for item in event["response"]["output"] if item["type"] == "function_call"]
    for call in calls:
        call["arguments"] = json.dumps({"place": "x" * _MUCH})
    return bool(calls)


def hums(scene: Scene) -> bool:
    """Whether such audio can be heard."""
    return scene.speaker.heard[-2:] == HUM.to_bytes(2, "little")


GARBAGE = (
    b"{not json",
    b"[]",
    b"null",
    b"",
    b"\x00\x01\xfe\xff",
    b'{"type": 5}',
    b'{"type": "response.created"}',
    b'{"type": "response.created", "response": 5}',
    b'{"type": "response.done", "response": {"id": [], "output": {}}}',
    b'{"type": "response.output_audio.delta", "delta": "%%%", "item_id": 5}',
    b'{"type": "input_audio_buffer.speech_stopped", "item_id": null, "audio_end_ms": "late"}',
    b'{"type": "conversation.item.added", "item": "none"}',
    b"[" * 5_000,
)


async def garbage(scene: Scene) -> None:
    for frame in GARBAGE:
        scene.proxy.line.interject(frame)
    scene.proxy.release()


async def no_frames(scene: Scene) -> None:
    """Bytes that are no frame: bits that nobody has agreed on."""
    scene.proxy.line.inject(b"\xf7\xff" * 20)
    scene.proxy.release()


# --- devices and tools ------------------------------------------------------------------------------------------------


async def microphone_gone(scene: Scene) -> None:
    scene.microphone.broken = True
    await asyncio.sleep(0.1)
    scene.proxy.release()


async def microphone_stalled(scene: Scene) -> None:
    scene.microphone.stalled = True
    scene.proxy.release()


async def speaker_gone(scene: Scene) -> None:
    scene.speaker.unplug()
    scene.proxy.release()


async def speaker_stalled(scene: Scene) -> None:
    scene.speaker.stall()
    scene.proxy.release()


async def tool_hangs(scene: Scene) -> None:
    scene.tool_hangs = True
    scene.proxy.release()


# --- the table --------------------------------------------------------------------------------------------------------

_KEY_REVOKED = {"type": "invalid_request_error", "code": "invalid_api_key", "message": "Incorrect API key provided."}
_NO_CREDIT = {"type": "insufficient_quota", "code": "credit_balance_exhausted", "message": "No credit is left."}
_TOO_MANY = {
    "type": "invalid_request_error",
    "code": "rate_limit_exceeded",
    "message": f"Rate limit reached. Please try again in {WANTED_S}s.",
}
_EXPIRED = {"type": "invalid_request_error", "code": "session_expired", "message": "Your session hit the maximum."}
_SERVER = {"type": "server_error", "code": "server_error", "message": "The server had an error."}

_IMPATIENT = {"inactivity_timeout_seconds": 4.0, "inactivity_timeout_enabled": True}
_HURRIED_SERVER = partial(plain, timeouts=replace(TIMEOUTS, greet_s=8.0, configure_s=8.0))
_ONLY_IN_A_TOOL = "no tool is running"

_watchful = partial(plain, timeouts=replace(TIMEOUTS, heartbeat_s=2.4))
"""What takes half a minute on the internet."""

_HURRIED = replace(TIMEOUTS, greet_s=1.0)
"""What takes ten seconds on the internet."""


def _names_in_vain(scene: Scene) -> int:
    return scene.provider.names.in_vain


def _turned_away(scene: Scene) -> int:
    return scene.proxy.turned_away


_IN_HA = "tests/resilience/ha/test_house.py"
UNAVAILABLE = AtHome(
    "the entities of the account are unavailable until the provider is back", f"{_IN_HA}::test_the_provider_goes"
)
ANOTHER_KEY = AtHome(
    "Home Assistant asks for [another key](set-up.md#the-api-key-was-refused)",
    "tests/ha/test_conversation.py::test_a_refused_key_is_said_and_asked_for",
)
NO_CREDIT = AtHome(
    "*Repairs*: the account has no credit left",
    "tests/ha/test_session.py::test_no_credit_is_a_repair_issue_until_a_session_works",
)
NO_EARS = AtHome(
    "a local satellite with a wake word is unavailable until the microphone is back",
    "tests/ha/test_wake_word.py::test_a_microphone_that_is_unplugged_while_it_listens_or_in_a_session",
)
LOW_TONE = AtHome(
    "a low tone, where the wake word began it",
    "tests/ha/test_wake_word.py::test_a_session_that_never_comes_about_is_no_reason_to_stop_listening",
)
"""The engine plays it, which is held here; that it has one to play is a matter of the satellite."""

_MENDED = {"seen": (BRIEFLY,), "heard": RESUMED}
_GIVEN_UP = {"seen": (RECONNECTING, ERROR, UNAVAILABLE), "heard": ARRIVED_ONLY}
_KEY_REFUSED = {"seen": (ERROR, ANOTHER_KEY), "heard": CUT}

_GONE = {"first": UNREACHABLE, "before": gone, "words": "Connect call failed"}
_NAMED = {"first": UNREACHABLE, "provider": named, "like": True, "met": _names_in_vain}
_NAMELESS = {**_NAMED, "before": nameless, "words": "Name or service not known"}
_BEHIND_TLS = {"first": UNREACHABLE, "provider": Certificates.provider, "like": True, "met": _turned_away}
_HANGS = {"first": UNREACHABLE, "before": mute, "like": True, "met": _turned_away, "words": "did not answer in time"}

_NO_MOUTH = {"seen": (ONCE_IT_SPEAKS, ERROR), "heard": CUT}

NETWORK = (
    Fault("The connection is cut", cut, GOES_ON, first=UNREACHABLE, **_MENDED),
    Fault("The connection ends without a goodbye", end, GOES_ON, first=UNREACHABLE, like=True, **_MENDED),
    Fault(
        "The connection is half open",
        half_open,
        GOES_ON,
        first=UNREACHABLE,
        provider=_watchful,
        seen=(UNNOTICED, BRIEFLY),
        heard=LATE_AND_RESUMED,
    ),
    Fault("The network is slow", far_away, GOES_ON, seen=(IN_TURNS,), heard=LATER),
    Fault("The provider is gone for a moment", for_a_while(gone, back), GOES_ON, **_GONE, **_MENDED),
    Fault("The provider is gone for good", with_cut(gone), LOST, **_GONE, **_GIVEN_UP),
    Fault(
        "The provider's name is unknown for a moment",
        for_a_while(nameless, named_again),
        GOES_ON,
        **_NAMELESS,
        **_MENDED,
    ),
    Fault("The provider's name is unknown", with_cut(nameless), LOST, **_NAMELESS, **_GIVEN_UP),
    Fault(
        "The name server does not answer",
        with_cut(no_names),
        LOST,
        **{**_HANGS, "before": no_names, "met": _names_in_vain, "provider": partial(named, timeouts=_HURRIED)},
        **_GIVEN_UP,
    ),
    Fault(
        "The provider takes connections and says nothing",
        with_cut(mute),
        LOST,
        provider=partial(plain, timeouts=_HURRIED),
        **_HANGS,
        **_GIVEN_UP,
    ),
    Fault(
        "The TLS handshake hangs",
        with_cut(mute),
        LOST,
        provider=partial(Certificates.provider, timeouts=_HURRIED),
        **_HANGS,
        **_GIVEN_UP,
    ),
    Fault(
        "The certificate is not trusted",
        with_cut(distrusted),
        LOST,
        before=distrusted,
        words="certificate verify failed",
        **_BEHIND_TLS,
        **_GIVEN_UP,
    ),
    Fault(
        "What answers does not speak TLS",
        with_cut(without_tls),
        LOST,
        before=without_tls,
        words="SSL",
        **_BEHIND_TLS,
        **_GIVEN_UP,
    ),
)

_BAD = Impossible(ConfigurationError)
_PASSING = (1000, 1001, 1011, 1012, 1013)
_FAILED = Ends(EndReason.ERROR)
_REPORTED = GoesOn(told=("request_rejected",))
"""The error that comes before a close frame is told, because others are followed by nothing."""

CLOSES = (
    *(
        Fault(f"Close code {code}", closing(code), GOES_ON, first=UNREACHABLE, like=code != 1011, **_MENDED)
        for code in _PASSING
    ),
    Fault("Close frame without a code", closing(None), GOES_ON, first=UNREACHABLE, like=True, **_MENDED),
    Fault(
        "Close code 1008",
        closing(1008),
        GOES_ON,
        first=Impossible(AuthenticationError),
        at={Stage.ROLLOVER: REFUSED},
        like=True,
        seen=(BRIEFLY, ERROR, ANOTHER_KEY),
        heard=RESUMED,
    ),
    Fault("Close code 3000", closing(3000), REFUSED, first=Impossible(AuthenticationError), **_KEY_REFUSED),
    *(
        Fault(
            f"Close code {code}",
            closing(code),
            GOES_ON,
            first=_BAD,
            at={Stage.ROLLOVER: _FAILED},
            like=True,
            seen=(BRIEFLY, ERROR),
            heard=RESUMED,
        )
        for code in (4000, 4004)
    ),
    Fault(
        "The server restarts",
        closing(1012, _SERVER),
        _REPORTED,
        first=UNREACHABLE,
        at={Stage.ROLLOVER: GOES_ON},
        like=True,
        seen=(ERROR, BRIEFLY),
        heard=RESUMED,
    ),
    Fault("The session has expired", closing(1001, _EXPIRED), GOES_ON, first=UNREACHABLE, like=True, **_MENDED),
    Fault(
        "The key is revoked",
        closing(3000, _KEY_REVOKED),
        REFUSED,
        first=Impossible(AuthenticationError),
        like=True,
        **_KEY_REFUSED,
    ),
    Fault(
        "The credit is used up",
        closing(1013, _NO_CREDIT),
        Ends(EndReason.QUOTA_EXCEEDED),
        first=Impossible(QuotaExceededError),
        like=True,
        seen=(ERROR, NO_CREDIT),
        heard=CUT,
    ),
    Fault(
        "Too many requests",
        closing(1013, _TOO_MANY),
        _REPORTED,
        first=Impossible(RateLimitedError),
        at={Stage.ROLLOVER: GOES_ON},
        like=True,
        seen=(ERROR, AS_WANTED),
        heard=RESUMED,
    ),
)

SERVER = (
    Fault(
        "The server answers nothing any more",
        answers_nothing,
        Ends(EndReason.INACTIVITY, told=()),
        first=UNREACHABLE,
        at={
            Stage.ROLLOVER: GOES_ON,
            Stage.THINKING: Ends(EndReason.INACTIVITY, told=("response_stuck",)),
            Stage.SPEAKING: Ends(EndReason.INACTIVITY, told=("response_stuck",)),
            Stage.IN_A_TOOL: Ends(EndReason.INACTIVITY, told=("no_response",)),
        },
        settings=_IMPATIENT,
        provider=_HURRIED_SERVER,
        watched=True,
        seen=(THINKING_IN_VAIN, ERROR),
        heard=ARRIVED_ONLY,
    ),
    Fault("The server pauses", answers_nothing_for_a_while, GOES_ON, seen=(THINKING,), heard=LATER),
    Fault("The server answers byte by byte", shaped(byte_by_byte), GOES_ON),
    Fault("The server answers in frames of one byte", shaped(crumbs), GOES_ON),
    Fault("The server sends 10 MB at once", huge, GOES_ON, like=True, heavy=True),
    Fault(
        "A piece of audio has 10 MB",
        swollen("response.output_audio.delta", with_long_audio),
        GOES_ON,
        talked_over=hums,
        like=True,
        heavy=True,
        heard=HUMMING,
    ),
    Fault(
        "A piece of a transcript has 10 MB",
        swollen("response.output_audio_transcript.delta", with_long_words),
        GOES_ON,
        like=True,
        heavy=True,
    ),
    Fault(
        "A tool call has almost a megabyte of arguments",
        swollen("response.done", with_long_arguments),
        GOES_ON,
        like=True,
        heavy=True,
    ),
    Fault("The server sends garbage", garbage, GOES_ON, watched=True, seen=(THINKING_OF_NOTHING,)),
    Fault("The server sends what is no frame", no_frames, GOES_ON, first=UNREACHABLE, like=True, **_MENDED),
    Fault("Events come twice", shaped(doubled), GOES_ON, heard=TWICE),
    Fault("Events come out of order", swapped, GOES_ON, heard=SHUFFLED),
)

DEVICES = (
    Fault(
        "The microphone is unplugged",
        microphone_gone,
        Ends(EndReason.DEVICE_FAILED),
        first=Impossible(DeviceError),
        seen=(ERROR, NO_EARS),
        heard=CUT,
    ),
    Fault(
        "The microphone stands still",
        microphone_stalled,
        Ends(EndReason.INACTIVITY, told=()),
        settings=_IMPATIENT,
        watched=True,
        seen=(LISTENING,),
        heard=AT_AN_END,
    ),
    Fault("The speaker is unplugged", speaker_gone, Ends(EndReason.DEVICE_FAILED), shown_by_answer=True, **_NO_MOUTH),
    Fault(
        "The speaker stands still", speaker_stalled, Ends(EndReason.DEVICE_FAILED), shown_by_answer=True, **_NO_MOUTH
    ),
)

TOOLS = (
    Fault(
        "A tool hangs",
        tool_hangs,
        GOES_ON,
        seen=(THINKING, TOOL_FAILED),
        heard=APOLOGY,
        without={stage: _ONLY_IN_A_TOOL for stage in Stage if stage is not Stage.IN_A_TOOL},
    ),
    Fault(
        "A tool does not let go",
        tool_hangs,
        GOES_ON,
        without={stage: _ONLY_IN_A_TOOL for stage in Stage if stage not in (Stage.IN_A_TOOL, Stage.STOPPING)},
        clinging=True,
        seen=(THINKING, TOOL_FAILED),
        heard=APOLOGY,
    ),
)

FAULTS = (*NETWORK, *CLOSES, *SERVER, *DEVICES, *TOOLS)

# --- what befalls all of a machine ------------------------------------------------------------------------------------


async def nothing(scene: Scene) -> None:
    """It has happened already."""
    scene.proxy.release()


ENGINE = "custom_components.rtvoice.engine"


def clock(jump_s: float) -> Callable[[Scene], Awaitable[None]]:
    """The time of day is another for the engine; what measures how long something takes goes on.

    Others keep theirs: the server is another machine, and the tests hold against its clock what the engine tells.
    """

    class Jumped(datetime):
        @classmethod
        @override
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(seconds=jump_s)

    another = SimpleNamespace(**{**vars(time), "time": lambda: time.time() + jump_s})

    async def happen(scene: Scene) -> None:
        for name, module in tuple(sys.modules.items()):
            if name.startswith(ENGINE):
                if getattr(module, "time", None) is time:
                    module.time = another
                if getattr(module, "datetime", None) is datetime:
                    module.datetime = Jumped
        scene.proxy.release()

    return happen


CLOCK = Fault("The clock jumps", clock(-86_400), GOES_ON)
SUSPENDED = Fault("The machine sleeps", clock(86_400), GOES_ON, slept=True, seen=(AS_BEFORE, TOOL_FAILED), heard=SLEPT)
"""When it wakes up, the clock jumps ahead."""
SUSPENDED_AND_CUT = Fault(
    "The machine sleeps until the connection is lost",
    cut,
    GOES_ON,
    first=UNREACHABLE,
    slept=True,
    seen=(BRIEFLY, TOOL_FAILED),
    heard=SLEPT_AND_RESUMED,
)
DISK_FULL = Fault(
    "The disk is full",
    nothing,
    GoesOn(told=("recording_failed",)),
    at={Stage.STOPPING: Ends(EndReason.STOPPED, told=(), may_tell=("recording_failed",))},
    seen=(ERROR,),
)

OF_A_MACHINE = (CLOCK, SUSPENDED, SUSPENDED_AND_CUT, DISK_FULL)
