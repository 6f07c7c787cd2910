import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from custom_components.rtvoice.engine.mcp import ServerUnavailableError
from custom_components.rtvoice.engine.mcp.discretion import Discretion
from custom_components.rtvoice.engine.mcp.errors import LinkLostError, RemoteError, reason_of
from custom_components.rtvoice.engine.mcp.link import Link
from custom_components.rtvoice.engine.mcp.package import Package, Session, Streams
from tests.engine.mcp.rig import odd


@asynccontextmanager
async def nowhere(package: Package, on_end: object) -> AsyncIterator[Streams]:
    raise OSError("no way")
    yield


async def fine(session: Session) -> str:
    return "fine"


async def test_a_transport_that_fails_is_the_reason() -> None:
    events: list[Link] = []
    link = Link("x", nowhere, events.append, Discretion())
    await link.close()
    with pytest.raises(ServerUnavailableError, match="OSError: no way"):
        await link.open()
    assert events == [link]
    assert not link.was_open
    with pytest.raises(ServerUnavailableError, match="no way"):
        await link.request(fine, 1)
    await link.close()


async def test_a_request_that_finds_the_connection_ended_ends_it() -> None:
    async def find_it_ended(session: Session) -> str:
        raise LinkLostError

    async with odd("fine") as server:
        link = server._link
        assert link is not None
        assert await link.request(fine, 1) == "fine"
        with pytest.raises(ServerUnavailableError, match="the connection ended"):
            await link.request(find_it_ended, 1)
        assert not link.is_open
        await server.connect()
        assert await server.call_tool("ok") == "ok"


class RefusalError(Exception):
    """What an HTTP library raises: its text holds the address."""

    def __init__(self) -> None:
        super().__init__("401 for http://host/?token=secret")
        self.response = type("Response", (), {"status_code": 401})()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ExceptionGroup("g", [ExceptionGroup("h", [RefusalError()])]), "it answered with HTTP status 401"),
        (TimeoutError("x"), "it did not answer in time"),
        (asyncio.IncompleteReadError(b"", 1), "IncompleteReadError: 0 bytes read on a total of 1 expected bytes"),
        (LinkLostError(), "the connection ended"),
        (RemoteError("go away", 5), "go away"),
        (ServerUnavailableError("it is asleep"), "it is asleep"),
    ],
)
def test_reasons_are_told_in_words(error, words) -> None:
    assert reason_of(error) == words
