"""The `mcp` package, in either of its major versions that Home Assistant pins: 1.28 and 2.

It is imported late and in a thread, because that takes about a second. What differs between the versions is dealt with
here and nowhere else.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from typing import Any, Final, Protocol

from .bounds import UnfitAnswerError, bounded, check_encoding
from .discretion import hush
from .errors import LinkLostError, RemoteError

type Json = dict[str, Any]
type Item = Any
"""A `SessionMessage` of the package, or an exception."""
type Notice = Callable[[str], None]

METHOD_NOT_FOUND: Final = -32601
_PARSE_ERROR: Final = -32700
"""Version 2 of the package says so of answers, and repeats pieces of them."""
_CONNECTION_CLOSED: Final = -32000
_STREAM_READ_S: Final = 300.0
_MAX_REDIRECTS: Final = 5
_EVENT_ID: Final = re.compile(rb"^id:", re.MULTILINE)

REQUESTS: ContextVar[list[int | str] | None] = ContextVar("REQUESTS", default=None)
"""Where the ids of the requests that are sent in this context are noted."""


class ReadStream(Protocol):
    """What a session reads from."""

    def __aiter__(self) -> AsyncIterator[Item]:
        """Items until the connection ends."""

    async def aclose(self) -> None:
        """Stop reading."""


class WriteStream(Protocol):
    """What a session writes to."""

    async def send(self, item: Item, /) -> None:
        """Send an item; waits while the connection is congested."""

    async def aclose(self) -> None:
        """Stop writing."""


type Streams = tuple[ReadStream, WriteStream]


class Session:
    """A session of the package, speaking plain JSON."""

    def __init__(self, package: Package, session: Any) -> None:
        self._package = package
        self._session = session
        self.cancels_by_itself = package.version > 1
        """Whether the server is told when a request is given up."""

    async def initialize(self) -> str:
        """Shake hands; return the name that the server gives itself."""
        result = await self._package.answer(self._session.initialize())
        return str((result.get("serverInfo") or {}).get("name", ""))

    async def list_page(self, cursor: str | None) -> Json:
        """One page of the list of tools."""
        types = self._package.types
        params = None if cursor is None else types.PaginatedRequestParams(cursor=cursor)
        return await self._package.answer(self._session.list_tools(params=params))

    async def call(self, name: str, arguments: Mapping[str, object]) -> Json:
        """Call a tool."""
        return await self._package.answer(self._session.call_tool(name, dict(arguments)))

    async def cancel(self, request_id: int | str) -> None:
        """Tell the server that nobody waits for an answer any more."""
        types = self._package.types
        params = {"requestId": request_id, "reason": "The caller gave up"}
        notification = types.CancelledNotification.model_validate(
            {"method": "notifications/cancelled", "params": params}
        )
        if self._package.version == 1:
            notification = types.ClientNotification(notification)
        await self._session.send_notification(notification)


class Package:
    """The package's modules and what is needed of them."""

    def __init__(self) -> None:
        mcp = import_module("mcp")
        self.version = 2 if hasattr(mcp, "MCPError") else 1
        self.types: Any = import_module("mcp.types")
        self._message: Any = import_module("mcp.shared.message")
        self._session: Any = import_module("mcp.client.session")
        self._sse: Any = import_module("mcp.client.sse")
        self._streamable: Any = import_module("mcp.client.streamable_http")
        self._httpx: Any = import_module("httpx" if self.version == 1 else "httpx2")
        self._anyio: Any = import_module("anyio")
        # The first use imports the part for asyncio, which must not happen on the event loop either.
        self._anyio.run(self._anyio.sleep, 0)
        hush()
        self._error: type[Exception] = mcp.McpError if self.version == 1 else mcp.MCPError

    @asynccontextmanager
    async def session(self, read: ReadStream, write: WriteStream, on_notice: Notice) -> AsyncGenerator[Session]:
        """A session over two streams; `on_notice` is told the method of each notification."""

        async def on_message(message: Any) -> None:
            method = getattr(getattr(message, "root", message), "method", None)
            if isinstance(method, str):
                on_notice(method)

        client = self.types.Implementation(name="rtvoice", version="0.1.0")
        async with self._session.ClientSession(read, write, message_handler=on_message, client_info=client) as session:
            yield Session(self, session)

    async def answer(self, request: Awaitable[Any]) -> Json:
        """Await a request's answer as JSON. Raises RemoteError or LinkLostError."""
        try:
            result = await request
            answer: Json = result.model_dump(by_alias=True, mode="json")
        except self._error as err:
            fault: Any = err
            if fault.error.code == _CONNECTION_CLOSED:
                raise LinkLostError from err
            if fault.error.code == _PARSE_ERROR:
                raise RemoteError("its answer cannot be understood", _PARSE_ERROR) from err
            raise RemoteError(str(fault.error.message), int(fault.error.code)) from err
        except (self._anyio.ClosedResourceError, self._anyio.BrokenResourceError, OSError) as err:
            raise LinkLostError from err
        except (ValueError, RuntimeError) as err:
            # pydantic's errors are ValueErrors; the package raises RuntimeError for what it does not understand.
            raise RemoteError(f"its answer cannot be understood ({type(err).__name__})") from err
        return answer

    def decode(self, line: bytes) -> Item:
        """One line of JSON as an item. Raises ValueError."""
        if self.version == 1:
            message = self.types.JSONRPCMessage.model_validate_json(line)
        else:
            message = self.types.jsonrpc_message_adapter.validate_json(line, by_name=False)
        return self._message.SessionMessage(message)

    def encode(self, item: Item) -> bytes:
        """One item as a line of JSON."""
        text: str = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        return text.encode() + b"\n"

    @asynccontextmanager
    async def http(
        self, url: str, headers: Mapping[str, str], timeout_s: float, on_response: Callable[[Any], Awaitable[None]]
    ) -> AsyncGenerator[Streams]:
        """Streams over streamable HTTP."""
        client = await asyncio.to_thread(self._http_client, headers, timeout_s, on_response)
        async with client, self._streamable.streamable_http_client(url, http_client=client) as streams:
            yield streams[0], streams[1]

    @asynccontextmanager
    async def sse(
        self, url: str, headers: Mapping[str, str], timeout_s: float, on_response: Callable[[Any], Awaitable[None]]
    ) -> AsyncGenerator[Streams]:
        """Streams over HTTP with server-sent events, the older transport."""
        client = await asyncio.to_thread(self._http_client, headers, timeout_s, on_response)
        async with self._sse.sse_client(url, httpx_client_factory=lambda **_: client) as streams:
            yield streams[0], streams[1]

    def bound(self, response: Any, on_end: Callable[[str | None], None]) -> None:
        """Let a response that has just begun fail where it cannot be bounded; `on_end` is told why then.

        It is also called when a stream of events breaks off that was to bring an answer: version 1 of the package tells
        nobody. It reads no further than the answer, and goes on elsewhere with a stream whose events have ids.
        """
        events = response.headers.get("content-type", "").lower().startswith("text/event-stream")
        brings_answer = events and response.request.method == "POST"
        inner = response.stream

        async def chunks(_stream: object) -> AsyncGenerator[bytes]:
            lost = brings_answer
            try:
                check_encoding(response.headers.get("content-encoding"))
                async for chunk in bounded(aiter(inner), events=events):
                    lost = lost and _EVENT_ID.search(chunk) is None
                    yield chunk
            except Exception as err:
                unfit = isinstance(err, UnfitAnswerError)
                if lost or unfit:
                    on_end(str(err) if unfit else None)
                raise
            else:
                if lost:
                    on_end(None)

        async def close(_stream: object) -> None:
            await inner.aclose()

        kind = type("Bounded", (self._httpx.AsyncByteStream,), {"__aiter__": chunks, "aclose": close})
        response.stream = kind()

    def _http_client(
        self, headers: Mapping[str, str], timeout_s: float, on_response: Callable[[Any], Awaitable[None]]
    ) -> Any:
        """A client for one server. It reads certificates from disk."""
        return self._httpx.AsyncClient(
            headers={"Accept-Encoding": "identity", **headers},
            auth=type("WithinOrigin", (self._httpx.Auth,), {"async_auth_flow": _within_origin})(),
            event_hooks={"response": [on_response]},
            follow_redirects=False,
            timeout=self._httpx.Timeout(timeout_s, read=_STREAM_READ_S),
            verify=ssl.create_default_context(),
        )


async def load() -> Package:
    """Import the package off the event loop. Raises ImportError where it is not installed."""
    return await asyncio.to_thread(_loaded)


@cache
def _loaded() -> Package:
    return Package()


async def _within_origin(_auth: object, request: Any) -> AsyncGenerator[Any, Any]:
    """Follow redirects that lead to the same server with the same method; headers must go nowhere else."""
    response = yield request
    for _ in range(_MAX_REDIRECTS):
        following = response.next_request
        if following is None or _origin(following) != _origin(request):
            return
        response = yield following


def _origin(request: Any) -> tuple[str, str, str, int | None]:
    return request.method, request.url.scheme, request.url.host, request.url.port
