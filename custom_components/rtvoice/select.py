"""A select: which agent a satellite uses."""

from collections.abc import Iterable
from typing import override

from homeassistant.components.select import SelectEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge.parties import Agent, Satellite
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .const import CONF_AGENT
from .entity import PartyEntity, async_add_to_satellites

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: RtvoiceConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the selects of all satellites."""
    async_add_to_satellites(entry, async_add_entities, _selects)


def _selects(runtime: Runtime, satellite: Satellite) -> list[Entity]:
    return [AgentSelect(runtime, satellite)]


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
        subentry = self._satellite.subentry
        chosen = self._agents[option].subentry_id
        self.hass.config_entries.async_update_subentry(
            self._satellite.entry, subentry, data={**subentry.data, CONF_AGENT: chosen}
        )
        self.async_write_ha_state()


def _by_name(agents: Iterable[Agent]) -> dict[str, Agent]:
    """Agents by name; those of the same name are numbered."""
    named: dict[str, Agent] = {}
    for agent in agents:
        name, number = agent.title, 2
        while name in named:
            name, number = f"{agent.title} ({number})", number + 1
        named[name] = agent
    return named
