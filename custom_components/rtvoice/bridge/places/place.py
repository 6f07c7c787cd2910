"""What every kind of place gives to the sessions on its satellite."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from ...engine.devices import AudioDevices
from ...engine.events import SessionEvent
from ...engine.ports import AudioInputDevice, AudioOutputDevice
from ..wakes import Woken


class Site(Protocol):
    """What a place knows of the satellite that it belongs to."""

    @property
    def title(self) -> str:
        """Its name."""

    @property
    def subentry(self) -> ConfigSubentry:
        """Its options as they are now."""


class Place(ABC):
    """The ears and the mouth of one satellite, for as long as its account is loaded.

    `sound` is what this machine has to hear and speak with, if any place needs it; `changed` is to be called whenever
    the place has come or gone.
    """

    model: ClassVar[str]
    """What its device is called."""

    def __init__(self, hass: HomeAssistant, site: Site, sound: AudioDevices, changed: Callable[[], None]) -> None:
        self._hass = hass
        self._site = site
        self._sound = sound
        self._changed = changed

    @classmethod
    def needs_sound(cls, data: Mapping[str, Any]) -> bool:  # noqa: ARG003 - others look into the options
        """Whether a satellite with these options hears or speaks by this machine's sound card."""
        return False

    @property
    @abstractmethod
    def echo(self) -> str:
        """What is done about the agent's voice in the microphone: ECHO_CANCEL, ECHO_HALF_DUPLEX or ECHO_OFF."""

    @property
    def problem(self) -> str | None:
        """The key of a repair issue that says why it cannot hear or speak before the account is loaded anew."""
        return None

    @property
    def absence(self) -> str | None:
        """The key of an error that says why it cannot hear or speak at the moment."""
        return None

    @property
    def obstacle(self) -> str | None:
        """The key of an error that says why no session can begin here now, whatever it is."""
        return self.problem or self.absence

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
        """What a session, or a sound, speaks with. Raises SinkError."""

    def open(self, woken: Woken) -> None:  # noqa: B027 - most places are only there
        """Begin to be there; `woken` is called when somebody there wants to talk."""

    def receive(self, event: SessionEvent) -> None:  # noqa: B027 - most places show nothing
        """Show what happens in a session here. Never waits."""

    def ended(self) -> None:  # noqa: B027 - most places need not know
        """The session here has ended, or did not come to be."""

    async def async_close(self) -> None:  # noqa: B027 - most places have nothing to let go of
        """Let go of everything; no session is left."""
