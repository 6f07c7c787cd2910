"""Tools that most agents want: keep silent, say goodbye, speak slower or faster, tell the time."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from .bus import EventBus
from .conversation.values import ToolDefinition
from .events import StopAgentCommand, UpdateSpeechSpeedCommand
from .tools import ActionResult, Inject, Tools

WAIT_FOR_USER: Final = ToolDefinition(
    "wait_for_user",
    "Keep silent and wait. Call this, and say nothing, when what you heard was not meant for you: people talking "
    "with each other, a television, a half sentence.",
)

type SpeechSpeed = Annotated[float, Field(ge=0.25, le=1.5, description="1.0 is the usual speed")]


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


def add_current_time(tools: Tools, now: Callable[[], datetime] = lambda: datetime.now().astimezone()) -> None:
    """Offer `current_time`: date, weekday and time by `now`, or by the machine. Raises ValueError if it is there."""

    @tools.action("Tell the date, the weekday and the time now.")
    async def current_time() -> str:
        return f"{now():%A, %Y-%m-%d %H:%M:%S %Z}".strip()


async def _wait(_: Mapping[str, object]) -> ActionResult:
    return ActionResult.success("You keep silent and wait.")
