"""The ears and the mouth of a satellite."""

from pathlib import Path

from homeassistant.core import HomeAssistant

from ..const import FILE_PREFIX
from ..engine.devices import FileInput, FileOutput, MicrophoneInput, SpeakerOutput, list_devices
from ..engine.errors import SinkError, SourceError
from ..engine.ports import AudioInputDevice, AudioOutputDevice
from . import issues
from .options import SatelliteOptions


async def async_sound_problem() -> str | None:
    """Why this machine cannot hear or speak: the key of a repair issue, None if it can."""
    devices = await list_devices()
    if devices.problem == "no_portaudio":
        return issues.MISSING_PORTAUDIO
    return None if devices.inputs and devices.outputs else issues.NO_SOUND_CARD


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
