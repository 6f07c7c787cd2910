"""Binary sensors: whether there is a session, and who speaks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.binary_sensor import BinarySensorEntity, BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge.parties import Agent, Party
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .bridge.snapshot import Snapshot
from .entity import FollowingEntity, async_add_to_all

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class SnapshotBinarySensorDescription(BinarySensorEntityDescription):
    """What a binary sensor shows of a snapshot."""

    is_on: Callable[[Snapshot], bool]
    enabled_at_agents: bool = True
    """Whether an agent's is enabled until the user decides otherwise; a satellite's always is."""


BINARY_SENSORS = (
    SnapshotBinarySensorDescription(
        key="session", device_class=BinarySensorDeviceClass.RUNNING, is_on=lambda snapshot: snapshot.in_session
    ),
    # It changes several times a turn, and where somebody speaks is a matter of places.
    SnapshotBinarySensorDescription(
        key="user_speaking",
        device_class=BinarySensorDeviceClass.SOUND,
        is_on=lambda snapshot: snapshot.user_speaking,
        enabled_at_agents=False,
    ),
    SnapshotBinarySensorDescription(
        key="assistant_speaking",
        device_class=BinarySensorDeviceClass.SOUND,
        is_on=lambda snapshot: snapshot.assistant_speaking,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: RtvoiceConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the binary sensors of all agents and satellites."""
    async_add_to_all(entry, async_add_entities, _binary_sensors)


def _binary_sensors(runtime: Runtime, party: Party) -> list[Entity]:
    return [SnapshotBinarySensor(runtime, party, description) for description in BINARY_SENSORS]


class SnapshotBinarySensor(FollowingEntity, BinarySensorEntity):
    """A binary sensor that shows something of a snapshot."""

    entity_description: SnapshotBinarySensorDescription

    def __init__(self, runtime: Runtime, party: Party, description: SnapshotBinarySensorDescription) -> None:
        super().__init__(runtime, party, description.key)
        self.entity_description = description
        self._attr_entity_registry_enabled_default = description.enabled_at_agents or not isinstance(party, Agent)

    @override
    def shown(self) -> object:
        """The state."""
        return self.is_on

    @property
    @override
    def is_on(self) -> bool:
        """Whether it is so now."""
        return self.entity_description.is_on(self.party.activity.snapshot)
