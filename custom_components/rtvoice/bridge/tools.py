"""Home Assistant's LLM tools as tools of the engine."""

import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import probatio
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import llm
from homeassistant.helpers.json import json_dumps
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.ulid import ulid_now

from ..compat import requires_admin
from ..const import DOMAIN
from ..engine import ActionResult, ToolDefinition, Tools

_LOGGER = logging.getLogger(__name__)

TOOL_TIMEOUT_S: Final = 30.0
MAX_NAME_LENGTH: Final = 64
MAX_OUTPUT_CHARS: Final = 60_000
"""Enough for the states of some hundred entities, which Assist gives in one piece."""

# Models want an object at the top. Alternatives there are Home Assistant's "at least one of", which tools check.
_TOP_LEVEL_ALTERNATIVES: Final = frozenset({"oneOf", "anyOf", "allOf", "enum", "not"})
_MISSING_APIS: Final[HassKey[set[str]]] = HassKey(f"{DOMAIN}_missing_apis")


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools of a session, and what Home Assistant calls them."""

    tools: Tools
    names: Mapping[str, str]
    """Home Assistant's name by the name that the model knows."""
    api: llm.APIInstance | None

    @property
    def prompt(self) -> str:
        """What the model must know to use them."""
        return self.api.api_prompt if self.api else ""


async def async_build_toolbox(hass: HomeAssistant, api_ids: Iterable[str], llm_context: llm.LLMContext) -> Toolbox:
    """The tools of these APIs, as far as they exist and the user of the context may use them."""
    usable = await _async_usable(hass, api_ids, llm_context)
    if not usable:
        return Toolbox(Tools(), {}, None)
    api = await llm.async_get_api(hass, usable, llm_context)
    tools = Tools(max_output_chars=MAX_OUTPUT_CHARS)
    names: dict[str, str] = {}
    for tool in api.tools:
        definition = ToolDefinition(_free_name(tool.name, names), tool.description or "", _schema(tool, api))
        names[definition.name] = tool.name
        tools.register(definition, _caller(api, tool.name), timeout=TOOL_TIMEOUT_S)
    return Toolbox(tools, names, api)


async def _async_usable(hass: HomeAssistant, api_ids: Iterable[str], llm_context: llm.LLMContext) -> list[str]:
    known = {api.id: api for api in llm.async_get_apis(hass)}
    wanted = list(dict.fromkeys(api_ids))
    reported = hass.data.setdefault(_MISSING_APIS, set())
    for missing in set(wanted) - known.keys() - reported:
        _LOGGER.warning("The LLM API %s does not exist; its tools are left out", missing)
        reported.add(missing)
    reported.difference_update(known)
    admin = await _async_is_admin(hass, llm_context)
    return [api_id for api_id in wanted if api_id in known and (admin or not requires_admin(known[api_id]))]


async def _async_is_admin(hass: HomeAssistant, llm_context: llm.LLMContext) -> bool:
    if llm_context.context is None or llm_context.context.user_id is None:
        return False
    user = await hass.auth.async_get_user(llm_context.context.user_id)
    return user is not None and user.is_admin


def _free_name(name: str, taken: Mapping[str, str]) -> str:
    """A name that every provider accepts and no other tool has."""
    clean = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:MAX_NAME_LENGTH] or "tool"
    candidate, number = clean, 2
    while candidate in taken:
        suffix = f"_{number}"
        candidate, number = clean[: MAX_NAME_LENGTH - len(suffix)] + suffix, number + 1
    return candidate


def _schema(tool: llm.Tool, api: llm.APIInstance) -> dict[str, Any]:
    schema = probatio.to_openapi(tool.parameters, custom_serializer=api.custom_serializer, openapi_version="3.1.0")
    schema = {key: value for key, value in schema.items() if key not in _TOP_LEVEL_ALTERNATIVES}
    return {"type": "object", "properties": {}} | schema


def _caller(api: llm.APIInstance, name: str) -> Callable[[Mapping[str, object]], Awaitable[object]]:
    async def async_call(arguments: Mapping[str, object]) -> object:
        try:
            result = await api.async_call_tool(llm.ToolInput(name, dict(arguments), id=ulid_now()))
        except (HomeAssistantError, probatio.Invalid) as err:
            _LOGGER.debug("The tool %s failed: %s", name, err)
            return ActionResult.fail(json_dumps(_error(err)))
        output = json_dumps(result.data)
        return ActionResult.fail(output) if result.error else ActionResult.success(output)

    return async_call


def _error(err: Exception) -> dict[str, str]:
    """What Assist tells a model about a failed tool."""
    error = {"error": type(err).__name__}
    return {**error, "error_text": text} if (text := str(err)) else error
