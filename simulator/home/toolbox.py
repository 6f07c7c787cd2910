"""The tools the agent was given, found by what they do rather than by their full names."""

import json
from collections.abc import Sequence
from typing import Any

from simulator.checks import Json
from simulator.plan import Call

from .house import spoken


class Toolbox:
    """Tools by the last part of their names, such as `HassTurnOn` of `intent__HassTurnOn`."""

    def __init__(self, tools: Sequence[Json]) -> None:
        self._tools = {str(tool["name"]): tool for tool in tools if tool.get("type") == "function"}

    @property
    def scripts(self) -> list[str]:
        """What the scripts among the tools are called, in spoken form."""
        return [spoken(name.rpartition("script__")[2].replace("_", " ")) for name in self._tools if "script__" in name]

    @property
    def subagents(self) -> dict[str, str]:
        """The tools that take a task in words, by what they are called in spoken form."""
        needs = {name: tool.get("parameters", {}).get("required", ()) for name, tool in self._tools.items()}
        return {spoken(name.replace("_", " ")): name for name, required in needs.items() if "task" in required}

    def hand_off(self, subagent: str, task: str) -> Call | None:
        """A call that gives a subagent a task."""
        name = self.subagents.get(subagent)
        return Call(name, {"task": task}) if name else None

    def script(self, phrase: str) -> Call | None:
        """A call of the script of that name."""
        for name in self._tools:
            if "script__" in name and spoken(name.rpartition("script__")[2].replace("_", " ")) == phrase:
                return Call(name, {})
        return None

    def answer(self, kind: str) -> Call | None:
        """A call that hands in `yes` or `no`, where the home has asked a question that it answers."""
        tool = self._tools.get("give_answer", {})
        choice = tool.get("parameters", {}).get("properties", {}).get("answer_id", {})
        return Call("give_answer", {"answer_id": kind}) if kind in choice.get("enum", ()) else None

    def call(self, suffix: str, **values: Any) -> Call | None:
        """A call with those of the values that the tool knows, None when there is no such tool."""
        tool = next((tool for name, tool in self._tools.items() if name.rpartition("__")[2] == suffix), None)
        if tool is None:
            return None
        known: Json = tool.get("parameters", {}).get("properties", {})
        arguments = {
            key: [value] if known[key].get("type") == "array" and not isinstance(value, list) else value
            for key, value in values.items()
            if value is not None and key in known
        }
        return Call(tool["name"], arguments)


def short_name(name: str) -> str:
    """The last part of a tool's name."""
    return name.rpartition("__")[2]


def read_json(text: str) -> Any:
    """What a tool returned; text that is no JSON stays text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
