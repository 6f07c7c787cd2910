"""The stages of a session at which faults befall it: a table, and how each is reached."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import partial

from custom_components.rtvoice.engine import UserStartedSpeakingEvent
from simulator import Call
from tests.resilience.proxy import Frame, Line

from .scene import FIRST, Scene


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
    """`stop()` was called, the goodbye is on its way."""

    @property
    def asked(self) -> bool:
        """Whether the first question was asked before the fault."""
        return self in (Stage.USER_SPEAKING, Stage.THINKING, Stage.SPEAKING, Stage.IN_A_TOOL)

    @property
    def established(self) -> bool:
        """Whether the session had begun."""
        return self not in (Stage.CONNECTING, Stage.CONFIGURING)


async def reach(scene: Scene, stage: Stage) -> None:
    """Bring a scene that has not begun to a stage, where it stays for at least a second."""
    if stage is Stage.ROLLOVER:
        scene.provider.session_s = 301.0
        scene.proxy.hold = held("session.updated", line=1)
    else:
        scene.proxy.hold = HOLDS[stage]() if stage in HOLDS else None
    if stage is Stage.IN_A_TOOL:
        scene.brain.tool = Call("look_up")
    scene.run()
    await _WAYS[stage](scene)


async def _connecting(scene: Scene) -> None:
    await scene.until(lambda: bool(scene.proxy.links) and scene.proxy.line.held.is_set(), "the greeting")


async def _listening(scene: Scene) -> None:
    await scene.until(lambda: scene.agent.state == "listening", "listening")


async def _user_speaking(scene: Scene) -> None:
    await _listening(scene)
    scene.ask(FIRST, seconds=2.0)
    await scene.until(lambda: scene.seen(UserStartedSpeakingEvent), "hearing the user")
    await asyncio.sleep(0.3)


async def _thinking(scene: Scene) -> None:
    await _listening(scene)
    scene.ask(FIRST)
    await scene.until(scene.proxy.line.held.is_set, "the answer")
    await scene.until(lambda: scene.user_words == [FIRST], "the user's words")


async def _speaking(scene: Scene) -> None:
    await _listening(scene)
    scene.ask(FIRST)
    await scene.until(lambda: scene.speaker.played_samples > 4_800, "speaking")


async def _in_a_tool(scene: Scene) -> None:
    await _listening(scene)
    scene.ask(FIRST)
    await scene.until(lambda: scene.tool_calls > 0, "a tool call")


async def _rollover(scene: Scene) -> None:
    await scene.until(lambda: len(scene.proxy.links) > 1 and scene.proxy.line.held.is_set(), "the rollover")


async def _stopping(scene: Scene) -> None:
    await _listening(scene)
    scene.proxy.hold = lambda line, frame: True
    scene.stop()
    await scene.until(lambda: scene.agent.state == "idle", "stopping")


def held(kind: str, *, line: int = 0, count: int = 1) -> Callable[[Line, Frame], bool]:
    """Hold back the `count`-th event of this type on the `line`-th link."""
    seen = 0

    def hold(carrying: Line, frame: Frame) -> bool:
        nonlocal seen
        if frame.has(kind) and len(carrying.proxy.links) == line + 1:
            seen += 1
        return seen >= count

    return hold


HOLDS = {
    Stage.CONNECTING: partial(held, "session.created"),
    Stage.CONFIGURING: partial(held, "session.updated"),
    Stage.THINKING: partial(held, "response.output_item.added"),
    Stage.SPEAKING: partial(held, "response.output_audio.delta", count=5),
}

_WAYS: dict[Stage, Callable[[Scene], Awaitable[None]]] = {
    Stage.CONNECTING: _connecting,
    Stage.CONFIGURING: _connecting,
    Stage.LISTENING: _listening,
    Stage.USER_SPEAKING: _user_speaking,
    Stage.THINKING: _thinking,
    Stage.SPEAKING: _speaking,
    Stage.IN_A_TOOL: _in_a_tool,
    Stage.ROLLOVER: _rollover,
    Stage.STOPPING: _stopping,
}
