"""Testing an account at a provider before it is saved."""

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from homeassistant.const import CONF_API_KEY
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_create_clientsession

from ..bridge.provider import AccountProvider, make_provider
from ..const import (
    CONF_BASE_URL,
    CONF_DEPLOYMENT,
    CONF_PROVIDER,
    CONF_RESOURCE,
    CONF_TRANSCRIPTION_DEPLOYMENT,
    PROVIDER_AZURE_OPENAI,
    PROVIDER_OPENAI,
)
from ..engine.errors import (
    AuthenticationError,
    ConfigurationError,
    EngineError,
    QuotaExceededError,
    RateLimitedError,
)
from ..engine.options import PushToTalk, SessionOptions
from ..engine.providers import redirect_guard
from .models import PREFERRED, realtime_models

_LOGGER = logging.getLogger(__name__)

# A handshake costs seconds, and somebody is waiting in front of the form.
_MAX_MODELS_TRIED: Final = 3


@dataclass(frozen=True, slots=True)
class AccountTest:
    """What came of testing an account: a model that holds spoken conversations, or the form's error."""

    model: str | None = None
    models: tuple[str, ...] = ()
    """All that the account lists; empty where the server has no list."""
    error: str | None = None
    """A key of the translations' `error` section."""


def account_id(account: Mapping[str, Any]) -> str:
    """Tell accounts apart without giving the key away."""
    place = [account[key] for key in (CONF_BASE_URL, CONF_RESOURCE, CONF_DEPLOYMENT) if key in account] or [""]
    parts = (account[CONF_PROVIDER], *place, account.get(CONF_API_KEY, ""))
    return sha256("\n".join(parts).encode()).hexdigest()


async def async_test_account(
    hass: HomeAssistant, account: Mapping[str, Any], models: Iterable[str] = ()
) -> AccountTest:
    """List the account's models and hold a handshake with the first of `models` or of its own that is accepted.

    An account at Azure OpenAI has one model, its deployment, which no list names.
    """
    listed: tuple[str, ...] = ()
    try:
        async with async_open_provider(hass, account) as provider:
            if account[CONF_PROVIDER] == PROVIDER_AZURE_OPENAI:
                candidates = {account[CONF_DEPLOYMENT]: None}
            else:
                listed = await provider.list_models()
                candidates = dict.fromkeys((*models, *_candidates(account, listed)))
            model = await _first_accepted(provider, tuple(candidates)[:_MAX_MODELS_TRIED])
            if model is not None and CONF_TRANSCRIPTION_DEPLOYMENT in account:
                options = SessionOptions(model=model, voice=None, noise_reduction=None, turn_detection=PushToTalk())
                if not await _accepts(provider, options):
                    return AccountTest(models=listed, error="transcription_refused")
    except EngineError as err:
        _LOGGER.debug("The account was refused: %s", err)
        return AccountTest(models=listed, error=_form_error(err, account))
    except Exception:
        _LOGGER.exception("Unexpected error while testing an account")
        return AccountTest(models=listed, error="unknown")
    return AccountTest(model, listed, None if model else "no_realtime_model")


async def async_list_realtime_models(hass: HomeAssistant, account: Mapping[str, Any]) -> tuple[str, ...]:
    """The account's models to choose from, best first; empty when the provider cannot be asked now."""
    if account[CONF_PROVIDER] == PROVIDER_AZURE_OPENAI:
        return (account[CONF_DEPLOYMENT],)
    try:
        async with async_open_provider(hass, account) as provider:
            return realtime_models(await provider.list_models())
    except EngineError as err:
        _LOGGER.debug("The account's models are not known: %s", err)
        return ()


async def async_is_refused(hass: HomeAssistant, account: Mapping[str, Any], model: str) -> bool:
    """Whether the provider says that it has no such model; False also when it cannot be asked now."""
    try:
        async with async_open_provider(hass, account) as provider:
            await provider.check(model)
    except ConfigurationError:
        return True
    except EngineError as err:
        _LOGGER.debug("The model was not tested: %s", err)
    return False


async def async_is_mute(hass: HomeAssistant, account: Mapping[str, Any], model: str, voice: str) -> bool:
    """Whether the provider takes a model, but not with this voice; False also when it cannot be asked now."""
    try:
        async with async_open_provider(hass, account) as provider:
            await provider.check(model)
            options = SessionOptions(
                model=model, voice=voice, transcription_model=None, noise_reduction=None, turn_detection=PushToTalk()
            )
            return not await _accepts(provider, options)
    except EngineError as err:
        _LOGGER.debug("The voice was not tested: %s", err)
    return False


@asynccontextmanager
async def async_open_provider(hass: HomeAssistant, account: Mapping[str, Any]) -> AsyncIterator[AccountProvider]:
    """The account's provider, on a session of its own that never lets the key follow a redirect."""
    session = async_create_clientsession(hass, auto_cleanup=False, trace_configs=[redirect_guard()])
    try:
        provider = make_provider(account, session)
        try:
            yield provider
        finally:
            await provider.close()
    finally:
        session.detach()


def _candidates(account: Mapping[str, Any], listed: tuple[str, ...]) -> tuple[str, ...]:
    if not listed and account[CONF_PROVIDER] == PROVIDER_OPENAI:
        return PREFERRED
    return realtime_models(listed)


async def _first_accepted(provider: AccountProvider, models: Iterable[str]) -> str | None:
    for model in models:
        try:
            await provider.check(model)
        except ConfigurationError as err:
            _LOGGER.debug("The model %s was refused: %s", model, err)
        else:
            return model
    return None


async def _accepts(provider: AccountProvider, options: SessionOptions) -> bool:
    try:
        async with provider.connect(options):
            return True
    except ConfigurationError as err:
        _LOGGER.debug("The settings were refused: %s", err)
        return False


def _form_error(err: EngineError, account: Mapping[str, Any]) -> str:
    match err:
        case AuthenticationError():
            return "invalid_auth"
        case QuotaExceededError():
            return "quota_exceeded"
        case RateLimitedError():
            return "rate_limited"
        case ConfigurationError():
            # Models that are refused were passed over, so it is the address.
            return "invalid_resource" if account[CONF_PROVIDER] == PROVIDER_AZURE_OPENAI else "invalid_url"
        case _:
            return "cannot_connect"
