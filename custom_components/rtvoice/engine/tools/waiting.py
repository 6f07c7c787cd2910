"""A tool by which the model chooses to keep silent."""

from collections.abc import Mapping
from typing import Final

from ..conversation.values import ToolDefinition
from .registry import Tools
from .result import ActionResult

WAIT_FOR_USER: Final = ToolDefinition(
    "wait_for_user",
    "Keep silent and wait. Call this, and say nothing, when what you heard was not meant for you: people talking "
    "with each other, a television, a half sentence.",
)


def add_wait_for_user(tools: Tools) -> None:
    """Offer `wait_for_user`: without it a model answers everything that it hears. Raises ValueError if it is there."""
    tools.register(WAIT_FOR_USER, _wait, respond=False)


async def _wait(_: Mapping[str, object]) -> ActionResult:
    return ActionResult.success("You keep silent and wait.")
