"""What scripts, automations, scenes and groups reach beyond themselves."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from homeassistant.components import automation, script
from homeassistant.components.homeassistant.scene import entities_in_scene
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, callback, split_entity_id, valid_entity_id
from homeassistant.helpers.entity_component import EntityComponent
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids
from homeassistant.helpers.template import Template

_AIMS: Final = ("action", "service", "target", "data", "entity_id")


class Steps(Protocol):
    """A script as far as it tells what it refers to."""

    referenced_entities: set[str]
    referenced_devices: set[str]
    referenced_areas: set[str]
    referenced_floors: set[str]
    referenced_labels: set[str]
    sequence: list[dict[str, Any]]


@callback
def async_expand(hass: HomeAssistant, entity_ids: Iterable[str]) -> frozenset[str]:
    """These entities, and all that would act with them."""
    found: set[str] = set()
    waiting = list(entity_ids)
    while waiting:
        if (entity_id := waiting.pop()) not in found and valid_entity_id(entity_id):
            found.add(entity_id)
            waiting += _members(hass, entity_id)
    return frozenset(found)


@callback
def async_sequence_entities(hass: HomeAssistant, sequence: Steps) -> frozenset[str]:
    """What a script refers to that is not an entity itself."""
    named = async_selected(
        hass,
        {
            ATTR_ENTITY_ID: list(sequence.referenced_entities),
            "device_id": list(sequence.referenced_devices),
            "area_id": list(sequence.referenced_areas),
            "floor_id": list(sequence.referenced_floors),
            "label_id": list(sequence.referenced_labels),
        },
    )
    return named | frozenset(_rendered(hass, sequence.sequence))


@callback
def async_selected(hass: HomeAssistant, target: dict[str, Any]) -> frozenset[str]:
    """The entities of a target: named, or of the devices, areas, floors and labels named."""
    selection = TargetSelection({key: value for key, value in target.items() if value})
    selected = async_extract_referenced_entity_ids(hass, selection, primary_entities_only=False)
    return frozenset(selected.referenced | selected.indirectly_referenced)


def _members(hass: HomeAssistant, entity_id: str) -> Iterator[str]:
    yield from _rendered(hass, _steps(hass, entity_id))
    match split_entity_id(entity_id)[0]:
        case "script":
            yield from async_selected(
                hass,
                {
                    ATTR_ENTITY_ID: script.entities_in_script(hass, entity_id),
                    "device_id": script.devices_in_script(hass, entity_id),
                    "area_id": script.areas_in_script(hass, entity_id),
                    "floor_id": script.floors_in_script(hass, entity_id),
                    "label_id": script.labels_in_script(hass, entity_id),
                },
            )
        case "automation":
            yield from async_selected(
                hass,
                {
                    ATTR_ENTITY_ID: automation.entities_in_automation(hass, entity_id),
                    "device_id": automation.devices_in_automation(hass, entity_id),
                    "area_id": automation.areas_in_automation(hass, entity_id),
                    "floor_id": automation.floors_in_automation(hass, entity_id),
                    "label_id": automation.labels_in_automation(hass, entity_id),
                },
            )
        case "scene":
            yield from entities_in_scene(hass, entity_id)
    if (state := hass.states.get(entity_id)) is not None:
        members = state.attributes.get(ATTR_ENTITY_ID)
        yield from [members] if isinstance(members, str) else members or ()


def _steps(hass: HomeAssistant, entity_id: str) -> object:
    """The steps of a script or an automation, also of one that a blueprint made."""
    component = hass.data.get(split_entity_id(entity_id)[0])
    entity = component.get_entity(entity_id) if isinstance(component, EntityComponent) else None
    sequence = getattr(entity, "script", None) or getattr(entity, "action_script", None)
    return getattr(sequence, "sequence", None)


def _rendered(hass: HomeAssistant, value: object) -> Iterator[str]:
    """All that steps could be aimed at whose targets are known only when they run."""
    if isinstance(value, Mapping):
        action = value.get("action", value.get("service"))
        if isinstance(action, (str, Template)) and any(_is_templated(value.get(key)) for key in _AIMS):
            domain = str(action).partition(".")[0]
            anything = domain == "homeassistant" or isinstance(action, Template)
            yield from hass.states.async_entity_ids(None if anything else domain)
        for item in value.values():
            yield from _rendered(hass, item)
    elif isinstance(value, list):
        for item in value:
            yield from _rendered(hass, item)


def _is_templated(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_templated, value.values()))
    if isinstance(value, list):
        return any(map(_is_templated, value))
    return isinstance(value, Template)
