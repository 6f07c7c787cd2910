"""A page in a browser that has the card on it."""

from collections.abc import Callable
from typing import override

from homeassistant.core import HomeAssistant

from ...const import ECHO_OFF
from ...engine.devices import AudioDevices
from ...engine.ports import AudioInputDevice, AudioOutputDevice
from ..browser.devices import BrowserInput, BrowserOutput
from ..browser.seat import NOT_OPEN, Seat
from ..browser.wire import GOING_AWAY_CODE, Farewell
from .place import Place
from .site import Site


class BrowserPlace(Place):
    """Wherever the page is open that sits at its seat."""

    model = "Browser satellite"

    def __init__(self, hass: HomeAssistant, site: Site, sound: AudioDevices, changed: Callable[[], None]) -> None:
        super().__init__(hass, site, sound, changed)
        self.seat = Seat(changed)

    @property
    @override
    def usual_echo(self) -> str:
        """Nothing: browsers cancel the echo themselves."""
        return ECHO_OFF

    @property
    @override
    def absence(self) -> str | None:
        """Whether no page is open."""
        return None if self.seat.taken else NOT_OPEN

    @property
    @override
    def available(self) -> bool:
        """Whether a page is open, or a session waits for it to be open again."""
        return self.seat.taken or self.seat.in_use

    @property
    @override
    def failure(self) -> str | None:
        """Why the page has failed last."""
        return self.seat.failure

    @override
    async def async_input(self) -> AudioInputDevice:
        """The page's microphone."""
        return BrowserInput(self.seat)

    @override
    async def async_output(self) -> AudioOutputDevice:
        """The page's speaker."""
        return BrowserOutput(self.seat)

    @override
    async def async_close(self) -> None:
        """Close the page's socket."""
        self.seat.close(Farewell(GOING_AWAY_CODE))
