"""Where players fetch speech."""

import secrets
from typing import Final

from aiohttp import web
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.http import KEY_HASS, HomeAssistantView
from homeassistant.helpers.network import get_url
from homeassistant.util.hass_dict import HassKey

from ...const import DOMAIN
from ...engine.audio.frame import SAMPLE_BYTES
from .player import SPEECH_PATH
from .stream import SpeechStream

RATE_HZ: Final = 48_000
"""The rate that every player knows."""

_STREAMS: Final[HassKey[SpeechStreams]] = HassKey(f"{DOMAIN}_speech_streams")
_HEADERS: Final = {"Content-Type": "audio/wav", "Cache-Control": "no-store", "Accept-Ranges": "none"}
_UNKNOWN_LENGTH: Final = 0xFFFF_FFFF


class SpeechStreams:
    """What can be fetched now: each once, by who knows its path."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._waiting: dict[str, SpeechStream] = {}

    def offer(self, stream: SpeechStream) -> str:
        """Let a stream be fetched; gives its address. Raises NoURLAvailableError."""
        base = get_url(self._hass, prefer_external=False)
        token = secrets.token_urlsafe(32)
        self._waiting[token] = stream
        return base + SpeechView.url.format(token=token)

    def withdraw(self, stream: SpeechStream) -> None:
        """It can be fetched no more."""
        self._waiting = {token: offered for token, offered in self._waiting.items() if offered is not stream}

    def is_offered(self, token: str) -> bool:
        """Whether there is anything to fetch."""
        return token in self._waiting

    def claim(self, token: str) -> SpeechStream | None:
        """The stream for the one who fetches it; None for all others."""
        return self._waiting.pop(token, None)


class SpeechView(HomeAssistantView):
    """Players cannot log in: who knows the path may fetch, once."""

    url = f"{SPEECH_PATH}{{token}}.wav"
    name = f"api:{DOMAIN}:speech"
    requires_auth = False

    async def head(self, request: web.Request, token: str) -> web.Response:
        """Say what would be fetched; some players ask before."""
        if not async_streams(request.app[KEY_HASS]).is_offered(token):
            raise web.HTTPNotFound
        return web.Response(headers=_HEADERS)

    async def get(self, request: web.Request, token: str) -> web.StreamResponse:
        """Send speech as it is spoken."""
        stream = async_streams(request.app[KEY_HASS]).claim(token)
        if stream is None:
            raise web.HTTPNotFound
        response = web.StreamResponse(headers=_HEADERS)
        try:
            await response.prepare(request)
            await response.write(wav_header(RATE_HZ))
            stream.begin()
            while pcm := await stream.take():
                await response.write(pcm)
            await response.write_eof()
        finally:
            stream.leave()
        return response


@callback
def async_setup_view(hass: HomeAssistant) -> None:
    """Let players fetch speech."""
    hass.data[_STREAMS] = SpeechStreams(hass)
    hass.http.register_view(SpeechView)


@callback
def async_streams(hass: HomeAssistant) -> SpeechStreams:
    """What can be fetched."""
    return hass.data[_STREAMS]


def wav_header(rate_hz: int) -> bytes:
    """Of one channel of 16 bits, and of a length that is not known."""
    unknown = _UNKNOWN_LENGTH.to_bytes(4, "little")
    layout = (
        *((16).to_bytes(4, "little"), (1).to_bytes(2, "little"), (1).to_bytes(2, "little")),
        *(rate_hz.to_bytes(4, "little"), (rate_hz * SAMPLE_BYTES).to_bytes(4, "little")),
        *(SAMPLE_BYTES.to_bytes(2, "little"), (8 * SAMPLE_BYTES).to_bytes(2, "little")),
    )
    return b"".join((b"RIFF", unknown, b"WAVE", b"fmt ", *layout, b"data", unknown))
