"""What is sensitive, and what is loud."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

from homeassistant.core import HomeAssistant, callback, split_entity_id
from homeassistant.helpers import entity_registry as er

from .calls import HomeTool, Touch
from .options import COVER_CLASSES, DESTRUCTIVE
from .words import has_words

LOUD: Final = ("siren", "media_player", "vacuum", "lawn_mower", "assist_satellite", "tts", "*broadcast*", "notify")


@callback
def async_matching(hass: HomeAssistant, patterns: Sequence[str], tool: HomeTool, touch: Touch) -> tuple[str, ...]:
    """Names of what a call touches of these kinds, domains, entities and tools."""
    found = [entity_id for entity_id in sorted(touch.entities) if _matches_any(hass, patterns, entity_id)]
    if found:
        return tuple(async_name(hass, entity_id) for entity_id in found)
    if _is_tool(patterns, tool.name) or (touch.unclear and DESTRUCTIVE in patterns):
        return (touch.label or tool.title or tool.name.replace("__", " "),)
    return ()


@callback
def async_outside(hass: HomeAssistant, patterns: Sequence[str], tool: HomeTool, touch: Touch) -> tuple[str, ...]:
    """Names of what a call touches beside these."""
    if _is_tool(patterns, tool.name):
        return ()
    found = [entity_id for entity_id in sorted(touch.entities) if not _matches_any(hass, patterns, entity_id)]
    if found or touch.entities:
        return tuple(async_name(hass, entity_id) for entity_id in found)
    return (tool.title or tool.name,)


@callback
def async_name(hass: HomeAssistant, entity_id: str) -> str:
    """What people call an entity, in words that can be said."""
    state = hass.states.get(entity_id)
    return state.name if state and has_words(state.name) else split_entity_id(entity_id)[1].replace("_", " ")


def _matches_any(hass: HomeAssistant, patterns: Iterable[str], entity_id: str) -> bool:
    return any(_matches(hass, pattern, entity_id) for pattern in patterns)


def _matches(hass: HomeAssistant, pattern: str, entity_id: str) -> bool:
    domain = split_entity_id(entity_id)[0]
    if (device_class := COVER_CLASSES.get(pattern)) is not None:
        return domain == "cover" and _device_class(hass, entity_id) == device_class
    return fnmatchcase(entity_id, pattern) if "." in pattern else domain == pattern


def _is_tool(patterns: Iterable[str], name: str) -> bool:
    """Whether a tool is meant, or the domain of an action or of an integration whose tool it is."""
    domain = name.partition("__")[0]
    return any(fnmatchcase(name, pattern) or domain == pattern for pattern in patterns)


def _device_class(hass: HomeAssistant, entity_id: str) -> str | None:
    if (state := hass.states.get(entity_id)) is not None and (shown := state.attributes.get("device_class")):
        return str(shown)
    entry = er.async_get(hass).async_get(entity_id)
    return (entry.device_class or entry.original_device_class) if entry else None
