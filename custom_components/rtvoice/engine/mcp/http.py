"""Servers that are reached over HTTP."""

import logging
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final, Literal, get_args, override

from ..remote_mcp import checked_address, checked_headers
from .link import Transport
from .package import Package, Streams
from .server import DEFAULT_TIMEOUT_S, MCPServer

_LOGGER = logging.getLogger(__name__)

type HttpTransport = Literal["auto", "streamable_http", "sse"]

_SESSION_HEADER: Final = "mcp-session-id"
_NOT_STREAMABLE: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)


class MCPServerHTTP(MCPServer):
    """A server that is reached by streamable HTTP or by the older HTTP with server-sent events.

    "auto" tries streamable HTTP first and the other where the server refuses it. `headers` are sent with each request;
    keys belong there, not into the URL. Redirects are followed only to the same scheme, host and port with the same
    method, so headers travel nowhere else. Raises ValueError for a URL that is not http or https or holds a password,
    and for headers that cannot be sent.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        transport: HttpTransport = "auto",
        name: str | None = None,
        allowed_tools: Collection[str] | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        secrets = (url, *(headers or {}).values())
        super().__init__(name=name, allowed_tools=allowed_tools, timeout=timeout, secrets=secrets)
        parts = checked_address(url)
        if transport not in get_args(HttpTransport.__value__):
            raise ValueError(f"'{transport}' is no transport: auto, streamable_http or sse")
        self._url = url
        self._host = parts.hostname or ""
        self._headers = checked_headers(headers or {})
        self._transport = transport
        self._status: int | None = None

    @override
    def _fallback_name(self) -> str:
        return self._host

    @override
    def _transports(self) -> Sequence[Transport]:
        match self._transport:
            case "auto":
                return (self._streamable, self._sse)
            case "streamable_http":
                return (self._streamable,)
            case _:
                return (self._sse,)

    @override
    def _is_other_transport_worth_trying(self) -> bool:
        return self._status in _NOT_STREAMABLE

    @override
    def _details(self) -> str:
        refused = self._status is not None and self._status >= HTTPStatus.MULTIPLE_CHOICES
        return f" (the last HTTP status was {self._status})" if refused else ""

    @asynccontextmanager
    async def _streamable(self, package: Package, on_end: Callable[..., None]) -> AsyncGenerator[Streams]:
        async with package.http(self._url, self._headers, self.timeout, self._watch(package, on_end)) as streams:
            yield streams

    @asynccontextmanager
    async def _sse(self, package: Package, on_end: Callable[..., None]) -> AsyncGenerator[Streams]:
        async with package.sse(self._url, self._headers, self.timeout, self._watch(package, on_end)) as streams:
            yield streams

    def _watch(self, package: Package, on_end: Callable[..., None]) -> Callable[[Any], Any]:
        """Notes how the server answers; a 404 within a session means that the server has forgotten it.

        An answer that is too long ends the connection.
        """
        self._status = None

        async def on_response(response: Any) -> None:
            package.bound(response, lambda reason: on_end(reason=reason))
            request = response.request
            if request.method != "DELETE":
                self._status = response.status_code
            forgotten = request.method == "POST" and response.status_code == HTTPStatus.NOT_FOUND
            if forgotten and _SESSION_HEADER in request.headers:
                _LOGGER.debug("MCP server %s has forgotten the session", self.name)
                on_end(forgotten=True)

        return on_response
