"""What an agent is equipped with beside its own tools: MCP servers and subagents of its account."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_DESCRIPTION, CONF_LLM_HASS_API, CONF_TIMEOUT
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import llm
from homeassistant.util.hass_dict import HassKey

from ..const import (
    CONF_FIRE_AND_FORGET,
    CONF_HOLDING,
    CONF_INSTRUCTIONS,
    CONF_MAX_ITERATIONS,
    CONF_MCP_SERVERS,
    CONF_SUBAGENTS,
    DEFAULT_MAX_ITERATIONS,
    DEFAULT_SUBAGENT_TIMEOUT,
    DOMAIN,
    SUBENTRY_MCP_SERVER,
    SUBENTRY_SUBAGENT,
)
from ..engine import MCPServer, RealtimeAgent, SubAgent, Tools
from ..engine.errors import ConfigurationError
from ..engine.subagents.naming import tool_name
from .chat import make_chat_model
from .options import UNREADABLE
from .parties import Agent
from .policy.guard import Guard
from .pool import ServerPool
from .prompt import async_render_subagent_prompt
from .toolbox.apis import api_tools, async_api_instances, merged
from .toolbox.guarded import GuardedTools, Judge
from .toolbox.offer import offer
from .tools import MAX_OUTPUT_CHARS, Toolbox

_LOGGER = logging.getLogger(__name__)

_REPORTED: Final[HassKey[set[tuple[str, str]]]] = HassKey(f"{DOMAIN}_reported_equipment")


@dataclass(frozen=True, slots=True)
class Equipment:
    """Servers and subagents of one session, none of them connected or at work."""

    mcp_servers: tuple[MCPServer, ...] = ()
    subagents: tuple[SubAgent, ...] = ()


async def async_equip(hass: HomeAssistant, agent: Agent, llm_context: llm.LLMContext, toolbox: Toolbox) -> Equipment:
    """The equipment of an agent for a session with this toolbox, whose guard judges what subagents do too.

    With tools that are not its own it has none. What cannot be made is left out, and the log says once why.
    """
    if (guard := toolbox.guard) is None:
        return Equipment()
    servers = _servers(hass, agent, _chosen(agent, CONF_MCP_SERVERS, SUBENTRY_MCP_SERVER))
    subagents: list[SubAgent] = []
    taken = set(toolbox.tools.names())
    for subentry in _chosen(agent, CONF_SUBAGENTS, SUBENTRY_SUBAGENT):
        try:
            name = _free_name(subentry.title, taken)
            made = await _async_subagent(hass, agent, subentry, llm_context, guard=guard, name=name)
        except (ConfigurationError, HomeAssistantError) as err:
            _report(hass, subentry, err)
        except UNREADABLE as err:
            _report(hass, subentry, _unreadable(err))
        else:
            taken.add(made.tool_name)
            subagents.append(made)
    return Equipment(servers, tuple(subagents))


async def async_prepare(engine: RealtimeAgent, equipment: Equipment) -> None:
    """Have the tools of servers at hand when the session begins, of those that answer soon."""
    if not equipment.mcp_servers:
        return
    try:
        await engine.prewarm()
    except BaseException:
        # Nobody will run the agent, which closes what it has.
        await engine.stop()
        raise


def _chosen(agent: Agent, key: str, subentry_type: str) -> Iterator[ConfigSubentry]:
    """The subentries of a type that an agent may use: those it names, or all."""
    wanted = agent.subentry.data.get(key)
    for subentry in agent.entry.get_subentries_of_type(subentry_type):
        if wanted is None or subentry.subentry_id in wanted:
            yield subentry


def _servers(hass: HomeAssistant, agent: Agent, subentries: Iterable[ConfigSubentry]) -> tuple[MCPServer, ...]:
    """Those of these servers that can be made, for one user of them."""
    leases = (_server(hass, agent, subentry) for subentry in subentries)
    return tuple(lease for lease in leases if lease is not None)


def _server(hass: HomeAssistant, agent: Agent, subentry: ConfigSubentry) -> MCPServer | None:
    pool: ServerPool = agent.entry.runtime_data.servers
    try:
        return pool.lease(subentry)
    except ConfigurationError as err:
        _report(hass, subentry, err)
    except UNREADABLE as err:
        _report(hass, subentry, _unreadable(err))
    return None


async def _async_subagent(
    hass: HomeAssistant, agent: Agent, subentry: ConfigSubentry, context: llm.LLMContext, *, guard: Guard, name: str
) -> SubAgent:
    """Raises ConfigurationError, and HomeAssistantError for instructions that cannot be rendered."""
    data = subentry.data
    instances = await async_api_instances(hass, data.get(CONF_LLM_HASS_API, ()), context)
    chosen = data.get(CONF_MCP_SERVERS, ())
    kept = agent.entry.get_subentries_of_type(SUBENTRY_MCP_SERVER)
    servers = _servers(hass, agent, (server for server in kept if server.subentry_id in chosen))
    known = None
    if (api := merged(instances)) is not None or servers:
        known = "\n".join(filter(None, (api.api_prompt if api else "", guard.prompt)))
    return SubAgent(
        name,
        data.get(CONF_DESCRIPTION) or name,
        await async_render_subagent_prompt(hass, data.get(CONF_INSTRUCTIONS) or "", known, context),
        make_chat_model(agent.entry.data, data),
        tools=_tools(hass, instances, context, guard),
        mcp_servers=servers,
        max_iterations=int(data.get(CONF_MAX_ITERATIONS, DEFAULT_MAX_ITERATIONS)),
        holding_instruction=data.get(CONF_HOLDING) or None,
        fire_and_forget=bool(data.get(CONF_FIRE_AND_FORGET)),
        timeout=float(data.get(CONF_TIMEOUT, DEFAULT_SUBAGENT_TIMEOUT)),
    )


def _tools(hass: HomeAssistant, instances: list[llm.APIInstance], context: llm.LLMContext, guard: Guard) -> Tools:
    """Tools of LLM APIs under the guard of the session, which judges those of servers too that are put among them."""
    judge = Judge(hass, guard)
    tools = GuardedTools(max_output_chars=MAX_OUTPUT_CHARS, judge=judge)
    offered = (tool for instance in instances for tool in api_tools(hass, instance))
    judge.known = offer(hass, tools, offered, (), context.assistant)
    return tools


def _unreadable(err: Exception) -> ConfigurationError:
    """Without the error, whose text may hold what is stored."""
    return ConfigurationError(f"what is stored of it cannot be read ({type(err).__name__})")


def _free_name(title: str, taken: set[str]) -> str:
    """The title, with a number behind it if a tool is called so already."""
    name, number = title, 2
    while tool_name(name) in taken:
        # Cut, so that the number is part of what the tool is called.
        name, number = f"{tool_name(title)[:56]} {number}", number + 1
    return name


def _report(hass: HomeAssistant, subentry: ConfigSubentry, err: Exception) -> None:
    """Say once that something is left out."""
    problem = (subentry.subentry_id, str(err))
    reported = hass.data.setdefault(_REPORTED, set())
    if problem not in reported:
        reported.add(problem)
        _LOGGER.warning("%s cannot be used and is left out: %s", subentry.title, err)
