"""What is shown of an account to whoever downloads its diagnostics, or looks at states and problems."""

import json
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from custom_components.rtvoice.diagnostics import async_get_config_entry_diagnostics

from .quiet import SECRETS, WORDS


async def check_shown(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Fail if a secret is in it, or in what is told of sessions a word of what was said."""
    told = await async_get_config_entry_diagnostics(hass, entry)
    states = [state.as_dict() for state in hass.states.async_all()]
    problems = [issue.to_json() for issue in ir.async_get(hass).issues.values()]
    for shown in (told, states, problems, entry.reason):
        text = json.dumps(shown, default=str)
        assert not any(secret in text for secret in SECRETS), text
    assert WORDS not in json.dumps(told["runtime"], default=str)
