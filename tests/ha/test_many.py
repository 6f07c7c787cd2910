"""A large house: twenty agents and twenty satellites."""

from pathlib import Path

from homeassistant.config_entries import ConfigEntryState, ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.const import (
    CONF_AGENT,
    CONF_INPUT,
    CONF_KIND,
    CONF_OUTPUT,
    DOMAIN,
    FILE_PREFIX,
    KIND_LOCAL,
    SUBENTRY_AGENT,
    SUBENTRY_SATELLITE,
)
from custom_components.rtvoice.flows.defaults import default_agent
from simulator import Simulator

from .house import state_of

NUMBER = 20


def large_house(account: MockConfigEntry, microphone: Path, folder: Path) -> MockConfigEntry:
    """The account with twenty agents, each with a satellite of its own."""
    subentries = []
    for number in range(NUMBER):
        satellite = {
            CONF_KIND: KIND_LOCAL,
            CONF_INPUT: f"{FILE_PREFIX}{microphone}",
            CONF_OUTPUT: f"{FILE_PREFIX}{folder / f'speaker{number}.wav'}",
            CONF_AGENT: f"agent{number}",
        }
        for kind, data in (
            (SUBENTRY_AGENT, default_agent("compatible", "gpt-realtime-2.1-mini")),
            (SUBENTRY_SATELLITE, satellite),
        ):
            subentries.append(
                ConfigSubentryDataWithId(
                    subentry_id=f"{kind}{number}",
                    subentry_type=kind,
                    title=f"{kind} {number}",
                    data=data,
                    unique_id=None,
                )
            )
    return MockConfigEntry(domain=DOMAIN, title="Large", data=account.data, subentries_data=subentries)


async def test_twenty_agents_speak_on_twenty_satellites(
    hass: HomeAssistant, simulator: Simulator, mock_entry: MockConfigEntry, microphone: Path, tmp_path: Path
) -> None:
    await hass.config_entries.async_remove(mock_entry.entry_id)
    entry = large_house(mock_entry, microphone, tmp_path)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    assert len({entity.device_id for entity in entities}) == 2 * NUMBER
    shown = [entity.entity_id for entity in entities if entity.disabled_by is None]
    assert {state_of(hass, entity_id).state for entity_id in shown}.isdisjoint({"unavailable"})

    places = [f"assist_satellite.satellite_{number}" for number in range(NUMBER)]
    await hass.services.async_call(DOMAIN, "start", {"entity_id": places}, blocking=True)
    runtime = entry.runtime_data
    assert sorted(session.satellite.title for session in runtime.sessions) == sorted(
        f"satellite {number}" for number in range(NUMBER)
    )
    assert all(
        session.agent.title.split()[1] == session.satellite.title.split()[1] and session.connected
        for session in runtime.sessions
    )
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert runtime.sessions == []
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert all(connection.closed.is_set() for connection in simulator.connections)
