"""Home Assistant's tools as tools of the engine."""

import logging
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import probatio
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.json import json_dumps

from ...engine import ActionResult, ToolDefinition, Tools
from ..policy.calls import Answer, HomeTool
from ..policy.guard import TOKEN, Guard
from .verify import Before, succeeded

_LOGGER = logging.getLogger(__name__)

TOOL_TIMEOUT_S: Final = 30.0
MAX_NAME_LENGTH: Final = 64

_TOKEN_SCHEMA: Final = {"type": "string", "description": "Only from an earlier result of this very call."}


def offer(
    hass: HomeAssistant, tools: Tools, offered: Iterable[HomeTool], guard: Guard, taken: Collection[str]
) -> dict[str, str]:
    """Register tools, all of whose calls the guard judges. Returns Home Assistant's names by theirs."""
    names: dict[str, str] = {}
    for tool in offered:
        name = _free_name(tool.name, {*taken, *names})
        names[name] = tool.name
        definition = replace(tool.definition, name=name)
        if guard.asks and not tool.reads_only:
            definition = _with_token(definition)
        handler = _caller(replace(_verified(hass, tool), definition=definition), guard)
        tools.register(definition, handler, timeout=TOOL_TIMEOUT_S, respond=tool.respond)
    return names


def _free_name(name: str, taken: Collection[str]) -> str:
    """A name that every provider accepts and no other tool has."""
    clean = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:MAX_NAME_LENGTH] or "tool"
    candidate, number = clean, 2
    while candidate in taken:
        suffix = f"_{number}"
        candidate, number = clean[: MAX_NAME_LENGTH - len(suffix)] + suffix, number + 1
    return candidate


def _with_token(definition: ToolDefinition) -> ToolDefinition:
    parameters = dict(definition.parameters)
    properties = parameters.get("properties")
    known = properties if isinstance(properties, Mapping) else {}
    parameters["properties"] = {**known, TOKEN: _TOKEN_SCHEMA}
    return replace(definition, parameters=parameters)


def _verified(hass: HomeAssistant, tool: HomeTool) -> HomeTool:
    """The tool, saying also which states followed."""
    if not tool.verifies:
        return tool

    async def async_call(arguments: dict[str, Any]) -> Answer:
        targets = tool.touch(arguments).targets
        bare = set(arguments) <= _AIM
        before = Before.of(hass, targets, tool.name, bare=bare)
        answer = await tool.call(arguments)
        if not answer.ok or not isinstance(answer.data, Mapping):
            return answer
        done = succeeded(answer.data)
        after = await before.only(targets if done is None else done).async_verify(hass)
        return replace(answer, data={**answer.data, **after})

    return replace(tool, call=async_call)


_AIM: Final = frozenset({"name", "area", "floor", "domain", "device_class", "targets"})
"""Arguments that only say what is meant."""


def _caller(tool: HomeTool, guard: Guard) -> Callable[[Mapping[str, object]], Awaitable[object]]:
    async def async_call(arguments: Mapping[str, object]) -> object:
        try:
            answer = await guard.async_call(tool, arguments)
        except (HomeAssistantError, probatio.Invalid) as err:
            _LOGGER.debug("The tool %s failed: %s", tool.name, type(err).__name__)
            return ActionResult.fail(json_dumps(_error(err)))
        output = json_dumps(answer.data)
        return ActionResult.success(output) if answer.ok else ActionResult.fail(output)

    return async_call


def _error(err: Exception) -> dict[str, str]:
    """What Assist tells a model about a failed tool."""
    error = {"error": type(err).__name__}
    return {**error, "error_text": text} if (text := str(err)) else error
