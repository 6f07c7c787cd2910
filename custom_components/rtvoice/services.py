"""The actions."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import probatio
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.helpers import config_validation as cv

from .bridge.errors import refused
from .bridge.foreign import async_start_foreign
from .bridge.images import async_data_url
from .bridge.live import LiveSession
from .bridge.request import SessionRequest
from .bridge.session import Session
from .bridge.targets import Targets, async_agent, async_check_places, async_targets, places_of, runtime_of
from .const import DOMAIN
from .dialogue import async_setup_dialogue

ATTR_AGENT: Final = "agent"
ATTR_IMAGE: Final = "image"
ATTR_INACTIVITY_TIMEOUT: Final = "inactivity_timeout"
ATTR_INSTRUCTIONS: Final = "instructions"
ATTR_MESSAGE: Final = "message"
ATTR_PROMPT: Final = "prompt"
ATTR_RECORD: Final = "record"
ATTR_SPEECH_SPEED: Final = "speech_speed"
ATTR_SPEED: Final = "speed"
ATTR_TEXT: Final = "text"
ATTR_VOICE: Final = "voice"

_TEXT = probatio.All(cv.string, probatio.Strip, probatio.Length(min=1))

START_SCHEMA: Final = cv.make_entity_service_schema(
    {
        probatio.Optional(ATTR_AGENT): cv.entity_id,
        probatio.Exclusive(ATTR_MESSAGE, "opening"): _TEXT,
        probatio.Exclusive(ATTR_PROMPT, "opening"): _TEXT,
        probatio.Optional(ATTR_INSTRUCTIONS): _TEXT,
        probatio.Optional(ATTR_VOICE): _TEXT,
        probatio.Optional(ATTR_SPEECH_SPEED): probatio.All(probatio.Coerce(float), probatio.Range(min=0.5, max=1.5)),
        probatio.Optional(ATTR_INACTIVITY_TIMEOUT): probatio.All(probatio.Coerce(float), probatio.Range(min=0)),
        probatio.Optional(ATTR_RECORD): cv.boolean,
    }
)
_OURS_ONLY: Final = (ATTR_AGENT, ATTR_VOICE, ATTR_SPEECH_SPEED, ATTR_INACTIVITY_TIMEOUT, ATTR_RECORD)
"""Fields that mean nothing on a satellite of another integration, whose voice assistant listens and speaks."""
PICTURE: Final = probatio.Any(
    cv.string, probatio.Schema({probatio.Required("media_content_id"): cv.string}, extra=probatio.ALLOW_EXTRA)
)

type SessionAction[S: Session] = Callable[[HomeAssistant, ServiceCall, S], Awaitable[None]]


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    async_setup_dialogue(hass)

    async def async_handle_start(call: ServiceCall) -> ServiceResponse:
        return await _async_start(hass, call)

    async def async_handle_stop(call: ServiceCall) -> None:
        sessions = (await async_targets(hass, call)).sessions()
        await asyncio.gather(*(session.async_stop() for session in sessions))

    hass.services.async_register(
        DOMAIN, "start", async_handle_start, START_SCHEMA, supports_response=SupportsResponse.OPTIONAL
    )
    hass.services.async_register(DOMAIN, "stop", async_handle_stop, cv.make_entity_service_schema({}))
    _register_on_sessions(hass, "say", {probatio.Required(ATTR_TEXT): _TEXT}, Targets.live_sessions, _async_say)
    message = {probatio.Required(ATTR_TEXT): _TEXT, probatio.Optional(ATTR_IMAGE): PICTURE}
    _register_on_sessions(hass, "send_message", message, Targets.live_sessions, _async_send_message)
    _register_on_sessions(hass, "interrupt", {}, Targets.sessions, _async_interrupt)
    speed = {probatio.Required(ATTR_SPEED): probatio.All(probatio.Coerce(float), probatio.Range(min=0.25, max=1.5))}
    _register_on_sessions(hass, "set_speech_speed", speed, Targets.sessions, _async_set_speech_speed)


def _register_on_sessions[S: Session](
    hass: HomeAssistant,
    name: str,
    fields: dict[Any, Any],
    sessions_of: Callable[[Targets], list[S]],
    action: SessionAction[S],
) -> None:
    """An action on every running session of the targets that takes it; at least one there must be."""

    async def async_handle(call: ServiceCall) -> None:
        sessions = sessions_of(await async_targets(hass, call))
        if not sessions:
            raise refused("not_in_session")
        await asyncio.gather(*(action(hass, call, session) for session in sessions))

    hass.services.async_register(DOMAIN, name, async_handle, cv.make_entity_service_schema(fields))


async def _async_start(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Start a session on every target; with a response wanted, on one target, and wait until it has ended.

    Whoever waits owns the session: when the waiting is given up, it ends.
    """
    targets = await async_targets(hass, call, foreign=True)
    if targets.foreign and (unusable := [key for key in _OURS_ONLY if key in call.data]):
        raise refused("foreign_fields", satellite=targets.foreign[0], fields=", ".join(unusable))
    request = _request(call)
    agent = await async_agent(hass, call, call.data[ATTR_AGENT]) if ATTR_AGENT in call.data else None
    places = places_of(targets, agent)
    await async_check_places(hass, call, (satellite for satellite, _ in places))
    if not call.return_response:
        starts = [runtime_of(satellite).async_start(satellite, request, who) for satellite, who in places]
        foreign = [async_start_foreign(hass, entity_id, request) for entity_id in targets.foreign]
        await asyncio.gather(*starts, *foreign)
        return None
    if targets.foreign:
        raise refused("foreign_response", satellite=targets.foreign[0])
    if len(places) != 1:
        raise refused("one_target")
    ((satellite, who),) = places
    session = await runtime_of(satellite).async_start(satellite, request, who)
    try:
        return (await session.async_wait_ended()).as_response()
    finally:
        await session.async_stop()


def _request(call: ServiceCall) -> SessionRequest:
    return SessionRequest(
        context=call.context,
        message=call.data.get(ATTR_MESSAGE),
        prompt=call.data.get(ATTR_PROMPT),
        instructions=call.data.get(ATTR_INSTRUCTIONS, ""),
        voice=call.data.get(ATTR_VOICE),
        speech_speed=call.data.get(ATTR_SPEECH_SPEED),
        inactivity_timeout_s=call.data.get(ATTR_INACTIVITY_TIMEOUT),
        record=call.data.get(ATTR_RECORD),
    )


async def _async_say(hass: HomeAssistant, call: ServiceCall, session: LiveSession) -> None:
    await session.async_say(call.data[ATTR_TEXT])


async def _async_send_message(hass: HomeAssistant, call: ServiceCall, session: LiveSession) -> None:
    picture: Any = call.data.get(ATTR_IMAGE)
    image = await async_data_url(hass, picture, call.context) if picture else None
    await session.async_send_message(call.data[ATTR_TEXT], image)


async def _async_interrupt(hass: HomeAssistant, call: ServiceCall, session: Session) -> None:
    await session.async_interrupt()


async def _async_set_speech_speed(hass: HomeAssistant, call: ServiceCall, session: Session) -> None:
    await session.async_set_speech_speed(call.data[ATTR_SPEED])
