"""Chat models that subagents think with."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import CONF_API_KEY

from ..const import CONF_BASE_URL, CONF_MODEL, CONF_PROVIDER, PROVIDER_OPENAI
from ..engine.errors import ConfigurationError
from ..engine.subagents import OpenAIChatModel

_HTTP: Final = {"ws": "http", "wss": "https"}


def has_chat(account: Mapping[str, Any]) -> bool:
    """Whether an account has chat models of its own."""
    return bool(account[CONF_PROVIDER] == PROVIDER_OPENAI)


def make_chat_model(account: Mapping[str, Any], options: Mapping[str, Any], **limits: Any) -> OpenAIChatModel:
    """The chat model of a subagent, at an address and with a key of its own, or those of an account at OpenAI.

    The account's key goes to no other address than the account's. `limits` are those of OpenAIChatModel. Raises
    ConfigurationError if there can be no such model.
    """
    address, key = options.get(CONF_BASE_URL), options.get(CONF_API_KEY)
    if not address:
        if not has_chat(account):
            raise ConfigurationError("The chat model has no address")
        address, key = account.get(CONF_BASE_URL), key or account[CONF_API_KEY]
    return OpenAIChatModel(options.get(CONF_MODEL) or "", api_key=key, base_url=_over_http(address), **limits)


def _over_http(address: str | None) -> str | None:
    """The same place, where an address is that of a websocket."""
    scheme, found, rest = (address or "").partition("://")
    return f"{_HTTP.get(scheme, scheme)}://{rest}" if found else address
