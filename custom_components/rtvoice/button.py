"""A button that silences the agent."""

from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge.parties import Party
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .entity import PartyEntity, async_add_to_all

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: RtvoiceConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the buttons of all agents and satellites."""
    async_add_to_all(entry, async_add_entities, _buttons)


def _buttons(runtime: Runtime, party: Party) -> list[Entity]:
    return [InterruptButton(runtime, party, "interrupt")]


class InterruptButton(PartyEntity, ButtonEntity):
    """Has the agent fall silent; where nobody speaks, nothing happens."""

    @override
    async def async_press(self) -> None:
        """Interrupt every session of the agent, or the one on the satellite."""
        for session in self.runtime.sessions_of(self.party):
            if session.connected:
                await session.async_interrupt()
