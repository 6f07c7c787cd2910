"""The house of the other tests that go through Home Assistant, for those that ask for it."""

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from tests.ha.conftest import (  # noqa: F401 - fixtures
    SoundLibrary,
    brain,
    commands,
    microphone,
    mock_entry,
    page,
    setup_integration,
    simulator,
    sound_library,
    speaker,
    two_browsers,
    web,
)


@pytest.fixture
async def house(hass: HomeAssistant, enable_custom_integrations: None, sound_library: SoundLibrary) -> HomeAssistant:  # noqa: F811 - a fixture
    """Home Assistant as it is before any integration, without a sound card."""
    assert await async_setup_component(hass, "homeassistant", {})
    return hass
