"""The provider of a config entry."""

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientSession
from homeassistant.const import CONF_API_KEY
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_create_clientsession

from ..const import (
    CONF_BASE_URL,
    CONF_DEPLOYMENT,
    CONF_DIALECT,
    CONF_PROVIDER,
    CONF_RESOURCE,
    CONF_TRANSCRIPTION_DEPLOYMENT,
    DIALECTS,
    PROVIDER_AZURE_OPENAI,
    PROVIDER_OPENAI,
)
from ..engine.errors import ConfigurationError
from ..engine.options import TranscriptionModel
from ..engine.ports import RealtimeProvider
from ..engine.providers import AzureOpenAIProvider, CompatibleProvider, OpenAIProvider, redirect_guard
from .options import UNREADABLE

type AccountProvider = OpenAIProvider | AzureOpenAIProvider | CompatibleProvider
"""One that can be tested."""
type Provider = RealtimeProvider
"""One that sessions are held with."""


@callback
def async_create_provider(hass: HomeAssistant, account: Mapping[str, Any]) -> AccountProvider:
    """The provider of an account, on a session that goes with the entry and never lets the key follow a redirect."""
    return make_provider(account, async_create_clientsession(hass, trace_configs=[redirect_guard()]))


def make_provider(account: Mapping[str, Any], session: ClientSession) -> AccountProvider:
    """The provider of an account. Raises ConfigurationError if it cannot be one."""
    try:
        return _made(account, session)
    except UNREADABLE as err:
        # Without the error, whose text may hold what is stored.
        raise ConfigurationError(f"what is stored of the account cannot be read ({type(err).__name__})") from None


def _made(account: Mapping[str, Any], session: ClientSession) -> AccountProvider:
    if account[CONF_PROVIDER] == PROVIDER_OPENAI:
        address = {"base_url": account[CONF_BASE_URL]} if account.get(CONF_BASE_URL) else {}
        return OpenAIProvider(account[CONF_API_KEY], session=session, **address)
    if account[CONF_PROVIDER] == PROVIDER_AZURE_OPENAI:
        resource, deployment = account[CONF_RESOURCE], account[CONF_DEPLOYMENT]
        return AzureOpenAIProvider(
            resource,
            deployment,
            api_key=account[CONF_API_KEY],
            transcription_deployment=account.get(CONF_TRANSCRIPTION_DEPLOYMENT),
            session=session,
        )
    return CompatibleProvider(
        account[CONF_BASE_URL],
        api_key=account.get(CONF_API_KEY),
        dialect=account.get(CONF_DIALECT, DIALECTS[0]),
        session=session,
    )


def writes_down(account: Mapping[str, Any], transcription_model: str | None) -> bool:
    """Whether what the user says is written down at an account with this option of an agent.

    At Azure OpenAI the engine's default has to stand for a deployment. That a server has a model, or writes down
    anything at all, shows only in a session.
    """
    if transcription_model == TranscriptionModel.GPT_TRANSCRIBE and account[CONF_PROVIDER] == PROVIDER_AZURE_OPENAI:
        return CONF_TRANSCRIPTION_DEPLOYMENT in account
    return transcription_model is not None
