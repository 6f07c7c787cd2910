"""OpenAI, and servers that speak as OpenAI does, as providers."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, override

import aiohttp

from ...conversation.values import Capabilities
from ...errors import ConfigurationError, EngineError
from ...options import PushToTalk, SessionOptions
from ...ports import Connection, RealtimeProvider
from ...remote_mcp import check_servers
from .beta import beta_style
from .connection import open_connection
from .dialect import BETA, DIALECTS, OPENAI, TIMEOUTS, XAI, Dialect, Timeouts, known_at
from .endpoint import Endpoint
from .http import Http, list_models, resolve
from .session_config import RATE_HZ
from .xai import xai_style

_LOGGER = logging.getLogger(__name__)

# At these, a frame of 20 ms has whole samples.
_RATES_HZ: Final = range(8_000, 48_001, 50)


class WebSocketProvider(RealtimeProvider):
    """A provider at one endpoint; base of those that have a name."""

    def __init__(self, endpoint: Endpoint, session: aiohttp.ClientSession | None) -> None:
        self._endpoint = endpoint
        self._http = Http(session)
        self._capabilities = endpoint.dialect.capabilities

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._endpoint.root.with_query(None))!r})"

    @property
    @override
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @override
    async def prewarm(self) -> None:
        try:
            async with asyncio.timeout(self._endpoint.timeouts.greet_s):
                await self._http.session()
                await resolve(self._endpoint)
        except (OSError, UnicodeError, RuntimeError, EngineError) as err:
            # A RuntimeError comes from an executor that is shut down; connecting will say so again.
            _LOGGER.debug("Could not prepare for %s: %s", self._endpoint.root.host, err)

    @override
    @asynccontextmanager
    async def connect(self, options: SessionOptions) -> AsyncIterator[Connection]:
        check_servers(options.mcp_servers, self._capabilities)
        async with open_connection(self._http, self._endpoint, self._adapted(options)) as connection:
            try:
                yield connection
            finally:
                self._capabilities = connection.learned(self._capabilities)

    @override
    async def close(self) -> None:
        await self._http.close()

    async def list_models(self) -> tuple[str, ...]:
        """Ids of the models that the account may use, empty where the server keeps no list; costs nothing.

        Raises AuthenticationError, QuotaExceededError, RateLimitedError or ConnectionFailedError.
        """
        return await list_models(self._http, self._endpoint)

    async def check(self, model: str) -> None:
        """Open a session with a model and close it again. Raises what `connect` raises."""
        options = SessionOptions(
            model=model,
            voice=None,
            transcription_model=None,
            noise_reduction=None,
            turn_detection=PushToTalk(),
        )
        async with self.connect(options):
            pass

    def _adapted(self, options: SessionOptions) -> SessionOptions:
        """The options as this provider can serve them."""
        return options


class OpenAIProvider(WebSocketProvider):
    """The OpenAI Realtime API.

    The key is taken from `api_key` or the environment's OPENAI_API_KEY. A `session` that is given is not closed.
    Raises ConfigurationError without a key, and AuthenticationError for what cannot be one.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str = "https://api.openai.com/v1",
        organization: str | None = None,
        project: str | None = None,
        session: aiohttp.ClientSession | None = None,
        timeouts: Timeouts = TIMEOUTS,
    ) -> None:
        key = api_key or os.environ.get("OPENAI_API_KEY")
        if not key or not key.strip():
            raise ConfigurationError("A key is needed: give api_key or set OPENAI_API_KEY")
        headers = {"OpenAI-Organization": organization, "OpenAI-Project": project}
        super().__init__(Endpoint.at(base_url, OPENAI, api_key=key, headers=headers, timeouts=timeouts), session)


class CompatibleProvider(WebSocketProvider):
    """A server that speaks the OpenAI Realtime API, in the dialect `ga`, `beta`, `xai`, or `auto`: what it looks like.

    Microphone audio may be sent at another rate than 24 kHz (`input_rate_hz`, 8 to 48 kHz): to xAI, which takes any,
    and to servers of the beta that want one. Some of the latter also want tools nested as in the chat API
    (`nested_tools`). A `session` that is given is not closed. Raises ConfigurationError for an address, a dialect or a
    combination that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        dialect: str = "auto",
        nested_tools: bool = False,
        input_rate_hz: int | None = None,
        session: aiohttp.ClientSession | None = None,
        timeouts: Timeouts = TIMEOUTS,
    ) -> None:
        spoken = DIALECTS.get(dialect)
        if spoken is None:
            raise ConfigurationError(f"The dialect {dialect!r} is not supported; there are {', '.join(DIALECTS)}")
        endpoint = Endpoint.at(base_url, spoken, api_key=api_key, timeouts=timeouts)
        spoken = known_at(endpoint.root.host, spoken)
        if nested_tools or input_rate_hz is not None:
            spoken = _varied(spoken, nested_tools=nested_tools, input_rate_hz=input_rate_hz)
        super().__init__(replace(endpoint, dialect=spoken), session)


def _varied(dialect: Dialect, *, nested_tools: bool, input_rate_hz: int | None) -> Dialect:
    rate_hz = RATE_HZ if input_rate_hz is None else input_rate_hz
    if rate_hz not in _RATES_HZ:
        raise ConfigurationError(f"Audio of {rate_hz} Hz cannot be sent")
    if dialect is BETA:
        style = beta_style(nested_tools=nested_tools)
    elif dialect is XAI and not nested_tools:
        style = xai_style(input_rate_hz=rate_hz)
    else:
        raise ConfigurationError(f"The dialect {dialect.name!r} has no such variety")
    return replace(dialect, style=style, capabilities=replace(dialect.capabilities, input_rate_hz=rate_hz))
