"""The audio socket's address."""

from datetime import timedelta
from http import HTTPStatus
from typing import Final

from aiohttp import web
from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.components.http.auth import SIGN_QUERY_PARAM, async_sign_path
from homeassistant.components.http.const import KEY_HASS_REFRESH_TOKEN_ID, KEY_HASS_USER
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.http import KEY_HASS, HomeAssistantView
from homeassistant.util.hass_dict import HassKey

from ...const import DOMAIN
from ..places.browser import BrowserPlace
from ..targets import async_satellite_of
from .page import Page, receive_hello, say_farewell
from .seat import Seat
from .tickets import VALID_S, Tickets
from .wire import MAX_MESSAGE_BYTES, PageFaultError, fault_farewell

_PATH: Final = f"/api/{DOMAIN}/browser"
_TICKETS: Final[HassKey[Tickets]] = HassKey(f"{DOMAIN}_browser_tickets")
_CLOSE_WITHIN_S: Final = 1.0


@callback
def async_setup_view(hass: HomeAssistant) -> None:
    """Make the audio sockets of browsers be found; once in a run of Home Assistant."""
    hass.data[_TICKETS] = Tickets(hass.loop.time)
    hass.http.register_view(BrowserAudioView())


@callback
def async_make_url(hass: HomeAssistant, user: User, refresh_token_id: str | None, entity_id: str) -> str:
    """Where this user may open the audio socket of a satellite, once, within VALID_S."""
    ticket = hass.data[_TICKETS].issue(user.id, entity_id)
    valid = timedelta(seconds=VALID_S)
    return async_sign_path(hass, f"{_PATH}/{ticket}", valid, refresh_token_id=refresh_token_id)


class BrowserAudioView(HomeAssistantView):
    """Opens a socket for whoever comes with the signed address that they have asked for."""

    url = f"{_PATH}/{{ticket}}"
    name = f"api:{DOMAIN}:browser"

    async def get(self, request: web.Request, ticket: str) -> web.StreamResponse:
        """Serve a page until it goes.

        Home Assistant has seen to it that a signature is good and has not expired; a key in the header is none.
        """
        if SIGN_QUERY_PARAM not in request.query:
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        hass = request.app[KEY_HASS]
        user: User = request[KEY_HASS_USER]
        entity_id = hass.data[_TICKETS].redeem(ticket, user.id)
        seat = _seat_for(hass, user, entity_id) if entity_id else None
        if entity_id is None or seat is None:
            return web.Response(status=HTTPStatus.FORBIDDEN)
        socket = web.WebSocketResponse(
            max_msg_size=MAX_MESSAGE_BYTES, timeout=_CLOSE_WITHIN_S, compress=False, writer_limit=1
        )
        if not socket.can_prepare(request):
            return web.Response(status=HTTPStatus.UPGRADE_REQUIRED)
        token_id: str | None = request.get(KEY_HASS_REFRESH_TOKEN_ID)

        def may_stay() -> bool:
            known = token_id is None or hass.auth.async_get_refresh_token(token_id) is not None
            return known and user.is_active and _seat_for(hass, user, entity_id) is seat

        await socket.prepare(request)
        try:
            hello = await receive_hello(socket)
        except PageFaultError as fault:
            await say_farewell(socket, fault_farewell(fault))
        else:
            if may_stay():
                await Page(socket, hello, seat, may_stay).run()
        return socket


@callback
def _seat_for(hass: HomeAssistant, user: User, entity_id: str) -> Seat | None:
    """The seat of a browser satellite that is there and under the user's control."""
    if not user.permissions.check_entity(entity_id, POLICY_CONTROL):
        return None
    satellite = async_satellite_of(hass, entity_id)
    place = satellite.place if satellite is not None else None
    return place.seat if isinstance(place, BrowserPlace) else None
