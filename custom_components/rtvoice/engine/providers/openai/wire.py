"""An open websocket as a stream of events; its end is an error that says why."""

import asyncio
import logging
import socket
import time
from collections.abc import Coroutine
from typing import Any, Final

import aiohttp
import orjson

from ...conversation.values import ProviderFault
from ...errors import ConnectionFailedError, ConnectionLostError, EngineError
from .faults import Redactor, error_of_close, fault_of
from .fields import Json, part
from .idle import IdleLimit

_LOGGER = logging.getLogger(__name__)

_FRAMES: Final = frozenset({aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY})

_EXPIRY_TOLERANCE_S: Final = 10.0

# Unsent audio belongs in the outbox, where old audio can be dropped, and not in the kernel's buffer.
_UNSENT_BYTES: Final = 16_384


class Wire:
    """Reads events from a websocket that leaves pings to its user, and notices when the peer is gone."""

    def __init__(
        self,
        websocket: aiohttp.ClientWebSocketResponse[bool],
        redact: Redactor,
        *,
        heartbeat_s: float,
        unacknowledged_s: float,
    ) -> None:
        self.established = False
        """Whether a session was set up; decides whether an end is a failure to connect or a lost link."""
        self.unreadable = 0
        """Frames that were dropped because they were no JSON objects."""
        self._websocket = websocket
        self._redact = redact
        self._heartbeat_s = heartbeat_s
        self._idle = IdleLimit(heartbeat_s)
        self._last_fault: ProviderFault | None = None
        self._expires_by: float | None = None
        _set_up(websocket, round(unacknowledged_s * 1000))

    def expect_expiry(self, expires_at: float) -> None:
        """Note the Unix time at which the provider will end the session; 0 if it does not say."""
        if expires_at > time.time():
            self._expires_by = self._now() + expires_at - time.time() - _EXPIRY_TOLERANCE_S

    async def read(self) -> Json:
        """The next event. Raises what the end of the link means."""
        while True:
            # The heartbeat of aiohttp is not used because it leaves a timer behind when a websocket is closed.
            try:
                message = await self._idle.within(self._websocket.receive())
            except TimeoutError:
                message = await self._ask()
            if message.type in _FRAMES:
                if (event := self._parse(message.data)) is not None:
                    self._last_fault = (
                        fault_of(part(event, "error"), self._redact) if event.get("type") == "error" else None
                    )
                    return event
            elif message.type is aiohttp.WSMsgType.PING:
                await self._answer(message.data)
            elif message.type is not aiohttp.WSMsgType.PONG:
                raise self._ended(message.type, message.data, message.extra)

    def close(self) -> None:
        """Nothing is read any more."""
        self._idle.close()

    def write(self, frame: bytes) -> Coroutine[object, object, None]:
        """Write a text frame; waits while the socket is congested. Raises OSError or aiohttp.ClientError."""
        return self._websocket.send_frame(frame, aiohttp.WSMsgType.TEXT)

    async def _ask(self) -> Any:
        """Ask whether the peer is there; gives what comes from it. Raises if nothing does."""
        _LOGGER.debug("Nothing came for %s s, asking whether the peer is there", self._heartbeat_s)
        try:
            async with asyncio.timeout(self._heartbeat_s / 2):
                await self._websocket.ping()
                return await self._websocket.receive()
        except (TimeoutError, OSError) as err:
            kind = ConnectionLostError if self.established else ConnectionFailedError
            raise kind("The provider is not there any more") from err

    async def _answer(self, ping: bytes) -> None:
        try:
            await self._websocket.pong(ping)
        except (OSError, aiohttp.ClientError) as err:
            # What comes next says why.
            _LOGGER.debug("A ping could not be answered: %s", err)

    def _parse(self, frame: bytes | str) -> Json | None:
        try:
            event = orjson.loads(frame)
        except orjson.JSONDecodeError:
            event = None
        if isinstance(event, dict):
            return event
        self.unreadable += 1
        _LOGGER.debug("Dropped a frame of %s bytes that is no event", len(frame))
        return None

    def _ended(self, kind: aiohttp.WSMsgType, payload: object, extra: object) -> EngineError:
        code, reason = None, ""
        if kind is aiohttp.WSMsgType.CLOSE:
            # A close frame without a code has none, which aiohttp calls 0.
            code = payload or None if isinstance(payload, int) else None
            reason = self._redact(extra) if isinstance(extra, str) else ""
        fault = self._last_fault
        if code == aiohttp.WSCloseCode.GOING_AWAY and fault is None and self._is_due():
            # Not every expiry is announced by an error.
            fault = ProviderFault("session_expired", reason or "The session reached its maximum length")
        error = error_of_close(code, reason, fault, established=self.established)
        error.__cause__ = payload if isinstance(payload, Exception) else self._websocket.exception()
        return error

    def _is_due(self) -> bool:
        return self._expires_by is not None and self._now() >= self._expires_by

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _set_up(websocket: aiohttp.ClientWebSocketResponse[bool], unacknowledged_ms: int) -> None:
    """Have the kernel keep little unsent, and notice soon that the other machine is gone."""
    connected = websocket.get_extra_info("socket")
    if connected is None:
        return
    wanted = (("TCP_NOTSENT_LOWAT", _UNSENT_BYTES), ("TCP_USER_TIMEOUT", unacknowledged_ms))
    for name, value in wanted:
        option = getattr(socket, name, None)
        if option is None:
            continue
        try:
            connected.setsockopt(socket.IPPROTO_TCP, option, value)
        except OSError as err:
            _LOGGER.debug("The kernel does not take %s: %s", name, err)
