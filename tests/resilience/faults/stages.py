"""The stages of a session at which faults befall it: a table, and how each is reached."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import partial

from custom_components.rtvoice.engine import UserStartedSpeakingEvent, UserStoppedSpeakingEvent
from simulator import Call
from tests.resilience.proxy import Frame, Line

from .left import sockets_to
from .scene import FIRST, Scene

GOODBYE_S = 2.5
"""How long a session that is being stopped tries to say goodbye."""


class Stage(Enum):
    """What the session is about when the fault befalls it; the value is what the documentation calls it."""

    CONNECTING = "connecting"
    """The socket is open, the provider's greeting is on its way."""
    CONFIGURING = "configuring"
    """The settings were sent, their confirmation is on its way."""
    LISTENING = "listening"
    USER_SPEAKING = "user speaking"
    THINKING = "thinking"
    """The user's words are known, the first word of the answer is on its way."""
    SPEAKING = "speaking"
    """Half of the answer was received and is played, the rest is on its way."""
    IN_A_TOOL = "in a tool"
    ROLLOVER = "rollover"
    """The session moves to a fresh connection, which is being configured."""
    STOPPING = "stopping"
    """`stop()` was called; its goodbye is stuck behind what the server has not taken, the devices are still open."""

    @property
    def asked(self) -> bool:
        """Whether the first question was asked before the fault."""
        return self in (Stage.USER_SPEAKING, Stage.THINKING, Stage.SPEAKING, Stage.IN_A_TOOL)

    @property
    def established(self) -> bool:
        """Whether the session had begun."""
        return self not in (Stage.CONNECTING, Stage.CONFIGURING)


async def approach(scene: Scene, stage: Stage) -> None:
    """Begin, and bring a scene as near to a stage as it can stay for as long as it takes all the others."""
    scene.proxy.hold = _APPROACHES[stage]() if stage in _APPROACHES else None
    if stage is Stage.ROLLOVER:
        scene.provider.session_s = 301.0
    if stage is Stage.IN_A_TOOL:
        scene.brain.tool = Call("look_up")
    if stage is Stage.STOPPING:
        scene.provider.take_leave_within(GOODBYE_S)
    scene.run()
    await _WAYS[stage](scene)


async def reach(scene: Scene, stage: Stage) -> None:
    """Go the last step into a stage that was approached; it stays there for more than a second."""
    match stage:
        case Stage.USER_SPEAKING:
            scene.ask(FIRST, seconds=0.0)
            scene.microphone.talk()
            await scene.until(lambda: scene.seen(UserStartedSpeakingEvent), "hearing the user")
            await asyncio.sleep(0.3)
        case Stage.SPEAKING:
            scene.proxy.advance(held(_AUDIO, count=PIECES))
            await scene.until(lambda: scene.speaker.played_samples > 4_800, "speaking")
            scene.speaker.pause()
            await scene.until(scene.proxy.line.held.is_set, "half of the answer")
        case Stage.IN_A_TOOL:
            scene.proxy.advance(None)
            await scene.until(lambda: scene.tools_running > 0, "a tool call")
        case Stage.STOPPING:
            scene.proxy.line.deaf = True
            await scene.agent.send_message(MUCH)
            await asyncio.sleep(0.1)
            scene.stop()
            await scene.until(lambda: scene.agent.state == "idle", "stopping")


def assert_reached(scene: Scene, stage: Stage) -> None:
    """Fail unless a scene is at a stage at this moment: what befalls it later befalls another stage."""
    assert scene.task is not None
    assert not scene.task.done(), f"{scene.name}: ended already, {scene.task!r}"
    assert _THERE[stage](scene), f"{scene.name}: is not there any more; {scene.account()}"
    assert scene.microphone.is_active
    if stage is Stage.STOPPING:
        assert sockets_to(scene.proxy.port) == 1, f"{scene.name}: the link is closed already"
    if stage in _APPROACHES and stage is not Stage.IN_A_TOOL:
        assert scene.proxy.unreleased, f"{scene.name}: nothing is held back"
    if stage.established and stage is not Stage.STOPPING:
        assert scene.established


async def _greeted(scene: Scene) -> None:
    await scene.until(lambda: scene.proxy.unreleased, "the greeting")


async def _listening(scene: Scene) -> None:
    await scene.until(lambda: scene.agent.state == "listening", "listening")


async def _thinking(scene: Scene) -> None:
    await _listening(scene)
    scene.ask(FIRST)
    await scene.until(lambda: scene.proxy.unreleased, "the answer")
    await scene.until(lambda: scene.user_words == [FIRST], "the user's words")


async def _stopping(scene: Scene) -> None:
    await _listening(scene)
    if scene.tool_clings:
        scene.brain.tool = Call("look_up")
        scene.ask(FIRST)
        await scene.until(lambda: scene.tools_running > 0, "a tool call")


async def _rollover(scene: Scene) -> None:
    await scene.until(lambda: len(scene.proxy.links) > 1 and scene.proxy.unreleased, "the rollover")


def held(kind: str, *, line: int = 0, count: int = 1) -> Callable[[Line, Frame], bool]:
    """Hold back the `count`-th event of this type on the `line`-th link."""
    seen = 0

    def hold(carrying: Line, frame: Frame) -> bool:
        nonlocal seen
        if frame.has(kind) and len(carrying.proxy.links) == line + 1:
            seen += 1
        return seen >= count

    return hold


MUCH = "Take note of this. " * 100_000
"""What no network takes at once."""
_AUDIO = "response.output_audio.delta"
PIECES = 4
"""Pieces of the answer that arrive before it is interrupted: half of it."""
ARRIVED = PIECES * 4_800
"""The samples in them."""

HOLDS = {
    Stage.CONNECTING: partial(held, "session.created"),
    Stage.CONFIGURING: partial(held, "session.updated"),
    Stage.THINKING: partial(held, "response.output_item.added"),
    Stage.SPEAKING: partial(held, _AUDIO, count=PIECES + 1),
}
"""What does not arrive while a session stays at a stage."""

_APPROACHES = {
    **HOLDS,
    Stage.SPEAKING: partial(held, _AUDIO),
    Stage.IN_A_TOOL: partial(held, "response.output_item.added"),
    Stage.ROLLOVER: partial(held, "session.updated", line=1),
}

_WAYS: dict[Stage, Callable[[Scene], Awaitable[None]]] = {
    Stage.CONNECTING: _greeted,
    Stage.CONFIGURING: _greeted,
    Stage.LISTENING: _listening,
    Stage.USER_SPEAKING: _listening,
    Stage.THINKING: _thinking,
    Stage.SPEAKING: _thinking,
    Stage.IN_A_TOOL: _thinking,
    Stage.ROLLOVER: _rollover,
    Stage.STOPPING: _stopping,
}

_THERE: dict[Stage, Callable[[Scene], bool]] = {
    Stage.CONNECTING: lambda scene: not scene.received("session.update"),
    Stage.CONFIGURING: lambda scene: scene.received("session.update") and not scene.established,
    Stage.LISTENING: lambda scene: scene.agent.state == "listening" and not scene.microphone.talking,
    Stage.USER_SPEAKING: lambda scene: scene.microphone.talking and not scene.seen(UserStoppedSpeakingEvent),
    Stage.THINKING: lambda scene: scene.agent.state == "thinking" and scene.user_words == [FIRST],
    Stage.SPEAKING: lambda scene: scene.agent.state == "speaking" and 0 < scene.speaker.played_samples < ARRIVED,
    Stage.IN_A_TOOL: lambda scene: scene.tools_running == 1,
    Stage.ROLLOVER: lambda scene: scene.agent.state == "reconnecting" and len(scene.proxy.links) == 2,
    Stage.STOPPING: lambda scene: (
        scene.agent.state == "idle" and not scene.stopping.done() and scene.tools_running == scene.tool_clings
    ),
}
