"""Sensors: what an agent or a satellite does, what was said, and what it cost."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfTime
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .bridge.ledger import Usage
from .bridge.parties import Agent, Party
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .bridge.snapshot import Snapshot
from .engine import AgentState
from .entity import FollowingEntity, async_add_to_agents, async_add_to_all

PARALLEL_UPDATES = 0

MAX_STATE_LENGTH = 255
USD = "USD"
FOLLOWS_AFTER_S = 0.5
"""How soon usage is shown while a session runs."""


@dataclass(frozen=True, kw_only=True)
class SnapshotSensorDescription(SensorEntityDescription):
    """What a sensor shows of a snapshot."""

    value: Callable[[Snapshot], str | int | None]
    attributes: Callable[[Snapshot], Mapping[str, Any] | None] = lambda _: None


def _tool_attributes(snapshot: Snapshot) -> Mapping[str, Any] | None:
    if (use := snapshot.last_tool) is None:
        return None
    return {"arguments": use.arguments, "ok": use.ok, "duration_ms": use.duration_ms}


SENSORS = (
    SnapshotSensorDescription(
        key="status",
        device_class=SensorDeviceClass.ENUM,
        options=[state.value for state in AgentState],
        value=lambda snapshot: snapshot.status.value,
    ),
    SnapshotSensorDescription(
        key="last_tool",
        value=lambda snapshot: _short(snapshot.last_tool.name) if snapshot.last_tool else None,
        attributes=_tool_attributes,
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
    SnapshotSensorDescription(
        key="response_latency",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.MILLISECONDS,
        state_class=SensorStateClass.MEASUREMENT,
        value=lambda snapshot: snapshot.response_latency_ms,
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
)


@dataclass(frozen=True, kw_only=True)
class TranscriptSensorDescription(SensorEntityDescription):
    """Whose words a sensor shows."""

    text: Callable[[Snapshot], str | None]


TRANSCRIPT_SENSORS = (
    TranscriptSensorDescription(key="user_transcript", text=lambda snapshot: snapshot.user_transcript),
    TranscriptSensorDescription(key="assistant_transcript", text=lambda snapshot: snapshot.assistant_transcript),
)


@dataclass(frozen=True, kw_only=True)
class UsageSensorDescription(SensorEntityDescription):
    """What a sensor shows of what an agent has used."""

    value: Callable[[Usage], int | float]
    is_complete: Callable[[Usage], bool] | None = None
    """Whether all that counts has a known price."""
    daily: bool = False
    """Whether it begins anew at midnight."""


USAGE_SENSORS = (
    UsageSensorDescription(
        key="tokens",
        native_unit_of_measurement="tokens",
        state_class=SensorStateClass.TOTAL_INCREASING,
        value=lambda usage: usage.tokens,
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
    UsageSensorDescription(
        key="cost",
        device_class=SensorDeviceClass.MONETARY,
        native_unit_of_measurement=USD,
        state_class=SensorStateClass.TOTAL,
        suggested_display_precision=2,
        value=lambda usage: float(usage.cost_usd),
        is_complete=lambda usage: usage.gap_on is None,
    ),
    UsageSensorDescription(
        key="cost_today",
        device_class=SensorDeviceClass.MONETARY,
        native_unit_of_measurement=USD,
        state_class=SensorStateClass.TOTAL,
        suggested_display_precision=2,
        value=lambda usage: float(usage.cost_on(dt_util.now().date())),
        is_complete=lambda usage: usage.gap_on != dt_util.now().date(),
        daily=True,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: RtvoiceConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the sensors of all agents and satellites."""
    async_add_to_all(entry, async_add_entities, _sensors)
    async_add_to_agents(entry, async_add_entities, _usage_sensors)


def _sensors(runtime: Runtime, party: Party) -> list[Entity]:
    shown = [SnapshotSensor(runtime, party, description) for description in SENSORS]
    return [*shown, *(TranscriptSensor(runtime, party, description) for description in TRANSCRIPT_SENSORS)]


def _usage_sensors(runtime: Runtime, agent: Agent) -> list[Entity]:
    return [UsageSensor(runtime, agent, description) for description in USAGE_SENSORS]


class SnapshotSensor(FollowingEntity, SensorEntity):
    """A sensor that shows something of a snapshot."""

    # What was said is the household's own affair: it is shown, not kept.
    _unrecorded_attributes = frozenset({"arguments"})
    entity_description: SnapshotSensorDescription

    def __init__(self, runtime: Runtime, party: Party, description: SnapshotSensorDescription) -> None:
        super().__init__(runtime, party, description.key)
        self.entity_description = description

    @override
    def shown(self) -> object:
        """The value and the attributes."""
        return self.native_value, self.extra_state_attributes

    @property
    @override
    def native_value(self) -> str | int | None:
        """What is shown now."""
        return self.entity_description.value(self.party.activity.snapshot)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """What does not fit into a state."""
        return self.entity_description.attributes(self.party.activity.snapshot)


class TranscriptSensor(FollowingEntity, SensorEntity):
    """A sensor that shows what was said last.

    An entity cannot keep its state out of the recorder. So where the recorder would write down words that the user
    wants to keep out, the state is the time at which they were said; the words are in the attribute `text`, always.
    """

    _unrecorded_attributes = frozenset({"text"})
    entity_description: TranscriptSensorDescription
    _said: str | None = None
    _said_at: datetime | None = None

    def __init__(self, runtime: Runtime, party: Party, description: TranscriptSensorDescription) -> None:
        super().__init__(runtime, party, description.key)
        self.entity_description = description

    @override
    def shown(self) -> object:
        """What was said, when, and which of them is the state."""
        self._notice()
        return self._said, self._said_at, self._attr_device_class

    @property
    @override
    def native_value(self) -> str | datetime | None:
        """The words, or the time at which they were said."""
        return _short(self._said) if self._attr_device_class is None else self._said_at

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """All of the words."""
        return {"text": self._said}

    def _notice(self) -> None:
        snapshot = self.party.activity.snapshot
        if (said := self.entity_description.text(snapshot)) != self._said:
            self._said, self._said_at = said, dt_util.utcnow() if said else None
        is_free = snapshot.may_be_recorded or not _is_recorded(self.hass, self.entity_id)
        self._attr_device_class = None if is_free else SensorDeviceClass.TIMESTAMP


class UsageSensor(FollowingEntity, SensorEntity):
    """A sensor that shows something of what an agent has used; it is kept over restarts.

    In a session it follows a moment later: usage is told of when a response is done, which is when the home's actions
    begin, and nobody waits for a figure.
    """

    entity_description: UsageSensorDescription
    _later: asyncio.TimerHandle | None = None

    def __init__(self, runtime: Runtime, agent: Agent, description: UsageSensorDescription) -> None:
        super().__init__(runtime, agent, description.key)
        self.entity_description = description

    @override
    def shown(self) -> object:
        """The value, whether that is all, and when it began to be counted."""
        return self.native_value, self.extra_state_attributes, self.last_reset

    @property
    @override
    def native_value(self) -> int | float:
        """What is shown now."""
        return self.entity_description.value(self.runtime.ledger.of(self.party.subentry_id))

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Whether a cost is the whole cost."""
        if (is_complete := self.entity_description.is_complete) is None:
            return None
        return {"is_complete": is_complete(self.runtime.ledger.of(self.party.subentry_id))}

    @property
    @override
    def last_reset(self) -> datetime | None:
        """The beginning of the day, for what is counted by day."""
        return dt_util.start_of_local_day() if self.entity_description.daily else None

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Leave nothing to be written."""
        self._stop_waiting()
        await super().async_will_remove_from_hass()

    @callback
    @override
    def _async_follow(self) -> None:
        if not self.party.activity.snapshot.in_session:
            self._stop_waiting()
            super()._async_follow()
        elif self._later is None:
            self._later = self.hass.loop.call_later(FOLLOWS_AFTER_S, self._follow_now)

    @callback
    def _follow_now(self) -> None:
        self._later = None
        super()._async_follow()

    def _stop_waiting(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None


def _is_recorded(hass: HomeAssistant, entity_id: str) -> bool:
    """Whether the recorder writes the states of an entity down."""
    if "recorder" not in hass.config.components:
        return False
    from homeassistant.components.recorder.entity_options import is_entity_recorded  # noqa: PLC0415 - it is not always there

    return is_entity_recorded(hass, entity_id)


def _short(text: str | None) -> str | None:
    """As much of a text as fits into a state."""
    if text is None or len(text) <= MAX_STATE_LENGTH:
        return text
    return text[: MAX_STATE_LENGTH - 1] + "…"
