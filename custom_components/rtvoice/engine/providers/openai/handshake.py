"""From an open websocket to a session that is ready for audio."""

import asyncio
import logging
from dataclasses import replace
from typing import Final

import orjson

from ...conversation.values import ProviderFault
from ...errors import ConnectionFailedError, EngineError
from ...options import SessionOptions
from .codec import update_of
from .dialect import Dialect, recognised
from .endpoint import Endpoint
from .faults import Cause, cause_of, error_of_fault, fault_of
from .fields import Json, number, optional_text, part
from .http import TRANSPORT_ERRORS
from .style import Settings, Style
from .wire import Wire

_LOGGER = logging.getLogger(__name__)

_CREATED: Final = "session.created"
_SHOWING: Final = frozenset({_CREATED, "session.updated"})


async def set_up(
    wire: Wire, endpoint: Endpoint, options: SessionOptions, *, greet_by: float
) -> tuple[Dialect, list[Json]]:
    """Wait for the server's greeting until the loop's time is `greet_by`, then have the settings taken over.

    Returns the dialect that the server speaks, and the events that came in between. Raises what kept the session
    from being set up.
    """
    dialect = await _greeted(wire, endpoint, greet_by)
    early = await _configured(wire, endpoint, dialect.style, options)
    wire.established = True
    return dialect, early


async def _greeted(wire: Wire, endpoint: Endpoint, greet_by: float) -> Dialect:
    dialect = endpoint.dialect
    try:
        async with asyncio.timeout_at(greet_by):
            greeting = await _event_of(wire, endpoint, dialect.greetings)
    except TimeoutError as err:
        raise ConnectionFailedError(f"{endpoint.root.host} opened no session in time") from err
    if dialect.guessed and greeting.get("type") != _CREATED:
        try:
            async with asyncio.timeout(endpoint.timeouts.unconfirmed_s):
                greeting = await _event_of(wire, endpoint, frozenset({_CREATED}))
        except TimeoutError:
            _LOGGER.debug("%s does not show its session, going on", endpoint.root.host)
    session = part(greeting, "session")
    wire.expect_expiry(number(session, "expires_at"))
    if not dialect.guessed:
        return dialect
    found = recognised(session)
    _LOGGER.debug("%s is taken to speak the dialect %s", endpoint.root.host, found.name)
    return found


async def _event_of(wire: Wire, endpoint: Endpoint, kinds: frozenset[str]) -> Json:
    while True:
        event = await wire.read()
        if optional_text(event, "type") in kinds:
            return event
        if event.get("type") == "error":
            raise error_of_fault(fault_of(part(event, "error"), endpoint.redact), established=False)


async def _configured(wire: Wire, endpoint: Endpoint, style: Style, options: SessionOptions) -> list[Json]:
    session = style.session_of(options)
    early: list[Json] = []
    attempt = 1
    # Each round drops one of the few settings that can be spared, so there is a last one.
    while (fault := await _refusal(wire, endpoint, session, f"setup-{attempt}", early)) is not None:
        smaller = style.without(session, fault.param) if fault.param is not None else None
        if smaller is None:
            raise _refused(fault)
        _LOGGER.debug("The provider does not take %s, going on without it", fault.param)
        session = smaller
        attempt += 1
    return early


async def _refusal(
    wire: Wire, endpoint: Endpoint, session: Settings, request_id: str, early: list[Json]
) -> ProviderFault | None:
    """Send the settings and wait until they are refused, or taken over (None)."""
    known = endpoint.dialect.confirms_settings
    wait_s = endpoint.timeouts.configure_s if known else endpoint.timeouts.unconfirmed_s
    try:
        async with asyncio.timeout(wait_s):
            await _write(wire, orjson.dumps(update_of(session, request_id)))
            while True:
                event = await wire.read()
                error = part(event, "error")
                if optional_text(event, "type") in _SHOWING:
                    wire.expect_expiry(number(part(event, "session"), "expires_at"))
                if event.get("type") == "session.updated":
                    return None
                if event.get("type") == "error" and optional_text(error, "event_id") in (request_id, None):
                    return fault_of(error, endpoint.redact)
                early.append(event)
    except TimeoutError as err:
        if known:
            raise ConnectionFailedError(f"{endpoint.root.host} did not confirm the settings in time") from err
        _LOGGER.debug("%s did not confirm the settings, going on", endpoint.root.host)
        return None


async def _write(wire: Wire, frame: bytes) -> None:
    try:
        await wire.write(frame)
    except TRANSPORT_ERRORS as err:
        # The close frame, which is read next, says why.
        _LOGGER.debug("The settings could not be sent: %s", err)


def _refused(fault: ProviderFault) -> EngineError:
    where = f" ({fault.param})" if fault.param is not None else ""
    told = replace(fault, message=f"The provider refuses the settings{where}: {fault.message}")
    return error_of_fault(told, established=False, cause=cause_of(fault) or Cause.CONFIGURATION)
