"""The fields of a wake word that Home Assistant listens for at a satellite."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

import probatio
from homeassistant.components.wake_word import DOMAIN as WAKE_WORD_DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from ..bridge.standby.engine import async_engine, async_wake_words
from ..const import CONF_WAKE_CUES, CONF_WAKE_ENGINE, CONF_WAKE_INTERRUPTS, CONF_WAKE_WORD

_OF_THE_WORD: Final = (CONF_WAKE_WORD, CONF_WAKE_INTERRUPTS, CONF_WAKE_CUES)


async def async_offered_wake_words(hass: HomeAssistant) -> dict[str, str]:
    """The wake words of all engines that work now: their phrases by id."""
    engines = [async_engine(hass, entity_id) for entity_id in hass.states.async_entity_ids(WAKE_WORD_DOMAIN)]
    known = await asyncio.gather(*(async_wake_words(engine) for engine in engines if engine is not None))
    return {word.id: word.phrase or word.name for words in known for word in words or ()}


def wake_fields(offered: Mapping[str, str]) -> dict[probatio.Marker, object]:
    """The form's fields with these wake words, phrases by id; others may be written."""
    return {
        probatio.Optional(CONF_WAKE_ENGINE): EntitySelector(EntitySelectorConfig(domain=WAKE_WORD_DOMAIN)),
        probatio.Optional(CONF_WAKE_WORD): SelectSelector(
            SelectSelectorConfig(
                options=[SelectOptionDict(value=word_id, label=phrase) for word_id, phrase in offered.items()],
                custom_value=True,
                mode=SelectSelectorMode.DROPDOWN,
            )
        ),
        probatio.Optional(CONF_WAKE_INTERRUPTS, default=True): BooleanSelector(),
        probatio.Optional(CONF_WAKE_CUES, default=True): BooleanSelector(),
    }


async def async_wake_errors(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the wake word; an engine that is not there now, or says nothing, is taken at its word."""
    engine = async_engine(hass, options.get(CONF_WAKE_ENGINE, ""))
    word = options.get(CONF_WAKE_WORD)
    if engine is None or word is None or not (known := await async_wake_words(engine)):
        return {}
    return {} if word in {each.id for each in known} else {CONF_WAKE_WORD: "unknown_wake_word"}


def meaningful(filled_in: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """What was filled in, without what is empty and without what only a wake word gives a meaning."""
    filled = {key: value for key, value in filled_in if value or value is False}
    if CONF_WAKE_ENGINE in filled:
        return filled
    return {key: value for key, value in filled.items() if key not in _OF_THE_WORD}
