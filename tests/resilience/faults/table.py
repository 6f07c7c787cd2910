"""What goes wrong, and what must come of it at each stage: what the tests and the documentation are held to."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

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
from tests.resilience.proxy import Proxy, byte_by_byte, crumbs, doubled

from .names import named
from .scene import TIMEOUTS, Provider, Scene, plain
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
    shown_by_answer: bool = False
    """Whether it is noticed only when the agent speaks."""
    watched: bool = False
    """Whether a watchdog is what notices it."""
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
        return [stage for stage in self.stages if not self.like or stage in (*_TELLING, *self.at)]

    def scene(self, stage: Stage, **settings: Any) -> Scene:
        """A conversation that it is to befall at this stage."""
        return Scene(f"{self.name}, {stage.value}", provider=self.provider, **self.settings, **settings)

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
    links = len(scene.proxy.links)
    scene.proxy.release()
    if scene.established and scene.stopping is None:
        await scene.until(lambda: len(scene.proxy.links) > links, "a fresh link")


async def far_away(scene: Scene) -> None:
    """Everything takes long from now on, and comes in pieces."""
    scene.proxy.delay_s = 0.07
    scene.proxy.release()


async def gone(scene: Scene) -> None:
    scene.proxy.refuses = True
    await cut(scene)


async def gone_for_a_while(scene: Scene) -> None:
    await gone(scene)
    await asyncio.sleep(0.4)
    scene.proxy.refuses = False


async def nameless(scene: Scene) -> None:
    scene.provider.names.clear()
    await cut(scene)


async def nameless_for_a_while(scene: Scene) -> None:
    names = dict(scene.provider.names)
    await nameless(scene)
    await asyncio.sleep(0.4)
    scene.provider.names.update(names)


async def distrusted(scene: Scene) -> None:
    scene.proxy.tls = Certificates.get().stranger
    await cut(scene)


async def without_tls(scene: Scene) -> None:
    scene.proxy.tls = None
    scene.proxy.babbles = True
    await cut(scene)


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


async def huge(scene: Scene) -> None:
    scene.proxy.line.interject(json.dumps({"type": "weather.reported", "map": "x" * 10_000_000}).encode())
    scene.proxy.release()


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
    scene.speaker.gone = True
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
    "message": "Rate limit reached. Please try again in 0.2s.",
}
_EXPIRED = {"type": "invalid_request_error", "code": "session_expired", "message": "Your session hit the maximum."}
_SERVER = {"type": "server_error", "code": "server_error", "message": "The server had an error."}

_IMPATIENT = {"inactivity_timeout_seconds": 1.5, "inactivity_timeout_enabled": True}
_ONLY_IN_A_TOOL = "no tool is running"

_watchful = partial(plain, timeouts=replace(TIMEOUTS, heartbeat_s=1.4))
"""What takes half a minute on the internet."""

_NAMED = {"first": UNREACHABLE, "provider": named, "like": True}
_BEHIND_TLS = {"first": UNREACHABLE, "provider": Certificates.provider, "like": True}

NETWORK = (
    Fault("The connection is cut", cut, GOES_ON, first=UNREACHABLE),
    Fault("The connection ends without a goodbye", end, GOES_ON, first=UNREACHABLE, like=True),
    Fault("The connection is half open", half_open, GOES_ON, first=UNREACHABLE, provider=_watchful),
    Fault("The network is slow", far_away, GOES_ON),
    Fault("The provider is gone for a moment", gone_for_a_while, GOES_ON, first=UNREACHABLE),
    Fault("The provider is gone for good", gone, LOST, first=UNREACHABLE),
    Fault("The provider's name is unknown for a moment", nameless_for_a_while, GOES_ON, **_NAMED),
    Fault("The provider's name is unknown", nameless, LOST, **_NAMED),
    Fault("The certificate is not trusted", distrusted, LOST, **_BEHIND_TLS),
    Fault("What answers does not speak TLS", without_tls, LOST, **_BEHIND_TLS),
)

_BAD = Impossible(ConfigurationError)
_PASSING = (1000, 1001, 1011, 1012, 1013)
_FAILED = Ends(EndReason.ERROR)
_REPORTED = GoesOn(told=("request_rejected",))
"""The error that comes before a close frame is told, because others are followed by nothing."""

CLOSES = (
    *(Fault(f"Close code {code}", closing(code), GOES_ON, first=UNREACHABLE, like=code != 1011) for code in _PASSING),
    Fault("Close frame without a code", closing(None), GOES_ON, first=UNREACHABLE, like=True),
    Fault(
        "Close code 1008",
        closing(1008),
        GOES_ON,
        first=Impossible(AuthenticationError),
        at={Stage.ROLLOVER: REFUSED},
        like=True,
    ),
    Fault("Close code 3000", closing(3000), REFUSED, first=Impossible(AuthenticationError)),
    *(
        Fault(f"Close code {code}", closing(code), GOES_ON, first=_BAD, at={Stage.ROLLOVER: _FAILED}, like=True)
        for code in (4000, 4004)
    ),
    Fault(
        "The server restarts",
        closing(1012, _SERVER),
        _REPORTED,
        first=UNREACHABLE,
        at={Stage.ROLLOVER: GOES_ON},
        like=True,
    ),
    Fault("The session has expired", closing(1001, _EXPIRED), GOES_ON, first=UNREACHABLE, like=True),
    Fault("The key is revoked", closing(3000, _KEY_REVOKED), REFUSED, first=Impossible(AuthenticationError), like=True),
    Fault(
        "The credit is used up",
        closing(1013, _NO_CREDIT),
        Ends(EndReason.QUOTA_EXCEEDED),
        first=Impossible(QuotaExceededError),
        like=True,
    ),
    Fault(
        "Too many requests",
        closing(1013, _TOO_MANY),
        _REPORTED,
        first=Impossible(RateLimitedError),
        at={Stage.ROLLOVER: GOES_ON},
        like=True,
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
        watched=True,
    ),
    Fault("The server pauses", answers_nothing_for_a_while, GOES_ON),
    Fault("The server answers byte by byte", shaped(byte_by_byte), GOES_ON),
    Fault("The server answers in frames of one byte", shaped(crumbs), GOES_ON),
    Fault("The server sends 10 MB at once", huge, GOES_ON, like=True),
    Fault("The server sends garbage", garbage, GOES_ON),
    Fault("The server sends what is no frame", no_frames, GOES_ON, first=UNREACHABLE, like=True),
    Fault("Events come twice", shaped(doubled), GOES_ON),
    Fault("Events come out of order", swapped, GOES_ON),
)

DEVICES = (
    Fault(
        "The microphone is unplugged",
        microphone_gone,
        Ends(EndReason.DEVICE_FAILED),
        first=Impossible(DeviceError),
    ),
    Fault(
        "The microphone stands still",
        microphone_stalled,
        Ends(EndReason.INACTIVITY, told=()),
        settings=_IMPATIENT,
        watched=True,
    ),
    Fault("The speaker is unplugged", speaker_gone, Ends(EndReason.DEVICE_FAILED), shown_by_answer=True),
    Fault("The speaker stands still", speaker_stalled, Ends(EndReason.DEVICE_FAILED), shown_by_answer=True),
)

TOOLS = (
    Fault(
        "A tool hangs",
        tool_hangs,
        GOES_ON,
        without={stage: _ONLY_IN_A_TOOL for stage in Stage if stage is not Stage.IN_A_TOOL},
    ),
)

FAULTS = (*NETWORK, *CLOSES, *SERVER, *DEVICES, *TOOLS)

# --- what befalls all of a machine ------------------------------------------------------------------------------------


async def nothing(scene: Scene) -> None:
    """It has happened already."""
    scene.proxy.release()


def clock(jump_s: float) -> Callable[[Scene], Awaitable[None]]:
    """The time of day is another, for all of the process; what measures how long something takes goes on."""
    before = time.time

    async def happen(scene: Scene) -> None:
        time.time = lambda: before() + jump_s
        scene.proxy.release()

    return happen


CLOCK = Fault("The clock jumps", clock(-86_400), GOES_ON)
SUSPENDED = Fault("The machine sleeps", clock(86_400), GOES_ON)
"""When it wakes up, the clock jumps ahead."""
SUSPENDED_AND_CUT = Fault("The machine sleeps until the connection is lost", cut, GOES_ON, first=UNREACHABLE)
DISK_FULL = Fault("The disk is full", nothing, GoesOn(told=("recording_failed",)), at={Stage.STOPPING: STOPPED})

OF_A_MACHINE = (CLOCK, SUSPENDED, SUSPENDED_AND_CUT, DISK_FULL)
