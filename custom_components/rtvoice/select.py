"""Selects: which agent a satellite uses, and which voice an agent has."""

from collections.abc import Iterable
from typing import Final, override

from homeassistant.components.select import SelectEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge.parties import Agent, Satellite
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .bridge.voices import voices_of
from .const import CONF_AGENT, CONF_VOICE
from .entity import PartyEntity, async_add_to_agents, async_add_to_satellites

PARALLEL_UPDATES = 0

PROVIDERS_CHOICE: Final = "default"
"""The option of an agent that leaves its voice to the provider."""


async def async_setup_entry(
    hass: HomeAssistant, entry: RtvoiceConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the selects of all satellites and agents."""
    async_add_to_satellites(entry, async_add_entities, _of_satellite)
    async_add_to_agents(entry, async_add_entities, _of_agent)


def _of_satellite(runtime: Runtime, satellite: Satellite) -> list[Entity]:
    return [AgentSelect(runtime, satellite)]


def _of_agent(runtime: Runtime, agent: Agent) -> list[Entity]:
    return [VoiceSelect(runtime, agent)]


class AgentSelect(PartyEntity, SelectEntity):
    """Chooses the agent of a satellite; a running session keeps the one it has."""

    _attr_entity_category = EntityCategory.CONFIG

    def __init__(self, runtime: Runtime, satellite: Satellite) -> None:
        super().__init__(runtime, satellite, "agent")
        self._satellite = satellite
        self._agents = _by_name(runtime.agents.values())
        self._attr_options = list(self._agents)

    @property
    @override
    def current_option(self) -> str | None:
        """The agent in use."""
        used = self.runtime.agent_of(self._satellite)
        return next((name for name, agent in self._agents.items() if agent is used), None)

    @override
    async def async_select_option(self, option: str) -> None:
        """Use another agent from the next session on."""
        self.async_update_option(CONF_AGENT, self._agents[option].subentry_id)


class VoiceSelect(PartyEntity, SelectEntity):
    """Chooses an agent's voice; a running session keeps the one it has, as providers do not let it change."""

    _attr_entity_category = EntityCategory.CONFIG

    def __init__(self, runtime: Runtime, agent: Agent) -> None:
        super().__init__(runtime, agent, CONF_VOICE)

    @property
    @override
    def options(self) -> list[str]:
        """The known voices, and the one that was typed in."""
        return list(dict.fromkeys((PROVIDERS_CHOICE, *voices_of(self.party.entry.data), self.current_option)))

    @property
    @override
    def current_option(self) -> str:
        """The voice in use."""
        return str(self.party.subentry.data.get(CONF_VOICE) or PROVIDERS_CHOICE)

    @override
    async def async_select_option(self, option: str) -> None:
        """Speak with another voice from the next session on."""
        self.async_update_option(CONF_VOICE, None if option == PROVIDERS_CHOICE else option)


def _by_name(agents: Iterable[Agent]) -> dict[str, Agent]:
    """Agents by name; those of the same name are numbered."""
    named: dict[str, Agent] = {}
    for agent in agents:
        name, number = agent.title, 2
        while name in named:
            name, number = f"{agent.title} ({number})", number + 1
        named[name] = agent
    return named
