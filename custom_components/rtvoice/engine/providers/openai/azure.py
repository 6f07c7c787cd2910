"""Azure OpenAI as a provider."""

import os
import re
from dataclasses import replace
from typing import Final, override

import aiohttp
from yarl import URL

from ...errors import ConfigurationError
from ...options import SessionOptions, TranscriptionModel
from .dialect import OPENAI, TIMEOUTS, Timeouts
from .endpoint import Endpoint, TokenProvider
from .provider import WebSocketProvider

_API: Final = "/openai/v1"
_HOSTS: Final = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")

# Addresses are often copied with these, which belong to the API before this one and are refused by it.
_OUTDATED: Final = ("api-version", "deployment", "model")


class AzureOpenAIProvider(WebSocketProvider):
    """A deployment of a realtime model at Azure OpenAI.

    `resource` is the resource's name, its host (*.openai.azure.com, *.services.ai.azure.com,
    *.cognitiveservices.azure.com) or a full URL. Sessions are opened with `deployment`, whatever model they ask for.
    The key is taken from `api_key` or the environment's AZURE_OPENAI_API_KEY; instead of one, `token_provider` returns
    a token of Microsoft Entra for the scope https://ai.azure.com/.default, anew for every connection. It may raise
    AuthenticationError to say that it never will; a function that is not asynchronous runs in a thread.

    What the user says is written down by a model that must be deployed as well: `transcription_deployment` stands
    for the engine's default, any other `transcription_model` of a session is taken for the name of a deployment.

    A `session` that is given is not closed. Raises ConfigurationError for an address or deployment that cannot be one
    and without a key, and AuthenticationError for what cannot be a key.
    """

    def __init__(
        self,
        resource: str,
        deployment: str,
        *,
        api_key: str | None = None,
        token_provider: TokenProvider | None = None,
        transcription_deployment: str | None = None,
        session: aiohttp.ClientSession | None = None,
        timeouts: Timeouts = TIMEOUTS,
    ) -> None:
        if not deployment.strip():
            raise ConfigurationError("The name of a deployment is needed")
        key = _key(api_key, token_provider)
        endpoint = Endpoint.at(_address(resource), OPENAI, api_key=key, key_header="api-key", timeouts=timeouts)
        super().__init__(replace(endpoint, deployment=deployment.strip(), token_provider=token_provider), session)
        self._transcription_deployment = transcription_deployment

    @override
    def _adapted(self, options: SessionOptions) -> SessionOptions:
        if options.transcription_model != TranscriptionModel.GPT_TRANSCRIBE:
            return options
        return options.model_copy(update={"transcription_model": self._transcription_deployment})


def _key(api_key: str | None, token_provider: TokenProvider | None) -> str | None:
    if token_provider is not None:
        if api_key:
            raise ConfigurationError("Give api_key or token_provider, not both")
        return None
    key = api_key or os.environ.get("AZURE_OPENAI_API_KEY")
    if not key or not key.strip():
        raise ConfigurationError("A key is needed: give api_key or token_provider, or set AZURE_OPENAI_API_KEY")
    return key


def _address(resource: str) -> str:
    """The address of the API at a resource. Raises ConfigurationError."""
    name = resource.strip()
    if _NAME.fullmatch(name):
        return f"https://{name}{_HOSTS[0]}{_API}"
    try:
        url = URL(name if "://" in name else f"https://{name}")
    except ValueError as err:
        raise ConfigurationError("The resource is neither a name nor an address") from err
    of_azure = (url.host or "").endswith(_HOSTS)
    if not of_azure and "://" not in name:
        raise ConfigurationError("The resource must be its name, its host at Azure, or begin with https:// or wss://")
    return str(url.with_path(_API if of_azure else _gateway_path(url), encoded=True).with_query(_query(url)))


def _gateway_path(url: URL) -> str:
    path = url.raw_path.rstrip("/").removesuffix("/realtime").removesuffix("/v1").removesuffix("/openai")
    return f"{path}{_API}"


def _query(url: URL) -> dict[str, str]:
    return {key: value for key, value in url.query.items() if key not in _OUTDATED}
