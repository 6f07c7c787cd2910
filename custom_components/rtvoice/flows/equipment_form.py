"""The fields of which MCP servers and subagents of its account an agent has."""

from collections.abc import Mapping
from typing import Any, Final

import probatio
from homeassistant.config_entries import ConfigEntry
from homeassistant.helpers.selector import SelectOptionDict, SelectSelector, SelectSelectorConfig, SelectSelectorMode

from ..const import CONF_MCP_SERVERS, CONF_SUBAGENTS, SUBENTRY_MCP_SERVER, SUBENTRY_SUBAGENT

EQUIPMENT_FIELDS: Final = (CONF_MCP_SERVERS, CONF_SUBAGENTS)

type Equipment = Mapping[str, Mapping[str, str]]
"""What can be chosen from: titles by subentry id, by the name of the option."""


def equipment_of(entry: ConfigEntry[Any]) -> Equipment:
    """What an account has."""
    kinds = {CONF_MCP_SERVERS: SUBENTRY_MCP_SERVER, CONF_SUBAGENTS: SUBENTRY_SUBAGENT}
    return {
        key: {subentry.subentry_id: subentry.title for subentry in entry.get_subentries_of_type(kind)}
        for key, kind in kinds.items()
    }


def equipment_fields(equipment: Equipment) -> dict[Any, Any]:
    """A field for each kind; without any of a kind there is nothing to choose from."""
    return {probatio.Optional(key): _choices(titles) for key, titles in equipment.items() if titles}


def suggested_equipment(options: Mapping[str, Any], equipment: Equipment) -> dict[str, list[str]]:
    """What an agent has so far, of what is still there."""
    return {key: [one for one in titles if one in options.get(key, titles)] for key, titles in equipment.items()}


def with_equipment(options: Mapping[str, Any], submitted: Mapping[str, Any], equipment: Equipment) -> dict[str, Any]:
    """The options with what was chosen; who has everything also has what will be added later."""
    chosen = {key: submitted[key] for key in equipment if key in submitted}
    kept = {key: value for key, value in options.items() if key not in chosen}
    return kept | {key: value for key, value in chosen.items() if set(value) != set(equipment[key])}


def _choices(titles: Mapping[str, str]) -> SelectSelector:
    options = [SelectOptionDict(value=subentry_id, label=title) for subentry_id, title in titles.items()]
    return SelectSelector(SelectSelectorConfig(options=options, multiple=True, mode=SelectSelectorMode.LIST))
