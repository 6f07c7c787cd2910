"""What every kind of place gives to the sessions on its satellite."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback

from ...const import ECHO_HALF_DUPLEX
from ...engine import Cues
from ...engine.devices import AudioDevices
from ...engine.events import SessionEvent
from ...engine.ports import AudioInputDevice, AudioOutputDevice
from ..options import SatelliteOptions
from ..player.output import PlayerOutput
from ..player.player import Player
from ..wakes import Interrupt, WakeWords, Woken
from .site import Site


class Place(ABC):
    """The ears and the mouth of one satellite, for as long as its account is loaded.

    `sound` is what this machine has to hear and speak with, if any place needs it; `changed` is to be called whenever
    the place has come or gone.
    """

    model: ClassVar[str]
    """What its device is called."""

    def __init__(
        self,
        hass: HomeAssistant,
        site: Site,
        sound: AudioDevices,  # noqa: ARG002 - those look at it that need it
        changed: Callable[[], None],
    ) -> None:
        self._hass = hass
        self._site = site
        self._changed = changed
        speaker = self._options_of_all.speaker
        self._speaker = None if speaker is None else Player(hass, speaker)

    @classmethod
    def needs_sound(cls, data: Mapping[str, Any]) -> bool:  # noqa: ARG003 - others look into the options
        """Whether a satellite with these options hears or speaks by this machine's sound card."""
        return False

    @property
    @abstractmethod
    def usual_echo(self) -> str:
        """What is done about its own mouth in its ears unless chosen: ECHO_CANCEL, ECHO_HALF_DUPLEX or ECHO_OFF."""

    @property
    def echo_in_use(self) -> str:
        """What is done about whatever mouth it has in its ears; nobody knows how late a media player is heard."""
        return self._options_of_all.echo or (self.usual_echo if self._speaker is None else ECHO_HALF_DUPLEX)

    @property
    def problem(self) -> str | None:
        """The key of a repair issue that says why it cannot hear or speak before the account is loaded anew."""
        return None

    @property
    def absence(self) -> str | None:
        """The key of an error that says why it cannot hear or speak at the moment."""
        return None

    @property
    def failure(self) -> str | None:
        """The key of an error that says why its ears or its mouth have failed last, where that has words of its own."""
        return None

    @property
    def obstacle(self) -> str | None:
        """The key of an error that says why no session can begin here now, whatever it is."""
        return self.problem or self.absence or (None if self._speaker is None else self._speaker.absence)

    @property
    def online(self) -> bool:
        """Whether a session could begin here now."""
        return self.obstacle is None

    @property
    def available(self) -> bool:
        """Whether there is anything of it; more lenient than `online` where a place may be gone for a moment."""
        return self.online

    @abstractmethod
    async def async_input(self) -> AudioInputDevice:
        """What a session hears with. Raises SourceError."""

    @abstractmethod
    async def async_output(self) -> AudioOutputDevice:
        """Its own mouth. Raises SinkError."""

    async def async_mouth(self) -> AudioOutputDevice:
        """What a session, or a sound, speaks with: the media player it speaks through, or its own. Raises SinkError."""
        speaker = self._options_of_all.speaker
        return await self.async_output() if speaker is None else PlayerOutput(self._hass, Player(self._hass, speaker))

    @callback
    def async_watch_speaker(self) -> CALLBACK_TYPE:
        """Notice when the media player comes and goes, until what is returned is called."""
        return _nothing if self._speaker is None else self._speaker.async_watch(self._changed)

    @property
    def wake_words(self) -> WakeWords:
        """What it may be woken by, as far as that can be chosen here."""
        return WakeWords()

    @property
    def cues(self) -> Cues | None:
        """The sounds of a session that begins because it was woken; None where it makes its own, or none."""
        return None

    def open(self, woken: Woken, interrupt: Interrupt) -> None:  # noqa: B027 - most places are only there
        """Begin to be there; `woken` is called when somebody there wants to talk, `interrupt` to silence the agent."""

    def receive(self, event: SessionEvent) -> None:  # noqa: B027 - most places show nothing
        """Show what happens in a session here. Never waits."""

    def ended(self) -> None:  # noqa: B027 - most places need not know
        """The session here has ended, or did not come to be."""

    async def async_close(self) -> None:  # noqa: B027 - most places have nothing to let go of
        """Let go of everything; no session is left."""

    @property
    def _options_of_all(self) -> SatelliteOptions:
        """What it is set to that satellites of other kinds have as well."""
        return SatelliteOptions.read(self._site.subentry.data)


def _nothing() -> None:
    """Nothing is watched."""
