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
from .secrets import keep_secret, removal_of, secret_fields
from .sections import flatten

SECTION_ADVANCED: Final = "advanced"

_KEY = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off"))
_ADDRESS = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
_TEXT = TextSelector()
_NEEDED: Final = {
    PROVIDER_OPENAI: (CONF_API_KEY,),
    PROVIDER_AZURE_OPENAI: (CONF_RESOURCE, CONF_DEPLOYMENT, CONF_API_KEY),
    PROVIDER_COMPATIBLE: (CONF_BASE_URL,),
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

_RECONFIGURE: Final = {
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
}


def reconfigure_schema(account: Mapping[str, Any]) -> probatio.Schema:
    """For a known account; a key that is left out stays as it is, or is taken away where none is needed."""
    if account[CONF_PROVIDER] != PROVIDER_COMPATIBLE:
        return _RECONFIGURE[account[CONF_PROVIDER]]
    return probatio.Schema(
        {
            probatio.Required(CONF_BASE_URL): _ADDRESS,
            **secret_fields(CONF_API_KEY, stored=CONF_API_KEY in account),
            probatio.Required(CONF_DIALECT, default=DIALECTS[0]): _DIALECT,
        }
    )


def model_schema(models: tuple[str, ...]) -> probatio.Schema:
    """For servers whose models do not say that they are realtime models."""
    options = SelectSelectorConfig(options=list(models), custom_value=True, mode=SelectSelectorMode.DROPDOWN)
    return probatio.Schema({probatio.Required(CONF_MODEL): SelectSelector(options)})


def account_from(provider: str, user_input: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of a form: no empty fields, no white space around keys and addresses, no slash behind these."""
    given = flatten(user_input, (SECTION_ADVANCED,))
    fields = {key: value.strip() for key, value in given.items() if isinstance(value, str)}
    for place in (CONF_BASE_URL, CONF_RESOURCE):
        if place in fields:
            fields[place] = fields[place].rstrip("/")
    return {CONF_PROVIDER: provider, **{key: value for key, value in fields.items() if value}}


def changed_account(known: Mapping[str, Any], user_input: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of the form of a known account; its key never moves to another address."""
    account = account_from(known[CONF_PROVIDER], user_input)
    is_same_place = all(account.get(key) == known.get(key) for key in (CONF_BASE_URL, CONF_RESOURCE))
    tick = {key: value for key, value in user_input.items() if key == removal_of(CONF_API_KEY)}
    return keep_secret(account | tick, known if is_same_place else {}, CONF_API_KEY)


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
