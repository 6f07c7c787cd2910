"""What the system information says."""

from decimal import Decimal

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, get_system_health_info
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker

from custom_components.rtvoice.const import DOMAIN
from custom_components.rtvoice.system_health import OPENAI_URL

from .conftest import AGENT_ID
from .test_session import start, stop


@pytest.fixture(autouse=True)
async def system_health(hass: HomeAssistant) -> None:
    """Home Assistant offers the system information."""
    assert await async_setup_component(hass, "system_health", {})


async def test_what_there_is(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    other = MockConfigEntry(domain=DOMAIN, data={"provider": "compatible", "base_url": "http://other/v1"})
    other.add_to_hass(hass)
    setup_integration.runtime_data.ledger.add(AGENT_ID, 10, Decimal("1.234"))
    await start(hass)
    assert await get_system_health_info(hass, DOMAIN) == {
        "accounts": "1 / 2",
        "agents": 1,
        "satellites": 1,
        "sessions": 1,
        "cost_today": "$1.23",
    }
    await stop(hass)


async def test_whether_openai_can_be_reached(hass: HomeAssistant, aioclient_mock: AiohttpClientMocker) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    MockConfigEntry(domain=DOMAIN, data={"provider": "openai", "api_key": "sk-1"}).add_to_hass(hass)
    aioclient_mock.get(OPENAI_URL, status=401)
    info = await get_system_health_info(hass, DOMAIN)
    assert info["accounts"] == "0 / 1"
    assert await info["can_reach_openai"] == "ok"
