"""Chat models of OpenAI, and of all servers that speak the chat completions API."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, override
from urllib.parse import urlsplit

from ..conversation.values import ToolDefinition
from ..errors import ConfigurationError, ConnectionFailedError, EngineError, ProviderError, RateLimitedError
from .chat import ChatAnswer, ChatMessage, ChatModel
from .faults import engine_error
from .wire import decoded, encoded_messages, encoded_tools

if TYPE_CHECKING:
    import openai

OPENAI_URL: Final = "https://api.openai.com/v1"

_LOGGER = logging.getLogger(__name__)
_NO_KEY: Final = "none"
_FIRST_WAIT_S: Final = 0.5
_IMPORTED_LATE: Final = ("anyio.lowlevel", "anyio.streams.memory", "anyio.streams.stapled", "anyio.streams.tls")


class OpenAIChatModel(ChatModel):
    """A chat model by the official `openai` package, which is imported off the event loop.

    Without a `base_url` it is one of OpenAI's, with `api_key` or the environment's OPENAI_API_KEY; any other server
    gets the key that is given, if any. No redirect is followed, so a key goes nowhere else. `timeout` bounds one
    answer, further attempts included, in seconds; a busy or unreachable server is asked `max_retries` times more.
    `extra` are further fields of the request.

    May be shared by subagents. Raises ConfigurationError without a key for OpenAI, and for an impossible address, key
    or timeout.
    """

    def __init__(
        self,
        model: str,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        timeout: float = 60.0,
        temperature: float | None = None,
        max_retries: int = 2,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        key = (api_key or ("" if base_url else os.environ.get("OPENAI_API_KEY")) or "").strip()
        if not key and not base_url:
            raise ConfigurationError("The chat model needs a key: give api_key or set OPENAI_API_KEY")
        if not (key.isascii() and key.isprintable()):
            raise ConfigurationError("The chat model's key contains characters that no key has")
        if not timeout > 0:
            raise ConfigurationError(f"The chat model's timeout must be above 0, not {timeout}")
        self._model = model
        self._key = key or None
        self._url = _checked(base_url or OPENAI_URL)
        self._is_foreign = bool(base_url)
        self._timeout_s = timeout
        self._max_retries = max_retries
        self._fields: dict[str, object] = dict(extra or {})
        if temperature is not None:
            self._fields["temperature"] = temperature
        self._client: _Client | None = None
        self._opening = asyncio.Lock()

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._model!r})"

    @property
    @override
    def model(self) -> str:
        return self._model

    @override
    async def prewarm(self) -> None:
        try:
            await self._open()
        except Exception:
            _LOGGER.debug("The chat model %s could not be prepared", self._model, exc_info=True)

    @override
    async def complete(self, messages: Sequence[ChatMessage], tools: Sequence[ToolDefinition]) -> ChatAnswer:
        last: EngineError | None = None
        body: dict[str, object] = {"model": self._model, "messages": encoded_messages(messages), **self._fields}
        if tools:
            body["tools"] = encoded_tools(tools)
        try:
            async with asyncio.timeout(self._timeout_s) as deadline:
                for attempt in range(self._max_retries):
                    try:
                        return await self._ask(body)
                    except (RateLimitedError, ConnectionFailedError) as err:
                        last = err
                        await _pause(_wait_s(err, attempt), deadline)
                return await self._ask(body)
        except TimeoutError as err:
            raise last or ConnectionFailedError("The chat model did not answer in time") from err

    @override
    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.closing = True
            await client.close_if_idle()

    async def _ask(self, body: Mapping[str, object]) -> ChatAnswer:
        async with self._borrowed() as client:
            try:
                response = await client.completions.create(
                    **body, extra_headers=client.omitted if self._is_foreign else None
                )
            except client.package.OpenAIError as err:
                raise engine_error(client.package, err, self._key) from err
        return decoded(response.content)

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[_Client]:
        client = await self._open()
        client.users += 1
        try:
            yield client
        finally:
            client.users -= 1
            await client.close_if_idle()

    async def _open(self) -> _Client:
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(self._made)
            return self._client

    def _made(self) -> _Client:
        """A client. Importing its package takes about a second, and it reads certificates from disk."""
        package = _package()
        try:
            http = package.DefaultAsyncHttpxClient(timeout=self._timeout_s, follow_redirects=False)
        except (ImportError, OSError, ValueError) as err:
            # Certificates or proxies that the environment names cannot be used.
            raise ConfigurationError(f"The chat model cannot be reached from here ({type(err).__name__})") from err
        api = package.AsyncOpenAI(
            api_key=self._key or _NO_KEY, base_url=self._url, timeout=self._timeout_s, max_retries=0, http_client=http
        )
        # What the package takes from the environment is meant for OpenAI.
        names = ["OpenAI-Organization", "OpenAI-Project", *(() if self._key else ("Authorization",))]
        omitted = {name: package.Omit() for name in names}
        return _Client(package, api, api.chat.completions.with_raw_response, omitted)


@dataclass(slots=True)
class _Client:
    """An open client and how many requests are on their way."""

    package: Any
    api: openai.AsyncOpenAI
    completions: Any
    omitted: Mapping[str, object]
    users: int = 0
    closing: bool = False

    async def close_if_idle(self) -> None:
        if self.closing and not self.users:
            await self.api.close()


@cache
def _package() -> ModuleType:
    try:
        package = import_module("openai")
        _rehearse()
    except ImportError as err:
        raise ConfigurationError("The package 'openai' is needed for chat models and is not installed") from err
    return package


def _rehearse() -> None:
    """Import what the package and the libraries below it would import with the first request, inside the event loop."""
    for name in _IMPORTED_LATE:
        import_module(name)
    anyio: Any = import_module("anyio")
    for name in dir(anyio):
        getattr(anyio, name)
    anyio.run(anyio.sleep, 0)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as err:
        raise ConfigurationError("The chat model's address is not a URL") from err
    if not complete or parts.username is not None:
        raise ConfigurationError("The chat model's address must begin with https:// or http:// and hold no user name")
    return url.strip()


async def _pause(wait_s: float, deadline: asyncio.Timeout) -> None:
    """Wait, unless that would take all the time there is. Raises TimeoutError then."""
    when_s = deadline.when()
    if when_s is not None and asyncio.get_running_loop().time() + wait_s >= when_s:
        raise TimeoutError
    await asyncio.sleep(wait_s)


def _wait_s(error: ProviderError, attempt: int) -> float:
    asked = error.retry_after_s if isinstance(error, RateLimitedError) else None
    return _FIRST_WAIT_S * 2**attempt if asked is None else asked
