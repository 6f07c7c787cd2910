"""The HTTP side: one guarded client session, and the list of models."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from types import SimpleNamespace
from typing import Final

import aiohttp
import orjson

from ...errors import ConfigurationError, ConnectionFailedError, EngineError
from .admission import admitted
from .endpoint import Endpoint
from .faults import error_of_status, fault_of
from .fields import Json, optional_text, part, parts
from .waiting import retry_after

_LOGGER = logging.getLogger(__name__)

_DNS_CACHE_S: Final = 300
TRANSPORT_ERRORS: Final = (aiohttp.ClientError, OSError, TimeoutError)
"""What talking to a server raises."""

# Asking again does no harm under these; others may count how often somebody fails.
_EXPLAINED: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
_MAX_WORDS_BYTES: Final = 65_536

_NO_LIST: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})


class RedirectRefusedError(aiohttp.ClientError):
    """A server answered with a redirect, which is not followed because keys would travel with it."""


def redirect_guard() -> aiohttp.TraceConfig:
    """With this among its trace configurations, a client session follows no redirect."""
    guard = aiohttp.TraceConfig()
    guard.on_request_redirect.append(_refuse)
    return guard


class Http:
    """Lends out a client session that follows no redirects: the one that was given, one beside it, or an own one."""

    def __init__(self, given: aiohttp.ClientSession | None) -> None:
        self._given = given
        self._own: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None
        self._opening = asyncio.Lock()
        self._users = 0

    async def session(self) -> aiohttp.ClientSession:
        """The session. Raises ConnectionFailedError when the one that was given is closed."""
        if self._given is not None and self._given.closed:
            raise ConnectionFailedError("The client session is closed")
        if self._given is not None and _is_guarded(self._given):
            return self._given
        async with self._opening:
            if self._own is None or self._own.closed:
                self._own = await self._new_session() if self._given is None else _beside(self._given)
            return self._own

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """Keep the session open while the block runs; with the last user an own one is closed."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                await self.close()

    async def close(self) -> None:
        """Close what was opened here. The session that was given stays open."""
        own, self._own = self._own, None
        if own is not None:
            await own.close()

    async def _new_session(self) -> aiohttp.ClientSession:
        if self._tls is None:
            # Loading the certificates reads files, which must not happen on the event loop.
            self._tls = await asyncio.get_running_loop().run_in_executor(None, ssl.create_default_context)
        connector = aiohttp.TCPConnector(ssl=self._tls, ttl_dns_cache=_DNS_CACHE_S)
        return aiohttp.ClientSession(
            connector=connector, trace_configs=[redirect_guard()], cookie_jar=aiohttp.DummyCookieJar()
        )


async def list_models(http: Http, endpoint: Endpoint) -> tuple[str, ...]:
    """Ids of the models at hand, empty where the server keeps no list. Raises what refusals of it mean."""
    failure: EngineError | None = None
    endpoint = await admitted(endpoint)
    try:
        async with http.in_use(), asyncio.timeout(endpoint.timeouts.greet_s):
            session = await http.session()
            async with session.get(endpoint.models(), headers=endpoint.headers, allow_redirects=False) as response:
                status, body = response.status, await response.read()
                retry_after_s = retry_after(response.headers)
    except TRANSPORT_ERRORS as err:
        failure = failure_of(err, endpoint)
    if failure is not None:
        raise failure
    if status in _NO_LIST:
        return ()
    if status != HTTPStatus.OK:
        raise _refusal(status, body, retry_after_s, endpoint)
    answer = _json(body)
    if answer is None:
        raise ConnectionFailedError("The provider's list of models cannot be read")
    return tuple(name for each in parts(answer, "data") if (name := optional_text(each, "id")) is not None)


async def resolve(endpoint: Endpoint) -> None:
    """Look up the provider's name. Raises OSError."""
    loop = asyncio.get_running_loop()
    await loop.getaddrinfo(endpoint.root.host, endpoint.root.port)


async def refusal_in_words(http: Http, endpoint: Endpoint, model: str, status: int) -> EngineError | None:
    """Ask why a websocket was refused with this status; None if it cannot be told.

    What refuses a websocket says so in the body of its answer, which a handshake does not read.
    """
    if status not in _EXPLAINED:
        return None
    url = endpoint.refusal(model)
    try:
        async with asyncio.timeout(endpoint.timeouts.greet_s):
            session = await http.session()
            async with session.get(url, headers=endpoint.headers, allow_redirects=False) as response:
                again, body = response.status, await response.content.read(_MAX_WORDS_BYTES)
    except TRANSPORT_ERRORS as err:
        _LOGGER.debug("The refusal stays unexplained: %s", type(err).__name__)
        return None
    error = part(_json(body) or {}, "error")
    return error_of_status(status, fault_of(error, endpoint.redact)) if again == status and error else None


def failure_of(err: Exception, endpoint: Endpoint) -> EngineError:
    """One of `TRANSPORT_ERRORS` as an error of the engine.

    To be raised after the `except` block: errors of aiohttp that hold a response hold the request's headers too, and
    must not live on as a cause or context.
    """
    match err:
        case aiohttp.WSServerHandshakeError():
            return error_of_status(err.status, retry_after_s=retry_after(err.headers or {}))
        case aiohttp.ClientResponseError():
            return ConnectionFailedError(f"{endpoint.root.host} does not answer as a web server does")
        case TimeoutError():
            failure = ConnectionFailedError(f"{endpoint.root.host} did not answer in time")
        case _:
            why = endpoint.redact(str(err)) or type(err).__name__
            failure = ConnectionFailedError(f"Cannot connect to {endpoint.root.host}: {why}")
    failure.__cause__ = err
    return failure


async def _refuse(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestRedirectParams
) -> None:
    params.response.close()
    raise RedirectRefusedError("The server redirects to another address")


def _is_guarded(session: aiohttp.ClientSession) -> bool:
    return any(_refuse in trace.on_request_redirect for trace in session.trace_configs)


def _beside(given: aiohttp.ClientSession) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=given.connector,
        connector_owner=False,
        headers=given.headers,
        trust_env=given.trust_env,
        trace_configs=[redirect_guard()],
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _json(body: bytes) -> Json | None:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _refusal(status: int, body: bytes, retry_after_s: float | None, endpoint: Endpoint) -> EngineError:
    error = part(_json(body) or {}, "error")
    found = error_of_status(status, fault_of(error, endpoint.redact) if error else None, retry_after_s)
    # A list that cannot be had says nothing about the settings of a session.
    return ConnectionFailedError(str(found)) if isinstance(found, ConfigurationError) else found
