"""A session at a provider over a websocket."""

import asyncio
import logging
import socket
from asyncio.trsock import TransportSocket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, override

import aiohttp

from ...audio.frame import SAMPLE_BYTES
from ...conversation.effects import ModelCommand
from ...conversation.facts import ModelEvent, RequestRejected, ResponseFinished
from ...conversation.values import Capabilities
from ...errors import WireError
from ...options import SessionOptions
from ...ports import Connection
from .admission import admitted
from .codec import Decoder, Encoder
from .endpoint import Endpoint
from .faults import ends_account, ends_session, error_of_fault
from .fields import Json
from .handshake import set_up
from .http import TRANSPORT_ERRORS, Http, failure_of, refusal_in_words
from .outbox import Outbox
from .wire import Wire

_LOGGER = logging.getLogger(__name__)

MAX_UNSENT_AUDIO_S: Final = 2.0
"""Microphone audio kept while the socket is congested."""

_CLOSED: Final = -1
"""What a closed socket has for a file number."""

_POLL_S: Final = 0.005


class OpenAIConnection(Connection):
    """A session that is set up; made by `open_connection`."""

    def __init__(
        self, wire: Wire, encoder: Encoder, decoder: Decoder, early: list[Json], *, input_rate_hz: int, session_s: float
    ) -> None:
        self._wire = wire
        self._encoder = encoder
        self._decoder = decoder
        self._early = early
        self._session_s = session_s
        self._unreadable = 0
        self._byte_rate = input_rate_hz * SAMPLE_BYTES
        self.outbox = Outbox(wire.write, limit_bytes=int(MAX_UNSENT_AUDIO_S * self._byte_rate))

    @property
    def metadata_echoed(self) -> bool:
        """Whether a response ever came back with the id of its request."""
        return self._decoder.metadata_echoed

    def learned(self, believed: Capabilities) -> Capabilities:
        """What is known of the server after this session, and what later sessions can rely on."""
        echoes = believed.echoes_metadata or self._decoder.metadata_echoed
        return replace(believed, echoes_metadata=echoes, session_s=min(believed.session_s, self._session_s))

    @property
    def unreadable_events(self) -> int:
        """Events that were dropped because they could not be read."""
        return self._wire.unreadable + self._unreadable

    @property
    def ignored_events(self) -> int:
        """Events that the conversation has no use for."""
        return self._decoder.ignored

    @override
    async def send(self, command: ModelCommand) -> None:
        await self.outbox.put(self._encoder.encode(command))

    @override
    def send_audio(self, pcm: bytes) -> None:
        self.outbox.put_audio(pcm)

    @override
    async def audio_taken(self) -> None:
        await self.outbox.written()

    @override
    async def receive(self) -> AsyncIterator[ModelEvent]:
        while True:
            event = self._early.pop(0) if self._early else await self._wire.read()
            fact = self._decode(event)
            if isinstance(fact, RequestRejected) and ends_session(fact.fault, fact.request_id):
                raise error_of_fault(fact.fault, established=True)
            if fact is not None:
                yield fact
            if isinstance(fact, ResponseFinished) and fact.fault is not None and ends_account(fact.fault):
                raise error_of_fault(fact.fault, established=True)

    def _decode(self, event: Json) -> ModelEvent | None:
        try:
            return self._decoder.decode(event, self.outbox.offered_bytes * 1000 / self._byte_rate)
        except WireError as err:
            self._unreadable += 1
            _LOGGER.debug("Dropped an event that cannot be read: %s", err)
            return None


@asynccontextmanager
async def open_connection(http: Http, endpoint: Endpoint, options: SessionOptions) -> AsyncIterator[OpenAIConnection]:
    """Open a session, ready for audio. Raises what kept it from being set up."""
    async with http.in_use(), _opened(http, endpoint, options) as connection:
        yield connection


@asynccontextmanager
async def _opened(http: Http, endpoint: Endpoint, options: SessionOptions) -> AsyncIterator[OpenAIConnection]:
    endpoint = await admitted(endpoint)
    secrets = (secret for server in options.mcp_servers for secret in server.secrets)
    endpoint = replace(endpoint, redact=endpoint.redact.knowing(*secrets))
    greet_by = asyncio.get_running_loop().time() + endpoint.timeouts.greet_s
    websocket = await _connect(http, endpoint, options.model)
    wire = Wire(
        websocket,
        endpoint.redact,
        heartbeat_s=endpoint.timeouts.heartbeat_s,
        unacknowledged_s=endpoint.timeouts.unacknowledged_s,
    )
    try:
        dialect, early = await set_up(wire, endpoint, options, greet_by=greet_by)
        # What the audio is like was agreed on before the server showed what it speaks.
        rate_hz = endpoint.dialect.capabilities.input_rate_hz
        codec = Encoder(dialect.style, options), Decoder(endpoint.redact)
        session_s = dialect.capabilities.session_s
        connection = OpenAIConnection(wire, *codec, early, input_rate_hz=rate_hz, session_s=session_s)
        # A task of its own and not of a task group, which would wrap the errors of whoever uses the connection.
        writer = asyncio.create_task(connection.outbox.run(), name="provider-writer")
        try:
            yield connection
        finally:
            writer.cancel()
            await asyncio.wait([writer])
    finally:
        wire.close()
        await _close(websocket, endpoint.timeouts.close_s)


async def _connect(http: Http, endpoint: Endpoint, model: str) -> aiohttp.ClientWebSocketResponse[bool]:
    timeouts = endpoint.timeouts
    status = None
    try:
        async with asyncio.timeout(timeouts.greet_s):
            session = await http.session()
            return await session.ws_connect(
                endpoint.realtime(model),
                headers=endpoint.headers,
                autoping=False,
                timeout=aiohttp.ClientWSTimeout(ws_close=timeouts.close_s),
                autoclose=False,  # closing waits for the peer, which is done once and in bounded time, at the end
                max_msg_size=0,
                compress=0,
                decode_text=False,
            )
    except TRANSPORT_ERRORS as err:
        failure = failure_of(err, endpoint)
        if isinstance(err, aiohttp.WSServerHandshakeError):
            status = err.status
    if status is not None:
        failure = await refusal_in_words(http, endpoint, model, status) or failure
    raise failure


async def _close(websocket: aiohttp.ClientWebSocketResponse[bool], close_s: float) -> None:
    """Say goodbye and wait until the socket is closed; cut it when that takes too long or is cancelled."""
    connected = websocket.get_extra_info("socket")
    try:
        async with asyncio.timeout(close_s):
            await websocket.close()
            # A transport that still has something to send stays open, for as long as a stalled peer likes.
            while connected is not None and connected.fileno() != _CLOSED:  # noqa: ASYNC110 transports tell nobody
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        _LOGGER.debug("The provider did not take the close frame in time")
    finally:
        if connected is not None and connected.fileno() != _CLOSED:
            _cut(connected)


def _cut(connected: TransportSocket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError as err:
        _LOGGER.debug("The socket was gone already: %s", err)
