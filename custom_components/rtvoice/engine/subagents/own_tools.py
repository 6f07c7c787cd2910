"""The tools that every subagent has: to finish, to ask the user, and to report."""

from collections.abc import Container
from dataclasses import dataclass
from enum import Enum
from typing import Final

import orjson

from ..conversation.values import ToolCall, ToolDefinition
from ..errors import ToolArgumentsError
from .naming import free_name


class OwnTool(Enum):
    """A tool of the subagent's own, with its wanted name, its parameter and what they are for."""

    DONE = ("done", "result", "Finish the task.", "The complete result, as it should reach the user")
    CLARIFY = (
        "clarify",
        "question",
        "Ask the user for something that only the user can know; the task goes on when the answer is there.",
        "One short question",
    )
    REPORT_PROGRESS = (
        "report_progress",
        "message",
        "Let the user know how a long task goes; the task goes on.",
        "One short sentence",
    )

    @property
    def wanted_name(self) -> str:
        """Its name, unless a tool of the user's has it."""
        return self.value[0]

    @property
    def parameter(self) -> str:
        """Its only parameter, a text."""
        return self.value[1]

    def definition(self, name: str) -> ToolDefinition:
        """The tool as the chat model sees it."""
        _, parameter, description, meaning = self.value
        properties = {parameter: {"type": "string", "description": meaning}}
        schema = {"type": "object", "properties": properties, "required": [parameter], "additionalProperties": False}
        return ToolDefinition(name, description, schema)

    def text_of(self, call: ToolCall) -> str:
        """The text that a call brings. Raises ToolArgumentsError."""
        if not call.complete:
            raise ToolArgumentsError("The call was cut off before its end; make it again, shorter")
        try:
            arguments: object = orjson.loads(call.arguments)
        except orjson.JSONDecodeError as err:
            raise ToolArgumentsError(f"The arguments are no JSON: {err}") from err
        text = arguments.get(self.parameter) if isinstance(arguments, dict) else None
        if not isinstance(text, str) or not text.strip():
            raise ToolArgumentsError(f"'{self.parameter}' must be a text that is not empty")
        return text.strip()


@dataclass(frozen=True, slots=True)
class OwnTools:
    """The own tools of one task, under names that no other tool has."""

    by_name: dict[str, OwnTool]

    @classmethod
    def beside(cls, taken: Container[str], *, reports: bool) -> OwnTools:
        """Names beside those that are taken; without `reports` there is no tool for progress."""
        wanted = [own for own in OwnTool if reports or own is not OwnTool.REPORT_PROGRESS]
        return cls({free_name(own.wanted_name, taken): own for own in wanted})

    def name(self, own: OwnTool) -> str:
        """What a tool is called."""
        return next(name for name, there in self.by_name.items() if there is own)

    def definitions(self) -> tuple[ToolDefinition, ...]:
        """All of them as the chat model sees them."""
        return tuple(own.definition(name) for name, own in self.by_name.items())


NOTED: Final = "Noted. Go on with the task."
"""Answers a report of progress."""
CLARIFYING: Final = "The user is asked first. The task is not finished; go on when the answer is there."
"""Answers `done` where the same message asks the user."""
UPDATED: Final = "Not finished: the user has said something new. Consider it first."
"""Answers `done` where an update waits."""
