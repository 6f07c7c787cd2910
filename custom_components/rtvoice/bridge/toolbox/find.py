"""Entities that voice assistants may know, by id or by name."""

from collections.abc import Iterable

from homeassistant.components.homeassistant.exposed_entities import async_should_expose
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import intent, llm


@callback
def async_exposed(hass: HomeAssistant, context: llm.LLMContext, domains: Iterable[str] | None = None) -> list[State]:
    """All that are exposed, of these domains."""
    states = hass.states.async_all(None if domains is None else tuple(domains))
    return [state for state in states if async_should_expose(hass, context.assistant, state.entity_id)]


@callback
def async_find(hass: HomeAssistant, name: str, context: llm.LLMContext) -> State:
    """The exposed entity of this id or name. Raises HomeAssistantError where there is none, or are several."""
    if (state := hass.states.get(name.strip())) is not None:
        if not async_should_expose(hass, context.assistant, state.entity_id):
            raise HomeAssistantError(f"{name} is not exposed to voice assistants")
        return state
    constraints = intent.MatchTargetsConstraints(name=name, assistant=context.assistant)
    result = intent.async_match_targets(hass, constraints, llm.async_get_match_preferences(hass, context))
    if not result.is_match:
        raise intent.MatchFailedError(result, constraints)
    return result.states[0]


@callback
def async_area_name(hass: HomeAssistant, entity_id: str) -> str | None:
    """Where an entity is."""
    if (entry := er.async_get(hass).async_get(entity_id)) is None:
        return None
    area_id = entry.area_id
    if area_id is None and entry.device_id and (device := dr.async_get(hass).async_get(entry.device_id)) is not None:
        area_id = dr.async_get_effective_area_id(hass, device)
    area = ar.async_get(hass).async_get_area(area_id) if area_id else None
    return area.name if area else None
