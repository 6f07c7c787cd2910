"""The microphones and speakers of this machine."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from .choice import INPUT, OUTPUT, AudioDevice
from .library import LIBRARY


@dataclass(frozen=True, slots=True)
class AudioDevices:
    """What there is to hear and to speak with, and why there is nothing."""

    inputs: tuple[AudioDevice, ...] = ()
    outputs: tuple[AudioDevice, ...] = ()
    problem: Literal["no_portaudio", "no_devices"] | None = None
    """No library can be used; or there is no sound card, or none that a sound server offers."""


async def list_devices() -> AudioDevices:
    """What PortAudio, or else the sound server, sees. Never raises for want of sound.

    PortAudio does not see new devices while one of them is in use.
    """
    return await asyncio.to_thread(_list_devices)


def _list_devices() -> AudioDevices:
    try:
        inputs, outputs = LIBRARY.devices(INPUT), LIBRARY.devices(OUTPUT)
    except ImportError, OSError:
        return AudioDevices(problem="no_portaudio")
    return AudioDevices(inputs, outputs, None if inputs or outputs else "no_devices")
