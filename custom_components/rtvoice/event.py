"""An event entity that tells automations what happens in sessions."""

from typing import Final, override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge.occurrences import Occurrence, OccurrenceType
from .bridge.parties import Party
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .entity import PartyEntity, async_add_to_all

PARALLEL_UPDATES = 0

_WORDS: Final = frozenset({"text", "arguments"})
"""Attributes that tell what was said."""


async def async_setup_entry(
    hass: HomeAssistant, entry: RtvoiceConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the event entities of all agents and satellites."""
    async_add_to_all(entry, async_add_entities, _events)


def _events(runtime: Runtime, party: Party) -> list[Entity]:
    return [ActivityEvent(runtime, party, "activity")]


class ActivityEvent(PartyEntity, EventEntity):
    """Tells of session starts and ends, turns, interruptions, tools and errors."""

    _attr_event_types = [kind.value for kind in OccurrenceType]  # noqa: RUF012 - Home Assistant's own way
    _unrecorded_attributes = _WORDS

    @override
    async def async_added_to_hass(self) -> None:
        """Begin to listen."""
        await super().async_added_to_hass()
        self.async_on_remove(self.party.activity.listen(self._async_tell))

    @callback
    def _async_tell(self, occurrence: Occurrence) -> None:
        if occurrence.context is not None:
            self.async_set_context(occurrence.context)
        # Home Assistant writes the last event to disk, to restore it: what was said is in it only where that may be.
        hidden = frozenset() if self.party.activity.snapshot.may_be_recorded else _WORDS
        told = {name: value for name, value in occurrence.attributes.items() if name not in hidden}
        self._trigger_event(occurrence.type.value, told)
        self.async_write_ha_state()
