"""What cannot be made to happen on a real socket at the right moment: writes that fail between two reads."""

import asyncio
from contextlib import closing

import aiohttp
import pytest

from custom_components.rtvoice.engine.errors import AuthenticationError, ConnectionFailedError, ConnectionLostError
from custom_components.rtvoice.engine.options import SessionOptions
from custom_components.rtvoice.engine.providers.openai.dialect import OPENAI, TIMEOUTS
from custom_components.rtvoice.engine.providers.openai.endpoint import Endpoint
from custom_components.rtvoice.engine.providers.openai.faults import PLAIN
from custom_components.rtvoice.engine.providers.openai.handshake import set_up
from custom_components.rtvoice.engine.providers.openai.wire import Wire

CREATED = aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, b'{"type":"session.created"}', None)
PING = aiohttp.WSMessage(aiohttp.WSMsgType.PING, b"", None)
REFUSED = aiohttp.WSMessage(aiohttp.WSMsgType.CLOSE, 3000, "invalid_request_error.invalid_api_key")


class Socket:
    """A websocket with messages to read, on which nothing can be written."""

    def __init__(self, *messages: aiohttp.WSMessage, option: object = None) -> None:
        self.messages = list(messages)
        self.option = option

    async def receive(self) -> aiohttp.WSMessage:
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send_frame(self, *_) -> None:
        raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")

    async def ping(self) -> None:
        await self.send_frame()

    async def pong(self, _) -> None:
        await self.send_frame()

    def exception(self) -> None:
        return None

    def get_extra_info(self, _) -> object:
        return self.option


def wire(*messages: aiohttp.WSMessage, heartbeat_s: float = 30, option: object = None) -> Wire:
    return Wire(Socket(*messages, option=option), PLAIN, heartbeat_s=heartbeat_s, unacknowledged_s=8)


async def test_settings_that_cannot_be_sent_are_followed_by_the_reason() -> None:
    endpoint = Endpoint.at("http://h", OPENAI, timeouts=TIMEOUTS)
    greet_by = asyncio.get_running_loop().time() + 5
    with closing(wire(CREATED, REFUSED)) as refused, pytest.raises(AuthenticationError):
        await set_up(refused, endpoint, SessionOptions(), greet_by=greet_by)


async def test_a_close_frame_without_a_code_is_told_as_one() -> None:
    # aiohttp says 0, which is no code.
    wordless = aiohttp.WSMessage(aiohttp.WSMsgType.CLOSE, 0, "")
    reason = r"closed the connection \(without a word\)"
    with closing(wire(wordless)) as closed, pytest.raises(ConnectionFailedError, match=reason):
        await closed.read()


async def test_a_ping_that_cannot_be_answered_is_followed_by_the_reason() -> None:
    with closing(wire(PING, REFUSED)) as refused, pytest.raises(AuthenticationError):
        await refused.read()


@pytest.mark.parametrize(("established", "error"), [(True, ConnectionLostError), (False, ConnectionFailedError)])
async def test_a_ping_that_cannot_be_sent_is_the_end(established, error) -> None:
    silent = wire(heartbeat_s=0.01)
    silent.established = established
    with pytest.raises(error) as raised:
        await silent.read()
    assert isinstance(raised.value.__cause__, aiohttp.ClientConnectionResetError)


async def test_a_socket_without_the_option_works_all_the_same() -> None:
    class Refusing:
        def setsockopt(self, *_) -> None:
            raise OSError("Protocol not available")

    with closing(wire(CREATED, option=Refusing())) as works:
        assert (await works.read())["type"] == "session.created"
