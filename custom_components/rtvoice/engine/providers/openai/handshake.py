"""From an open websocket to a session that is ready for audio."""

import asyncio
import logging

import orjson

from ...conversation.values import ProviderFault
from ...errors import ConnectionFailedError, EngineError
from ...options import SessionOptions
from .codec import update_of, without
from .endpoint import Endpoint
from .faults import Cause, cause_of, error_of_fault, fault_of
from .fields import Json, number, optional_text, part
from .http import TRANSPORT_ERRORS
from .wire import Wire

_LOGGER = logging.getLogger(__name__)


async def set_up(wire: Wire, endpoint: Endpoint, options: SessionOptions, *, greet_by: float) -> list[Json]:
    """Wait for the server's greeting until the loop's time is `greet_by`, then have the settings taken over.

    Returns the events that came in between. Raises what kept the session from being set up.
    """
    await _greeted(wire, endpoint, greet_by)
    early = await _configured(wire, endpoint, options)
    wire.established = True
    return early


async def _greeted(wire: Wire, endpoint: Endpoint, greet_by: float) -> None:
    try:
        async with asyncio.timeout_at(greet_by):
            while True:
                event = await wire.read()
                if event.get("type") in endpoint.dialect.greetings:
                    wire.expect_expiry(number(part(event, "session"), "expires_at"))
                    return
                if event.get("type") == "error":
                    fault = fault_of(part(event, "error"), endpoint.redact)
                    raise error_of_fault(fault, established=False)
    except TimeoutError as err:
        raise ConnectionFailedError(f"{endpoint.root.host} opened no session in time") from err


async def _configured(wire: Wire, endpoint: Endpoint, options: SessionOptions) -> list[Json]:
    session = endpoint.dialect.session_of(options)
    early: list[Json] = []
    attempt = 1
    # Each round drops one of the few settings that can be spared, so there is a last one.
    while (fault := await _refusal(wire, endpoint, session, f"setup-{attempt}", early)) is not None:
        smaller = without(session, fault.param) if fault.param is not None else None
        if smaller is None:
            raise _refused(fault)
        _LOGGER.debug("The provider does not take %s, going on without it", fault.param)
        session = smaller
        attempt += 1
    return early


async def _refusal(
    wire: Wire, endpoint: Endpoint, session: dict[str, object], request_id: str, early: list[Json]
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
    told = ProviderFault(fault.code, f"The provider refuses the settings{where}: {fault.message}", fault.param)
    return error_of_fault(told, established=False, cause=cause_of(fault) or Cause.CONFIGURATION)
