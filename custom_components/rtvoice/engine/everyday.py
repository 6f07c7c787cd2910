"""Tools that most agents want: keep silent, say goodbye, speak slower, faster, louder or quieter, tell the time."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from .agent import RealtimeAgent
from .bus import EventBus
from .conversation.values import ToolDefinition
from .errors import SinkError, ToolFailedError
from .events import StopAgentCommand, UpdateSpeechSpeedCommand
from .tools import ActionResult, Inject, Tools

WAIT_FOR_USER: Final = ToolDefinition(
    "wait_for_user",
    "Keep silent and wait. Call this, and say nothing, when what you heard was not meant for you: people talking "
    "with each other, a television, a half sentence.",
)

type SpeechSpeed = Annotated[float, Field(ge=0.25, le=1.5, description="1.0 is the usual speed")]
type Percent = Annotated[int, Field(ge=0, le=100, description="how loud, if the user says how loud")]
type Points = Annotated[
    int,
    Field(ge=-100, le=100, description="louder by so many percent, or quieter if below 0; 15 if the user just says so"),
]

QUIETEST_PERCENT = 5
"""Who only asks for less does not want silence, and could not hear that it was done."""


def add_wait_for_user(tools: Tools) -> None:
    """Offer `wait_for_user`: without it a model answers everything that it hears. Raises ValueError if it is there."""
    tools.register(WAIT_FOR_USER, _wait, respond=False)


def add_end_conversation(tools: Tools) -> None:
    """Offer `end_conversation`: the session ends after the agent's farewell. Raises ValueError if it is there."""

    @tools.action(
        "End the conversation. Call this when the user says goodbye or wants nothing more.",
        result_instruction="Say goodbye in a few words.",
    )
    async def end_conversation(bus: Inject[EventBus]) -> str:
        await bus.dispatch(StopAgentCommand(when_silent=True))
        return "The conversation ends when you have said goodbye."


def add_set_speech_speed(tools: Tools) -> None:
    """Offer `set_speech_speed`, which holds from the answer on. Raises ValueError if it is there."""

    @tools.action("Speak slower or faster from now on, when the user asks for it.")
    async def set_speech_speed(speed: SpeechSpeed, bus: Inject[EventBus]) -> str:
        await bus.dispatch(UpdateSpeechSpeedCommand(speed))
        return f"You speak at {speed:g} times the usual speed from now on."


def add_set_volume(tools: Tools) -> None:
    """Offer `set_volume`, to a level or by a step. Raises ValueError if it is there.

    Where the agent's speaker has no `VolumeControl`, the model is told so.
    """

    @tools.action("Play louder or quieter, when the user asks for it. Give either percent or change.")
    async def set_volume(
        agent: Inject[RealtimeAgent], percent: Percent | None = None, change: Points | None = None
    ) -> str:
        if (percent is None) == (change is None):
            raise ToolFailedError("Give either percent or change")
        volume = agent.volume
        if volume is None:
            raise ToolFailedError("The volume of this speaker cannot be changed from here")
        now_percent = round(volume * 100)
        wanted = percent if percent is not None else _louder(now_percent, change or 0)
        try:
            await agent.set_volume(wanted / 100)
        except SinkError as err:
            raise ToolFailedError(f"The speaker did not take the volume: {err}") from err
        return f"The volume was {now_percent} percent and is {round((agent.volume or 0) * 100)} percent now."


def add_current_time(tools: Tools, now: Callable[[], datetime] = lambda: datetime.now().astimezone()) -> None:
    """Offer `current_time`: date, weekday and time by `now`, or by the machine. Raises ValueError if it is there."""

    @tools.action("Tell the date, the weekday and the time now.")
    async def current_time() -> str:
        return f"{now():%A, %Y-%m-%d %H:%M:%S %Z}".strip()


def _louder(percent: int, change: int) -> int:
    return min(100, max(min(QUIETEST_PERCENT, percent), percent + change))


async def _wait(_: Mapping[str, object]) -> ActionResult:
    return ActionResult.success("You keep silent and wait.")
