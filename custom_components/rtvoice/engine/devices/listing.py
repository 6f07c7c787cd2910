"""The microphones and speakers of this machine."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from .choice import INPUT, OUTPUT, AudioDevice
from .portaudio import LIBRARY


@dataclass(frozen=True, slots=True)
class AudioDevices:
    """What there is to hear and to speak with, and why there is nothing."""

    inputs: tuple[AudioDevice, ...] = ()
    outputs: tuple[AudioDevice, ...] = ()
    problem: Literal["no_portaudio", "no_devices"] | None = None
    """The library is missing; or there is no sound card, or none that a sound server offers."""


async def list_devices() -> AudioDevices:
    """What PortAudio sees. New devices are seen unless one of them is in use. Never raises for want of sound."""
    return await asyncio.to_thread(_list_devices)


def _list_devices() -> AudioDevices:
    try:
        inputs, outputs = LIBRARY.devices(INPUT), LIBRARY.devices(OUTPUT)
    except ImportError, OSError:
        return AudioDevices(problem="no_portaudio")
    return AudioDevices(inputs, outputs, None if inputs or outputs else "no_devices")
