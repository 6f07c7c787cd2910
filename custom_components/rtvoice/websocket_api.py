"""Commands for the card and other clients; docs/browser-protocol.md says what they are for."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

import probatio
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.components.websocket_api import async_register_command
from homeassistant.components.websocket_api.connection import ActiveConnection
from homeassistant.components.websocket_api.const import ERR_NOT_ALLOWED, ERR_NOT_FOUND
from homeassistant.components.websocket_api.decorators import async_response, websocket_command
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import config_validation as cv

from .bridge.browser.view import async_make_url
from .bridge.live import LiveSession
from .bridge.onlooker import Onlooker, Telling, agent_told
from .bridge.parties import Agent, Satellite
from .bridge.request import SessionRequest
from .bridge.targets import agent_of_entity, async_satellite_of, async_satellites, runtime_of
from .const import DOMAIN, KIND_BROWSER
from .services import ATTR_AGENT, ATTR_MESSAGE, ATTR_PROMPT, ATTR_TEXT

ATTR_ENTITY: Final = "entity_id"
ATTR_MUTED: Final = "muted"

_TEXT = probatio.All(cv.string, probatio.Strip, probatio.Length(min=1))

type Message = dict[str, Any]
type Answer = dict[str, Any] | None


class _RefusedError(Exception):
    """A command that makes no sense here."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@callback
def async_setup_websocket_api(hass: HomeAssistant) -> None:
    """Register the commands."""
    async_register_command(hass, _satellites)
    async_register_command(hass, _subscribe)
    for command in (_start, _stop, _interrupt, _send_message, _set_muted, _connect):
        async_register_command(hass, command)


@websocket_command({probatio.Required("type"): f"{DOMAIN}/satellites"})
@callback
def _satellites(hass: HomeAssistant, connection: ActiveConnection, message: Message) -> None:
    """List the satellites that the user may look at."""
    told = []
    for satellite in async_satellites(hass):
        entity_id = satellite.async_entity_id(hass)
        if entity_id is None or not connection.user.permissions.check_entity(entity_id, POLICY_READ):
            continue
        can_control = connection.user.permissions.check_entity(entity_id, POLICY_CONTROL)
        told.append(_satellite(hass, satellite, entity_id, can_control=can_control))
    connection.send_result(message["id"], {"satellites": told})


@websocket_command(
    {probatio.Required("type"): f"{DOMAIN}/session/subscribe", probatio.Required(ATTR_ENTITY): cv.entity_id}
)
@callback
def _subscribe(hass: HomeAssistant, connection: ActiveConnection, message: Message) -> None:
    """Tell what goes on at a satellite until the client has heard enough."""
    entity_id, message_id = message[ATTR_ENTITY], message["id"]
    try:
        satellite = _find(hass, connection, entity_id, POLICY_READ)
    except _RefusedError as refusal:
        connection.send_error(message_id, refusal.code, str(refusal))
        return

    def tell(telling: Telling) -> None:
        connection.send_event(message_id, telling)

    def may_look() -> bool:
        return connection.user.permissions.check_entity(entity_id, POLICY_READ)

    onlooker = Onlooker(hass, satellite, tell, may_look)
    connection.subscriptions[message_id] = onlooker.stop
    connection.send_result(message_id)
    onlooker.start()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a client asks for, of a satellite that its user may control."""

    hass: HomeAssistant
    connection: ActiveConnection
    message: Message
    satellite: Satellite


type Action = Callable[[_Asked], Coroutine[Any, Any, Answer]]


def _controlling(
    name: str, fields: dict[Any, Any]
) -> Callable[[Action], Callable[[HomeAssistant, ActiveConnection, Message], None]]:
    """A command that acts on a satellite, which takes the user's control of it."""

    def decorate(action: Action) -> Callable[[HomeAssistant, ActiveConnection, Message], None]:
        @websocket_command(
            {
                probatio.Required("type"): f"{DOMAIN}/{name}",
                probatio.Required(ATTR_ENTITY): cv.entity_id,
                **fields,
            }
        )
        @async_response
        @wraps(action)
        async def act(hass: HomeAssistant, connection: ActiveConnection, message: Message) -> None:
            try:
                satellite = _find(hass, connection, message[ATTR_ENTITY], POLICY_CONTROL)
                answer = await action(_Asked(hass, connection, message, satellite))
            except _RefusedError as refusal:
                connection.send_error(message["id"], refusal.code, str(refusal))
            else:
                connection.send_result(message["id"], answer)

        return act

    return decorate


@_controlling(
    "session/start",
    {
        probatio.Exclusive(ATTR_MESSAGE, "opening"): _TEXT,
        probatio.Exclusive(ATTR_PROMPT, "opening"): _TEXT,
        probatio.Optional(ATTR_AGENT): cv.entity_id,
    },
)
async def _start(asked: _Asked) -> Answer:
    message = asked.message
    request = SessionRequest(
        context=asked.connection.context(message), message=message.get(ATTR_MESSAGE), prompt=message.get(ATTR_PROMPT)
    )
    agent = _agent(asked, message[ATTR_AGENT]) if ATTR_AGENT in message else None
    session = await runtime_of(asked.satellite).async_start(asked.satellite, request, agent)
    return {"session_id": session.session_id}


@_controlling("session/stop", {})
async def _stop(asked: _Asked) -> Answer:
    runtime = runtime_of(asked.satellite)
    await runtime.async_stop(runtime.sessions_of(asked.satellite))
    return None


@_controlling("session/interrupt", {})
async def _interrupt(asked: _Asked) -> Answer:
    await _session(asked.satellite).async_interrupt()
    return None


@_controlling("session/send_message", {probatio.Required(ATTR_TEXT): _TEXT})
async def _send_message(asked: _Asked) -> Answer:
    await _session(asked.satellite).async_send_message(asked.message[ATTR_TEXT])
    return None


@_controlling("session/set_muted", {probatio.Required(ATTR_MUTED): bool})
async def _set_muted(asked: _Asked) -> Answer:
    await runtime_of(asked.satellite).async_set_muted(asked.satellite, muted=asked.message[ATTR_MUTED])
    return None


@_controlling("browser/connect", {})
async def _connect(asked: _Asked) -> Answer:
    if asked.satellite.options.kind != KIND_BROWSER:
        raise _RefusedError(ERR_NOT_ALLOWED, "This satellite is not in a browser")
    url = async_make_url(
        asked.hass, asked.connection.user, asked.connection.refresh_token_id, asked.message[ATTR_ENTITY]
    )
    return {"url": url}


def _find(hass: HomeAssistant, connection: ActiveConnection, entity_id: str, policy: str) -> Satellite:
    """The satellite whose entity this is. Raises Unauthorized, whether there is one or not, and _RefusedError."""
    if not connection.user.permissions.check_entity(entity_id, policy):
        raise Unauthorized(entity_id=entity_id, permission=policy)
    if (satellite := async_satellite_of(hass, entity_id)) is None:
        raise _RefusedError(ERR_NOT_FOUND, "There is no such satellite")
    return satellite


def _agent(asked: _Asked, entity_id: str) -> Agent:
    """The agent whose entity this is. Raises Unauthorized, whether there is one or not, and ServiceValidationError."""
    if not asked.connection.user.permissions.check_entity(entity_id, POLICY_CONTROL):
        raise Unauthorized(entity_id=entity_id, permission=POLICY_CONTROL)
    return agent_of_entity(asked.hass, entity_id)


def _session(satellite: Satellite) -> LiveSession:
    if (session := runtime_of(satellite).session_on(satellite)) is None:
        raise _RefusedError(ERR_NOT_ALLOWED, "There is no session on this satellite")
    return session


def _satellite(hass: HomeAssistant, satellite: Satellite, entity_id: str, *, can_control: bool) -> Answer:
    return {
        "entity_id": entity_id,
        "name": satellite.title,
        "kind": satellite.options.kind,
        "agent": agent_told(hass, runtime_of(satellite).agent_of(satellite)),
        "online": satellite.place.online,
        "can_control": can_control,
    }
