"""Home Assistant's wake word engines."""

import asyncio
from typing import Final

from homeassistant.components.wake_word import (
    WakeWord,
    WakeWordDetectionEntity,
    async_get_wake_word_detection_entity,
)
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, callback

LEARN_S: Final = 10.0
"""An engine that takes longer to say what it knows has nothing to say for now."""


@callback
def async_engine(hass: HomeAssistant, entity_id: str) -> WakeWordDetectionEntity | None:
    """The engine with this entity id; None while there is none that works."""
    state = hass.states.get(entity_id)
    if state is None or state.state == STATE_UNAVAILABLE:
        return None
    return async_get_wake_word_detection_entity(hass, entity_id)


async def async_wake_words(engine: WakeWordDetectionEntity) -> tuple[WakeWord, ...] | None:
    """The wake words that an engine knows; None if it does not say, for whatever reason."""
    try:
        async with asyncio.timeout(LEARN_S):
            return tuple(await engine.get_supported_wake_words())
    except Exception:  # noqa: BLE001 - it is another integration's, and may raise anything
        return None
