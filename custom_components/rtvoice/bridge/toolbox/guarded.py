"""A registry of tools all of whose calls the guard judges."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, Self, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import json_dumps

from ...engine import ToolDefinition, Tools
from ...engine.conversation.values import ToolCall, ToolOutcome
from ...engine.errors import ToolArgumentsError
from ...engine.tools.bodies import parsed_object
from ...engine.tools.calling import failure
from ..policy.calls import Answer, HomeTool
from ..policy.guard import TOKEN, Guard
from .touched import async_foreign_touch

_TOKEN_SCHEMA: Final = {"type": "string", "description": "Only from an earlier result of this very call."}


class Judge:
    """The guard of a session, and what it knows of the tools in the session's registries."""

    def __init__(self, hass: HomeAssistant, guard: Guard) -> None:
        self.guard = guard
        self.known: dict[str, HomeTool] = {}
        """By the names that the model knows."""
        self._hass = hass
        self._described: dict[str, tuple[ToolDefinition, ToolDefinition]] = {}
        """What was told of a tool last, and what that was made of: all tools are told of anew at each call."""

    def tool(self, definition: ToolDefinition, call: Callable[[dict[str, Any]], Awaitable[Answer]]) -> HomeTool:
        """A tool that runs by `call`; of one that others have put in only its name and its arguments are known."""
        if (known := self.known.get(definition.name)) is not None:
            return replace(known, definition=definition, call=call)
        touch = partial(async_foreign_touch, self._hass, definition.name, None)
        return HomeTool(definition, name=definition.name, call=call, touch=touch)

    def described(self, definition: ToolDefinition) -> ToolDefinition:
        """A tool as the model is told of it."""
        known = self.known.get(definition.name)
        if not self.guard.asks or (known is not None and known.reads_only):
            return definition
        last = self._described.get(definition.name)
        if last is None or last[0] is not definition:
            last = self._described[definition.name] = definition, _with_token(definition)
        return last[1]


class GuardedTools(Tools):
    """Tools whose calls are judged before they run, whoever has put them in; copies are guarded too."""

    def __init__(self, *, max_output_chars: int, judge: Judge | None = None) -> None:
        super().__init__(max_output_chars=max_output_chars)
        self.judge = judge

    @override
    def clone(self) -> Self:
        copy = super().clone()
        copy.judge = self.judge
        return copy

    @override
    def definitions(self) -> tuple[ToolDefinition, ...]:
        definitions = super().definitions()
        return definitions if self.judge is None else tuple(map(self.judge.described, definitions))

    @override
    async def run(self, call: ToolCall) -> ToolOutcome:
        if self.judge is None or not call.complete or call.name not in self.names():
            # Nothing runs of a call that is not whole; the registry says what is wrong with it.
            return await super().run(call)
        try:
            arguments = dict(parsed_object(call.arguments))
        except ToolArgumentsError as err:
            # What the guard cannot read is not given to anybody who may read it otherwise.
            return ToolOutcome(f"Tool '{call.name}' was not called: {err}", ok=False)
        run = super().run
        outcomes: list[ToolOutcome] = []

        async def async_run(given: dict[str, Any]) -> Answer:
            outcomes.append(await run(replace(call, arguments=json_dumps(given))))
            return Answer(None)

        tool = self.judge.tool(self.spec(call.name).definition, async_run)
        try:
            answer = await self.judge.guard.async_call(tool, arguments)
        except Exception as err:  # noqa: BLE001 - what nobody has foreseen fails the call, and not the session
            return ToolOutcome(str(failure(call.name, err)), ok=False)
        return outcomes[0] if outcomes else ToolOutcome(json_dumps(answer.data), ok=answer.ok)


def _with_token(definition: ToolDefinition) -> ToolDefinition:
    parameters = dict(definition.parameters)
    properties = parameters.get("properties")
    parameters["properties"] = {**(properties if isinstance(properties, Mapping) else {}), TOKEN: _TOKEN_SCHEMA}
    return replace(definition, parameters=parameters)
