"""A number: how fast an agent speaks."""

import asyncio
from typing import override

from homeassistant.components.number import NumberEntity, NumberMode
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge.parties import Agent
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .const import CONF_SPEECH_SPEED
from .entity import PartyEntity, async_add_to_agents

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: RtvoiceConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the numbers of all agents."""
    async_add_to_agents(entry, async_add_entities, _numbers)


def _numbers(runtime: Runtime, agent: Agent) -> list[Entity]:
    return [SpeechSpeedNumber(runtime, agent)]


class SpeechSpeedNumber(PartyEntity, NumberEntity):
    """How fast an agent speaks, from its next answer on: in its running sessions and in later ones."""

    _attr_entity_category = EntityCategory.CONFIG
    _attr_mode = NumberMode.SLIDER
    _attr_native_min_value = 0.5
    _attr_native_max_value = 1.5
    _attr_native_step = 0.05

    def __init__(self, runtime: Runtime, agent: Agent) -> None:
        super().__init__(runtime, agent, CONF_SPEECH_SPEED)

    @property
    @override
    def native_value(self) -> float:
        """The speed that sessions begin with."""
        return float(self.party.subentry.data.get(CONF_SPEECH_SPEED, 1.0))

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Speak at another speed."""
        self.async_update_option(CONF_SPEECH_SPEED, value)
        live = [session for session in self.runtime.sessions_of(self.party) if session.live]
        await asyncio.gather(*(session.async_set_speech_speed(value) for session in live))
