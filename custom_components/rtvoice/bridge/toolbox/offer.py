"""Home Assistant's tools as tools of the engine."""

import logging
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import probatio
from homeassistant.components.homeassistant.exposed_entities import async_should_expose
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.json import json_dumps

from ...engine import ActionResult, Tools
from ..policy.calls import Answer, Arguments, HomeTool, Touch
from .verify import Before, succeeded

_LOGGER = logging.getLogger(__name__)

TOOL_TIMEOUT_S: Final = 30.0
MAX_NAME_LENGTH: Final = 64


def offer(
    hass: HomeAssistant, tools: Tools, offered: Iterable[HomeTool], taken: Collection[str], assistant: str
) -> dict[str, HomeTool]:
    """Register tools under names that are free. Returns them by these."""
    known: dict[str, HomeTool] = {}
    for tool in offered:
        name = _free_name(tool.name, {*taken, *known})
        touches = Touches(tool.touch)
        known[name] = replace(tool, touch=touches)
        definition = replace(tool.definition, name=name)
        handler = _caller(_verified(hass, tool, touches, assistant))
        tools.register(definition, handler, timeout=TOOL_TIMEOUT_S, respond=tool.respond)
    return known


class Touches:
    """What calls of a tool touch. A house is searched for that, which takes the longer the larger it is."""

    def __init__(self, find: Callable[[Arguments], Touch]) -> None:
        self._find = find
        self._last: tuple[dict[str, Any], Touch] | None = None

    def __call__(self, arguments: Arguments) -> Touch:
        """What a call touches as the house is now: for whoever decides whether it may run."""
        touch = self._find(arguments)
        self._last = dict(arguments), touch
        return touch

    def decided(self, arguments: Arguments) -> Touch:
        """What the call that was just decided on touches: for whoever only looks at what comes of it."""
        return self._last[1] if self._last is not None and self._last[0] == arguments else self(arguments)


def _free_name(name: str, taken: Collection[str]) -> str:
    """A name that every provider accepts and no other tool has."""
    clean = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:MAX_NAME_LENGTH] or "tool"
    candidate, number = clean, 2
    while candidate in taken:
        suffix = f"_{number}"
        candidate, number = clean[: MAX_NAME_LENGTH - len(suffix)] + suffix, number + 1
    return candidate


def _verified(hass: HomeAssistant, tool: HomeTool, touches: Touches, assistant: str) -> HomeTool:
    """The tool, saying also which states followed, of what the assistant may know."""
    if not tool.verifies:
        return tool

    async def async_call(arguments: dict[str, Any]) -> Answer:
        touch = touches.decided(arguments)
        shown = {one for one in touch.entities | touch.targets if async_should_expose(hass, assistant, one)}
        before = Before.of(hass, shown, tool.name, bare=set(arguments) <= _AIM)
        answer = await tool.call(arguments)
        if not answer.ok or not isinstance(answer.data, Mapping):
            return answer
        done = succeeded(answer.data)
        judged = touch.targets if done is None else touch.targets.intersection(done)
        return replace(answer, data={**answer.data, **await before.async_verify(hass, judged)})

    return replace(tool, call=async_call)


_AIM: Final = frozenset({"name", "area", "floor", "domain", "device_class", "targets"})
"""Arguments that only say what is meant."""


def _caller(tool: HomeTool) -> Callable[[Mapping[str, object]], Awaitable[object]]:
    async def async_call(arguments: Mapping[str, object]) -> object:
        try:
            answer = await tool.call(dict(arguments))
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
