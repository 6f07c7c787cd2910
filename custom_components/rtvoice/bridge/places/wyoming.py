"""A Wyoming satellite, which this integration speaks to itself."""

import asyncio
from collections.abc import Callable
from typing import Final, override

from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from wyoming.error import Error
from wyoming.tts import Synthesize
from wyoming.vad import VoiceStarted, VoiceStopped

from ...const import DOMAIN, ECHO_HALF_DUPLEX
from ...engine.devices import AudioDevices
from ...engine.events import (
    AgentErrorEvent,
    AssistantStartedRespondingEvent,
    SessionEvent,
    UserStartedSpeakingEvent,
    UserStoppedSpeakingEvent,
)
from ...engine.ports import AudioInputDevice, AudioOutputDevice
from ..wakes import Interrupt, Woken
from ..wyoming.devices import WyomingInput, WyomingOutput
from ..wyoming.link import LinkState, WyomingLink
from .place import Place
from .site import Site

_ABSENCE: Final = {LinkState.AWAY: "satellite_away", LinkState.TAKEN: "satellite_taken", LinkState.READY: None}


class WyomingPlace(Place):
    """Where the satellite stands. Its wake word begins a session, and its lights and sounds follow what is said."""

    model = "Wyoming satellite"

    def __init__(self, hass: HomeAssistant, site: Site, sound: AudioDevices, changed: Callable[[], None]) -> None:
        super().__init__(hass, site, sound, changed)
        data = site.subentry.data
        self._link = WyomingLink(data[CONF_HOST], int(data[CONF_PORT]), woken=self._wake, changed=changed)
        self._task: asyncio.Task[None] | None = None
        self._woken: Woken | None = None

    @property
    @override
    def usual_echo(self) -> str:
        """Half duplex: few of these satellites take out what they play themselves."""
        return ECHO_HALF_DUPLEX

    @property
    @override
    def absence(self) -> str | None:
        """Not connected, or busy with another program."""
        return _ABSENCE[self._link.state]

    @override
    def open(self, woken: Woken, interrupt: Interrupt) -> None:
        """Connect, and stay connected."""
        self._woken = woken
        name = f"{DOMAIN} link to {self._site.title}"
        self._task = self._hass.async_create_background_task(self._link.run(), name)

    @override
    async def async_input(self) -> AudioInputDevice:
        """Its microphone."""
        return WyomingInput(self._link)

    @override
    async def async_output(self) -> AudioOutputDevice:
        """Its speaker."""
        return WyomingOutput(self._link)

    @override
    def receive(self, event: SessionEvent) -> None:
        """Show at the satellite what goes on; what was said stays here."""
        match event:
            case UserStartedSpeakingEvent():
                self._link.tell(VoiceStarted().event())
            case UserStoppedSpeakingEvent():
                self._link.tell(VoiceStopped().event())
            case AssistantStartedRespondingEvent():
                self._link.tell(Synthesize(text="").event())
            case AgentErrorEvent():
                self._link.tell(Error(text=event.error.type, code=event.error.type).event())
            case _:
                pass

    @override
    def ended(self) -> None:
        """Let it listen for its wake word again."""
        self._link.rearm()

    @override
    async def async_close(self) -> None:
        """Disconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    def _wake(self, wake_word: str | None) -> None:
        if self._woken is None:
            return
        try:
            answered = self._woken(wake_word)
        except HomeAssistantError as err:
            self._link.tell(Error(text=str(err), code=err.translation_key).event())
            answered = False
        if not answered:
            self._link.rearm()
