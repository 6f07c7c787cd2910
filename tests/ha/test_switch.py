"""The switches and the voice assistants' view of them."""

from homeassistant.components import conversation
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity, async_should_expose
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .conftest import AGENT_ID, SATELLITE_ID
from .house import entity_of


async def test_an_agent_cannot_reach_its_own_switches(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    for subentry_id in (AGENT_ID, SATELLITE_ID):
        for key in ("session", "mute"):
            assert not async_should_expose(hass, conversation.DOMAIN, entity_of(hass, "switch", subentry_id, key))


async def test_unless_the_user_wants_it_to(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    switch = entity_of(hass, "switch", AGENT_ID, "mute")
    async_expose_entity(hass, conversation.DOMAIN, switch, should_expose=True)
    assert await hass.config_entries.async_reload(setup_integration.entry_id)
    await hass.async_block_till_done()
    assert async_should_expose(hass, conversation.DOMAIN, switch)
