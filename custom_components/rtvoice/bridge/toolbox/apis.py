"""The LLM APIs that an agent may use: Assist, MCP servers that were added to Home Assistant, and others."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import llm
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.ulid import ulid_now

from ...compat import requires_admin
from ...const import DOMAIN
from ...engine import ToolDefinition
from ..policy.calls import Answer, Arguments, HomeTool, Touch
from .parameters import kept_schema
from .touched import async_call_action_touch, async_foreign_touch, async_intent_touch, async_script_touch

_LOGGER = logging.getLogger(__name__)

_CALL_ACTION: Final = "homeassistant__call_action"
_RELAYING: Final = "homeassistant.components.mcp."
"""What the tools in here say of themselves, a server in the network says."""
_REPORTED: Final[HassKey[set[str]]] = HassKey(f"{DOMAIN}_reported_tools")


async def async_api_instances(
    hass: HomeAssistant, api_ids: Iterable[str], llm_context: llm.LLMContext
) -> list[llm.APIInstance]:
    """These APIs, as far as they exist, work, and the user of the context may use them."""
    known = {api.id: api for api in llm.async_get_apis(hass)}
    admin = await async_is_admin(hass, llm_context)
    instances: list[llm.APIInstance] = []
    for api_id in dict.fromkeys(api_ids):
        if (api := known.get(api_id)) is None:
            _report(hass, f"The LLM API {api_id}", "does not exist")
        elif admin or not requires_admin(api):
            instances += await _async_instance(hass, api_id, llm_context)
    return instances


def merged(instances: Sequence[llm.APIInstance]) -> llm.APIInstance | None:
    """APIs as one, to be shown; None without any."""
    if len(instances) < 2:
        return next(iter(instances), None)
    prompt = "\n".join(instance.api_prompt for instance in instances if instance.api_prompt)
    return replace(instances[0], api_prompt=prompt, tools=[tool for instance in instances for tool in instance.tools])


async def async_is_admin(hass: HomeAssistant, llm_context: llm.LLMContext) -> bool:
    """Whether an administrator is speaking."""
    if llm_context.context is None or llm_context.context.user_id is None:
        return False
    user = await hass.auth.async_get_user(llm_context.context.user_id)
    return user is not None and user.is_admin


def api_tools(hass: HomeAssistant, api: llm.APIInstance) -> list[HomeTool]:
    """The tools of an API, without those whose parameters cannot be described."""
    tools: list[HomeTool] = []
    for tool in api.tools:
        try:
            tools.append(_tool(hass, api, tool))
        except (TypeError, ValueError) as err:
            _LOGGER.debug("The parameters of the tool %s cannot be described", tool.name, exc_info=err)
            _report(hass, f"The tool {tool.name}", "cannot be described")
    return tools


async def _async_instance(hass: HomeAssistant, api_id: str, llm_context: llm.LLMContext) -> list[llm.APIInstance]:
    try:
        instance = await llm.async_get_api(hass, api_id, llm_context)
    except HomeAssistantError as err:
        _report(hass, f"The LLM API {api_id}", f"failed ({err})")
        return []
    except Exception as err:
        _LOGGER.debug("The LLM API %s failed", api_id, exc_info=err)
        _report(hass, f"The LLM API {api_id}", f"failed ({type(err).__name__})")
        return []
    hass.data.setdefault(_REPORTED, set()).discard(f"The LLM API {api_id}")
    return [instance]


def _report(hass: HomeAssistant, name: str, why: str) -> None:
    """Say once that an API or a tool is left out."""
    reported = hass.data.setdefault(_REPORTED, set())
    if name not in reported:
        reported.add(name)
        _LOGGER.warning("%s %s and is left out", name, why)


def _tool(hass: HomeAssistant, api: llm.APIInstance, tool: llm.Tool) -> HomeTool:
    inner = tool
    while isinstance(inner, llm.NamespacedTool):
        inner = inner.tool
    acts = isinstance(inner, (llm.IntentTool, llm.ActionTool)) or inner.name == _CALL_ACTION
    only_looks = tool.annotations.read_only and _is_believed(inner)
    return HomeTool(
        ToolDefinition(tool.name, tool.description or "", kept_schema(tool.parameters, api.custom_serializer)),
        name=tool.name,
        title=tool.title or _script_name(hass, inner),
        call=partial(_async_call, api, tool.name),
        touch=_touch_of(hass, inner, api.llm_context),
        reads_only=only_looks,
        verifies=acts and not only_looks,
    )


def _is_believed(tool: llm.Tool) -> bool:
    """Whether what a tool says of itself was written by Home Assistant, and not by whoever runs a server."""
    module = type(tool).__module__
    return module.startswith("homeassistant.") and not module.startswith(_RELAYING)


def _script_name(hass: HomeAssistant, tool: llm.Tool) -> str | None:
    """What people call a script; Home Assistant has no titles for the tools that scripts are."""
    if (script := _script(tool)) is None or (state := hass.states.get(script)) is None:
        return None
    return state.name


def _script(tool: llm.Tool) -> str | None:
    """The entity of the script that a tool is; None for others."""
    is_script = isinstance(tool, llm.ActionTool) and tool.name.startswith("script__")
    return f"script.{tool.name.removeprefix('script__')}" if is_script else None


def _touch_of(hass: HomeAssistant, tool: llm.Tool, context: llm.LLMContext) -> Callable[[Arguments], Touch]:
    if isinstance(tool, llm.IntentTool):
        return partial(async_intent_touch, hass, tool, context=context)
    if (script := _script(tool)) is not None:
        return partial(async_script_touch, hass, script)
    if tool.name == _CALL_ACTION:
        return partial(async_call_action_touch, hass)
    return partial(async_foreign_touch, hass, tool.name, tool.annotations, believed=_is_believed(tool))


async def _async_call(api: llm.APIInstance, name: str, arguments: dict[str, Any]) -> Answer:
    result = await api.async_call_tool(llm.ToolInput(name, arguments, id=ulid_now()))
    return Answer(result.data, ok=not result.error)
