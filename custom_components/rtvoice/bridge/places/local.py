"""A sound card of this machine, or WAV files in its place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, override

from homeassistant.core import HomeAssistant

from ...const import CONF_INPUT, CONF_OUTPUT, CONF_SPEAKER, ECHO_CANCEL, ECHO_OFF, FILE_PREFIX
from ...engine import Cues
from ...engine.devices import AudioDevices, FileInput, FileOutput, MicrophoneInput, SpeakerOutput
from ...engine.errors import SinkError, SourceError
from ...engine.ports import AudioInputDevice, AudioOutputDevice
from .. import issues
from ..standby.listening import Listening
from ..standby.options import WakeOptions
from ..wakes import Interrupt, WakeWords, Woken
from .place import Place
from .site import Site


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """What a satellite of this kind is set to hear and speak with."""

    input: str
    """A sound card's name, or a file; empty: the system's default."""
    output: str
    speaks_elsewhere: bool
    """Whether it speaks through a media player."""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From the data of a subentry."""
        return cls(data.get(CONF_INPUT) or "", data.get(CONF_OUTPUT) or "", bool(data.get(CONF_SPEAKER)))

    @property
    def needs_microphone(self) -> bool:
        """Whether it hears by a sound card."""
        return not self.input.startswith(FILE_PREFIX)

    @property
    def needs_speaker(self) -> bool:
        """Whether it speaks by a sound card."""
        return not self.speaks_elsewhere and not self.output.startswith(FILE_PREFIX)


class LocalPlace(Place):
    """Where the machine stands that Home Assistant runs on."""

    model = "Sound card"

    def __init__(self, hass: HomeAssistant, site: Site, sound: AudioDevices, changed: Callable[[], None]) -> None:
        super().__init__(hass, site, sound, changed)
        self._problem = sound_problem(self._options, sound)
        by_word = self._problem is None and WakeOptions.read(site.subentry.data) is not None
        self._listening = Listening(hass, site, self._async_ears, changed) if by_word else None

    @classmethod
    @override
    def needs_sound(cls, data: Mapping[str, Any]) -> bool:
        """Whether not both sides are files."""
        options = LocalOptions.read(data)
        return options.needs_microphone or options.needs_speaker

    @property
    @override
    def usual_echo(self) -> str:
        """Cancelled, since what a sound card plays in a room comes back by its microphone; nothing at files."""
        options = self._options
        return ECHO_CANCEL if options.needs_microphone and options.needs_speaker else ECHO_OFF

    @property
    @override
    def problem(self) -> str | None:
        """Why there is nothing to hear or speak with."""
        return self._problem

    @property
    @override
    def absence(self) -> str | None:
        """The microphone that a wake word is listened for with is gone."""
        return "microphone_gone" if self._listening is not None and self._listening.microphone_failed else None

    @property
    @override
    def wake_words(self) -> WakeWords:
        """Those of its wake word engine."""
        if self._listening is None or (options := self._listening.options) is None:
            return WakeWords()
        return WakeWords(self._listening.wake_words, options.wake_word_id)

    @property
    @override
    def cues(self) -> Cues | None:
        """At once, as who has said a wake word expects."""
        options = WakeOptions.read(self._site.subentry.data)
        return Cues(at_once=True) if options is not None and options.cues else None

    @override
    def open(self, woken: Woken, interrupt: Interrupt) -> None:
        """Listen for a wake word, if there is one."""
        if self._listening is not None:
            self._listening.open(woken, interrupt)

    @override
    def ended(self) -> None:
        """The wake word is for the next session again."""
        if self._listening is not None:
            self._listening.ended()

    @override
    async def async_close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            await self._listening.async_close()

    @override
    async def async_input(self) -> AudioInputDevice:
        """What it hears with. Raises SourceError for a file that Home Assistant may not read."""
        return await (self._async_ears() if self._listening is None else self._listening.async_microphone())

    async def _async_ears(self) -> AudioInputDevice:
        device = self._options.input
        if (path := _path(device)) is None:
            return MicrophoneInput(device or None)
        if not await self._async_is_allowed(path):
            raise SourceError(f"{path} is not in allowlist_external_dirs")
        return FileInput(path)

    @override
    async def async_output(self) -> AudioOutputDevice:
        """What it speaks with. Raises SinkError for a file that Home Assistant may not write."""
        device = self._options.output
        if (path := _path(device)) is None:
            return SpeakerOutput(device or None)
        if not await self._async_is_allowed(path):
            raise SinkError(f"{path} is not in allowlist_external_dirs")
        return FileOutput(path)

    @property
    def _options(self) -> LocalOptions:
        return LocalOptions.read(self._site.subentry.data)

    async def _async_is_allowed(self, path: Path) -> bool:
        return await self._hass.async_add_executor_job(self._hass.config.is_allowed_path, str(path))


def sound_problem(options: LocalOptions, sound: AudioDevices) -> str | None:
    """Why a satellite cannot hear or speak: the key of a repair issue, None if it can."""
    deaf = options.needs_microphone and not sound.inputs
    mute = options.needs_speaker and not sound.outputs
    if not (deaf or mute):
        return None
    return issues.MISSING_PORTAUDIO if sound.problem == "no_portaudio" else issues.NO_SOUND_CARD


def _path(device: str) -> Path | None:
    return Path(device.removeprefix(FILE_PREFIX)) if device.startswith(FILE_PREFIX) else None
