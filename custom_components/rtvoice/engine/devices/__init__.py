"""Microphones and speakers that the engine brings along."""

from .choice import AudioDevice
from .files import FileInput, FileOutput
from .listing import AudioDevices, list_devices
from .microphone import MicrophoneInput
from .null import NullInput, NullOutput
from .speaker import SpeakerOutput

__all__ = [
    "AudioDevice",
    "AudioDevices",
    "FileInput",
    "FileOutput",
    "MicrophoneInput",
    "NullInput",
    "NullOutput",
    "SpeakerOutput",
    "list_devices",
]
