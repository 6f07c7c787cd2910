"""A sound card of this machine, or WAV files in its place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, override

from homeassistant.core import HomeAssistant

from ...const import CONF_INPUT, CONF_OUTPUT, CONF_SPEAKER, ECHO_CANCEL, ECHO_OFF, FILE_PREFIX
from ...engine.devices import AudioDevices, FileInput, FileOutput, MicrophoneInput, SpeakerOutput
from ...engine.errors import SinkError, SourceError
from ...engine.ports import AudioInputDevice, AudioOutputDevice
from .. import issues
from ..options import SatelliteOptions
from .place import Place, Site


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

    @classmethod
    @override
    def needs_sound(cls, data: Mapping[str, Any]) -> bool:
        """Whether not both sides are files."""
        options = LocalOptions.read(data)
        return options.needs_microphone or options.needs_speaker

    @property
    @override
    def echo(self) -> str:
        """As chosen, or else cancelled: only what a sound card plays in a room comes back by its microphone."""
        options = self._options
        at_files = not (options.needs_microphone and options.needs_speaker)
        chosen = SatelliteOptions.read(self._site.subentry.data).echo
        return chosen or (ECHO_OFF if at_files else ECHO_CANCEL)

    @property
    @override
    def problem(self) -> str | None:
        """Why there is nothing to hear or speak with."""
        return self._problem

    @override
    async def async_input(self) -> AudioInputDevice:
        """What it hears with. Raises SourceError for a file that Home Assistant may not read."""
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
