"""What all entities share: they belong to an agent or a satellite, and follow what it does."""

from abc import abstractmethod
from collections.abc import Callable
from typing import override

from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge.parties import Agent, Party, Satellite
from .bridge.reachability import SIGNAL_REACHABILITY
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .const import CONF_MODEL, DOMAIN


class PartyEntity(Entity):
    """An entity of an agent or a satellite; without a key, its main one."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, runtime: Runtime, party: Party, key: str | None = None) -> None:
        self.runtime = runtime
        self.party = party
        self._attr_unique_id = f"{party.subentry_id}_{key}" if key else party.subentry_id
        self._attr_device_info = _device_info(party)
        if key:
            self._attr_translation_key = key
        else:
            self._attr_name = None

    @property
    @override
    def available(self) -> bool:
        """Whether the agent or satellite can take part in a session, and there is a provider to hold it with."""
        return self.party.available and self.runtime.reaches(self.party)

    @override
    async def async_added_to_hass(self) -> None:
        """Begin to follow whether there is a provider."""
        await super().async_added_to_hass()
        write = self.async_write_ha_state
        self.async_on_remove(async_dispatcher_connect(self.hass, SIGNAL_REACHABILITY, write))

    @callback
    def async_update_option(self, key: str, value: object | None) -> None:
        """Store an option of the agent or satellite, or take it away with None; nothing is reloaded for it."""
        data = {known: other for known, other in self.party.subentry.data.items() if known != key}
        if value is not None:
            data[key] = value
        self.hass.config_entries.async_update_subentry(self.party.entry, self.party.subentry, data=data)
        self.async_write_ha_state()


class FollowingEntity(PartyEntity):
    """An entity that shows something of what its agent or satellite does."""

    _shown: object = None

    @abstractmethod
    def shown(self) -> object:
        """What the state and the attributes are made of; while it stays equal, no state is written."""

    @override
    async def async_added_to_hass(self) -> None:
        """Begin to follow."""
        await super().async_added_to_hass()
        self._shown = self.shown()
        self.async_on_remove(self.party.activity.watch(self._async_follow))

    @callback
    def _async_follow(self) -> None:
        if (shown := self.shown()) != self._shown:
            self._shown = shown
            self.async_write_ha_state()


@callback
def async_add_to_agents(
    entry: RtvoiceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Callable[[Runtime, Agent], list[Entity]],
) -> None:
    """Add the entities that `make` makes for each agent."""
    for agent in entry.runtime_data.agents.values():
        async_add_entities(make(entry.runtime_data, agent), config_subentry_id=agent.subentry_id)


@callback
def async_add_to_satellites(
    entry: RtvoiceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Callable[[Runtime, Satellite], list[Entity]],
) -> None:
    """Add the entities that `make` makes for each satellite."""
    for satellite in entry.runtime_data.satellites.values():
        async_add_entities(make(entry.runtime_data, satellite), config_subentry_id=satellite.subentry_id)


@callback
def async_add_to_all(
    entry: RtvoiceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Callable[[Runtime, Party], list[Entity]],
) -> None:
    """Add the entities that `make` makes for each agent and each satellite."""
    async_add_to_agents(entry, async_add_entities, make)
    async_add_to_satellites(entry, async_add_entities, make)


def _device_info(party: Party) -> DeviceInfo:
    is_agent = isinstance(party, Agent)
    model = party.place.model if isinstance(party, Satellite) else party.subentry.data.get(CONF_MODEL)
    return DeviceInfo(
        entry_type=DeviceEntryType.SERVICE if is_agent else None,
        identifiers={(DOMAIN, party.subentry_id)},
        manufacturer="Realtime Voice",
        model=model,
        name=party.title,
    )
