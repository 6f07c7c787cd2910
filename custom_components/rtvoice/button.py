"""Buttons: one that silences the agent, and one that makes a voice assistant of it."""

from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.const import EntityCategory
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge.assist.pipeline import async_create_pipeline
from .bridge.parties import Agent, Party
from .bridge.permissions import async_require_admin
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .entity import PartyEntity, async_add_to_all

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: RtvoiceConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the buttons of all agents and satellites."""
    async_add_to_all(entry, async_add_entities, _buttons)


def _buttons(runtime: Runtime, party: Party) -> list[Entity]:
    buttons: list[Entity] = [InterruptButton(runtime, party, "interrupt")]
    if isinstance(party, Agent):
        buttons.append(CreatePipelineButton(runtime, party))
    return buttons


class InterruptButton(PartyEntity, ButtonEntity):
    """Has the agent fall silent; where nobody speaks, nothing happens."""

    @override
    async def async_press(self) -> None:
        """Interrupt every session of the agent, or the one on the satellite."""
        for session in self.runtime.sessions_of(self.party):
            if session.live:
                await session.async_interrupt()


class CreatePipelineButton(PartyEntity, ButtonEntity):
    """Makes a voice assistant of the agent, which any Assist satellite can then use."""

    _attr_entity_category = EntityCategory.CONFIG

    def __init__(self, runtime: Runtime, agent: Agent) -> None:
        super().__init__(runtime, agent, "create_pipeline")
        self._agent = agent

    @override
    async def async_press(self) -> None:
        """Make the pipeline. Raises Unauthorized: Home Assistant lets administrators alone make one."""
        await async_require_admin(self.hass, self._context or Context())
        await async_create_pipeline(self.hass, self._agent)
