"""The two streams between a session and a server: what passes is watched, and answers are made readable on the way."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Self

from .listing import mended_listing
from .package import REQUESTS, Item, ReadStream, WriteStream
from .results import mended_result

_MENDED: Final = {"tools/list": mended_listing, "tools/call": mended_result}
_CANCELLED: Final = "notifications/cancelled"
type _Asked = dict[str, str]


def watched(
    read: ReadStream, write: WriteStream, on_end: Callable[[], None], later: Callable[[Item], None]
) -> tuple[Inbound, Outbound]:
    """Both streams of a connection; `on_end` is called when there is nothing more to read.

    `later` takes the items that nobody shall wait for: whoever gives up a call is not held up by a congested server.
    """
    asked: _Asked = {}
    return Inbound(read, asked, on_end), Outbound(write, asked, later)


class _Stream:
    """What both streams have in common: they are closed when their context is left."""

    def __init__(self, inner: ReadStream | WriteStream) -> None:
        self._inner = inner

    async def aclose(self) -> None:
        """Close the stream behind this one."""
        await self._inner.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class Inbound(_Stream):
    """What a server sends."""

    def __init__(self, read: ReadStream, asked: _Asked, on_end: Callable[[], None]) -> None:
        super().__init__(read)
        self._source: AsyncIterator[Item] = aiter(read)
        self._asked = asked
        self._on_end = on_end

    def __aiter__(self) -> AsyncIterator[Item]:
        return self

    async def __anext__(self) -> Item:
        try:
            item = await anext(self._source)
        except Exception:
            self._on_end()
            raise
        if not isinstance(item, Exception):
            self._mend(_body(item))
        return item

    async def receive(self) -> Item:
        """The next item."""
        return await anext(self)

    def _mend(self, body: Any) -> None:
        """The package refuses a whole list for one odd tool, and a whole result for one odd block."""
        if hasattr(body, "method"):
            return
        mend = _MENDED.get(self._asked.pop(str(getattr(body, "id", None)), ""))
        result = getattr(body, "result", None)
        if mend is not None and isinstance(result, dict):
            body.result = mend(result)


class Outbound(_Stream):
    """What a server is sent."""

    def __init__(self, write: WriteStream, asked: _Asked, later: Callable[[Item], None]) -> None:
        super().__init__(write)
        self._write = write
        self._asked = asked
        self._later = later

    async def send(self, item: Item, /) -> None:
        """Send an item, noting the id of a request for whoever asked; what tells of a cancelled call is sent later."""
        body = _body(item)
        request_id, method = getattr(body, "id", None), getattr(body, "method", None)
        if method == _CANCELLED:
            self._later(item)
            return
        if request_id is not None and method is not None:
            if (noted := REQUESTS.get()) is not None:
                noted.append(request_id)
            if method in _MENDED:
                self._asked[str(request_id)] = method
        await self._write.send(item)

    async def forward(self, item: Item) -> None:
        """Send an item that was put off."""
        await self._write.send(item)


def _body(item: Item) -> Any:
    """The message inside an item; version 1 of the package wraps it once more."""
    return getattr(item.message, "root", item.message)
