"""The fields of an account and what they are stored as."""

from collections.abc import Mapping
from typing import Any, Final

import probatio
from homeassistant.const import CONF_API_KEY
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from yarl import URL

from ..const import (
    CONF_BASE_URL,
    CONF_DEPLOYMENT,
    CONF_DIALECT,
    CONF_MODEL,
    CONF_PROVIDER,
    CONF_RESOURCE,
    CONF_TRANSCRIPTION_DEPLOYMENT,
    DIALECTS,
    PROVIDER_AZURE_OPENAI,
    PROVIDER_COMPATIBLE,
    PROVIDER_OPENAI,
)
from .sections import flatten

SECTION_ADVANCED: Final = "advanced"

_KEY = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off"))
_ADDRESS = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
_TEXT = TextSelector()
_NEEDED: Final = {
    PROVIDER_OPENAI: (CONF_API_KEY,),
    PROVIDER_AZURE_OPENAI: (CONF_RESOURCE, CONF_DEPLOYMENT, CONF_API_KEY),
    PROVIDER_COMPATIBLE: (),
}
_DIALECT = SelectSelector(
    SelectSelectorConfig(options=list(DIALECTS), translation_key=CONF_DIALECT, mode=SelectSelectorMode.DROPDOWN)
)

KEY_SCHEMA: Final = probatio.Schema({probatio.Required(probatio.Secret(CONF_API_KEY)): _KEY})
"""For when a key stopped working."""

USER_SCHEMAS: Final = {
    PROVIDER_OPENAI: probatio.Schema(
        {
            probatio.Required(probatio.Secret(CONF_API_KEY)): _KEY,
            probatio.Optional(SECTION_ADVANCED): section(
                probatio.Schema({probatio.Optional(CONF_BASE_URL): _ADDRESS}), {"collapsed": True}
            ),
        }
    ),
    PROVIDER_AZURE_OPENAI: probatio.Schema(
        {
            probatio.Required(CONF_RESOURCE): _TEXT,
            probatio.Required(CONF_DEPLOYMENT): _TEXT,
            probatio.Optional(CONF_TRANSCRIPTION_DEPLOYMENT): _TEXT,
            probatio.Required(probatio.Secret(CONF_API_KEY)): _KEY,
        }
    ),
    PROVIDER_COMPATIBLE: probatio.Schema(
        {
            probatio.Required(CONF_BASE_URL): _ADDRESS,
            probatio.Optional(probatio.Secret(CONF_API_KEY)): _KEY,
            probatio.Required(CONF_DIALECT, default=DIALECTS[0]): _DIALECT,
        }
    ),
}
"""For a new account of each provider."""

RECONFIGURE_SCHEMAS: Final = {
    PROVIDER_OPENAI: probatio.Schema(
        {
            probatio.Optional(probatio.Secret(CONF_API_KEY)): _KEY,
            probatio.Optional(CONF_BASE_URL): _ADDRESS,
        }
    ),
    PROVIDER_AZURE_OPENAI: probatio.Schema(
        {
            probatio.Required(CONF_RESOURCE): _TEXT,
            probatio.Required(CONF_DEPLOYMENT): _TEXT,
            probatio.Optional(CONF_TRANSCRIPTION_DEPLOYMENT): _TEXT,
            probatio.Optional(probatio.Secret(CONF_API_KEY)): _KEY,
        }
    ),
    PROVIDER_COMPATIBLE: USER_SCHEMAS[PROVIDER_COMPATIBLE],
}
"""For a known account of each provider; a key that is left out stays as it is."""


def model_schema(models: tuple[str, ...]) -> probatio.Schema:
    """For servers whose models do not say that they are realtime models."""
    options = SelectSelectorConfig(options=list(models), custom_value=True, mode=SelectSelectorMode.DROPDOWN)
    return probatio.Schema({probatio.Required(CONF_MODEL): SelectSelector(options)})


def account_from(provider: str, user_input: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of a form: no empty fields, no white space around keys and addresses, no slash behind these."""
    fields = {key: value.strip() for key, value in flatten(user_input, (SECTION_ADVANCED,)).items()}
    for place in (CONF_BASE_URL, CONF_RESOURCE):
        if place in fields:
            fields[place] = fields[place].rstrip("/")
    return {CONF_PROVIDER: provider, **{key: value for key, value in fields.items() if value}}


def keep_key(account: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The account with the known key where none was given; a key never moves to another address."""
    is_same_place = all(account.get(key) == known.get(key) for key in (CONF_BASE_URL, CONF_RESOURCE))
    if CONF_API_KEY in account or CONF_API_KEY not in known or not is_same_place:
        return dict(account)
    return {**account, CONF_API_KEY: known[CONF_API_KEY]}


def form_errors(account: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with an account that can be told without asking the provider."""
    missing = [str(key) for key in _NEEDED[account[CONF_PROVIDER]] if key not in account]
    if CONF_API_KEY in missing:
        return {"base": "key_required"}
    return dict.fromkeys(missing, "field_required")


def title_of(account: Mapping[str, Any]) -> str:
    """How a new account is called: by its provider, with the deployment, or by its server's name."""
    if account[CONF_PROVIDER] == PROVIDER_OPENAI:
        return "OpenAI"
    if account[CONF_PROVIDER] == PROVIDER_AZURE_OPENAI:
        return f"Azure OpenAI ({account[CONF_DEPLOYMENT]})"
    return URL(account[CONF_BASE_URL]).authority
