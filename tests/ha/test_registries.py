"""What is registered for an account, and what its diagnostics show, at a glance."""

from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.rtvoice.const import CONF_BASE_URL, CONF_INPUT, CONF_OUTPUT

from .conftest import AGENT_ID, SATELLITE_ID
from .house import device_of


def without_nothing(shown: dict[str, Any]) -> dict[str, Any]:
    """Only what is filled in."""
    return {key: value for key, value in shown.items() if value not in (None, 0, {}, [])}


def registered(entity: er.RegistryEntry) -> dict[str, Any]:
    """What the registry knows of an entity that does not change from run to run."""
    return without_nothing(
        {
            "unique_id": entity.unique_id,
            "name": entity.original_name,
            "translation_key": entity.translation_key,
            "category": entity.entity_category and entity.entity_category.value,
            "device_class": entity.original_device_class,
            "unit": entity.unit_of_measurement,
            "capabilities": dict(entity.capabilities or {}),
            "features": int(entity.supported_features),
            "disabled_by": entity.disabled_by and entity.disabled_by.value,
        }
    )


@pytest.mark.parametrize("party", [AGENT_ID, SATELLITE_ID])
async def test_devices_and_their_entities(
    hass: HomeAssistant, setup_integration: MockConfigEntry, snapshot: SnapshotAssertion, party: str
) -> None:
    device = device_of(hass, setup_integration.entry_id, party)
    shown = {
        "name": device.name,
        "manufacturer": device.manufacturer,
        "model": device.model,
        "entry_type": device.entry_type and device.entry_type.value,
        "identifiers": sorted(device.identifiers),
    }
    assert shown == snapshot(name="device")
    entities = er.async_entries_for_device(er.async_get(hass), device.id, include_disabled_entities=True)
    assert {one.entity_id: registered(one) for one in sorted(entities, key=lambda one: one.entity_id)} == snapshot(
        name="entities"
    )


async def test_no_device_but_those_of_agents_and_satellites(
    hass: HomeAssistant, setup_integration: MockConfigEntry
) -> None:
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), setup_integration.entry_id)
    own = {device_of(hass, setup_integration.entry_id, party).id for party in (AGENT_ID, SATELLITE_ID)}
    assert {device.id for device in devices} == own


async def test_diagnostics(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    setup_integration: MockConfigEntry,
    snapshot: SnapshotAssertion,
) -> None:
    assert await async_setup_component(hass, "diagnostics", {})
    shown = await get_diagnostics_for_config_entry(hass, hass_client, setup_integration)
    # What is another on every machine.
    shown["versions"] = sorted(shown["versions"])
    shown["entry"]["data"].pop(CONF_BASE_URL)
    for subentry in shown["entry"]["subentries"]:
        for place in (CONF_INPUT, CONF_OUTPUT):
            subentry["data"].pop(place, None)
    assert shown == snapshot
