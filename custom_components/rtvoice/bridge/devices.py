"""The ears and the mouth of a satellite."""

from collections.abc import Iterable
from pathlib import Path

from homeassistant.core import HomeAssistant

from ..const import FILE_PREFIX
from ..engine.devices import AudioDevices, FileInput, FileOutput, MicrophoneInput, SpeakerOutput, list_devices
from ..engine.errors import SinkError, SourceError
from ..engine.ports import AudioInputDevice, AudioOutputDevice
from . import issues
from .options import SatelliteOptions


async def async_look_for_sound(satellites: Iterable[SatelliteOptions]) -> AudioDevices:
    """What there is to hear and speak with; not looked for where no satellite needs it."""
    if any(options.needs_microphone or options.needs_speaker for options in satellites):
        return await list_devices()
    return AudioDevices()


def sound_problem(options: SatelliteOptions, devices: AudioDevices) -> str | None:
    """Why a satellite cannot hear or speak: the key of a repair issue, None if it can."""
    deaf = options.needs_microphone and not devices.inputs
    mute = options.needs_speaker and not devices.outputs
    if not (deaf or mute):
        return None
    return issues.MISSING_PORTAUDIO if devices.problem == "no_portaudio" else issues.NO_SOUND_CARD


async def async_input(hass: HomeAssistant, options: SatelliteOptions) -> AudioInputDevice:
    """What a satellite hears with. Raises SourceError for a file that Home Assistant may not read."""
    if (path := _path(options.input)) is None:
        return MicrophoneInput(options.input or None)
    if not await hass.async_add_executor_job(hass.config.is_allowed_path, str(path)):
        raise SourceError(f"{path} is not in allowlist_external_dirs")
    return FileInput(path)


async def async_output(hass: HomeAssistant, options: SatelliteOptions) -> AudioOutputDevice:
    """What a satellite speaks with. Raises SinkError for a file that Home Assistant may not write."""
    if (path := _path(options.output)) is None:
        return SpeakerOutput(options.output or None)
    if not await hass.async_add_executor_job(hass.config.is_allowed_path, str(path)):
        raise SinkError(f"{path} is not in allowlist_external_dirs")
    return FileOutput(path)


def _path(device: str) -> Path | None:
    return Path(device.removeprefix(FILE_PREFIX)) if device.startswith(FILE_PREFIX) else None
