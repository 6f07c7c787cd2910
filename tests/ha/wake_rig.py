"""A wake word engine in Home Assistant that hears a certain tone, and rooms in which it sounds."""

import asyncio
import threading
import wave
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, override

import numpy as np
from homeassistant.components.wake_word import DetectionResult, WakeWord, WakeWordDetectionEntity
from homeassistant.config_entries import ConfigEntry, ConfigFlow
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    mock_config_flow,
    mock_integration,
    mock_platform,
)

from custom_components.rtvoice.const import (
    CONF_INPUT,
    CONF_KIND,
    CONF_OUTPUT,
    FILE_PREFIX,
    KIND_LOCAL,
)
from simulator import tone

from .house import add_satellite

ENGINE = "wake_word.ears"
RATE_HZ = 24_000
WAKE_HZ = 2_000.0
WAKE_S = 0.5
DOMAIN = "ears"


class Ears:
    """Hears the wake tone, a little while after it has begun, and does not go on listening then."""

    def __init__(self) -> None:
        self.words: list[WakeWord] | None = [
            WakeWord("okay_nabu", "Okay Nabu", "okay nabu"),
            WakeWord("hey_jarvis", "Hey Jarvis", None),
        ]
        self.listening = 0
        """To how many streams it listens now."""
        self.armed: list[str | None] = []
        """The wake word of each stream that it was given."""
        self.failures: list[Exception | None] = []
        """What becomes of the next streams; None: it gives up."""
        self.hangs = False
        self.frames = 0

    async def async_process(
        self, stream: AsyncIterable[tuple[bytes, int]], wake_word_id: str | None
    ) -> DetectionResult | None:
        """Listen to a stream."""
        self.armed.append(wake_word_id)
        if self.failures:
            if (failure := self.failures.pop(0)) is not None:
                raise failure
            return None
        self.listening += 1
        try:
            return await self._async_listen(stream, wake_word_id or "okay_nabu")
        finally:
            self.listening -= 1

    async def _async_listen(self, stream: AsyncIterable[tuple[bytes, int]], word: str) -> DetectionResult | None:
        if self.hangs:
            await asyncio.Event().wait()
        loud = 0
        async for pcm, timestamp_ms in stream:
            self.frames += 1
            assert len(pcm) == 640
            loud = loud + 1 if _is_wake_tone(pcm) else 0
            if loud == 10:
                return DetectionResult(word, word.replace("_", " "), timestamp_ms)
        return None


class EarsEntity(WakeWordDetectionEntity):
    """The engine, as Home Assistant knows it for as long as its account is loaded."""

    _attr_name = "Ears"
    _attr_unique_id = "ears"

    def __init__(self, ears: Ears) -> None:
        self._ears = ears

    @override
    async def get_supported_wake_words(self) -> list[WakeWord]:
        if self._ears.words is None:
            raise ConnectionError("The engine is asleep")
        return self._ears.words

    @override
    async def _async_process_audio_stream(
        self, stream: AsyncIterable[tuple[bytes, int]], wake_word_id: str | None
    ) -> DetectionResult | None:
        return await self._ears.async_process(stream, wake_word_id)


def _is_wake_tone(pcm: bytes) -> bool:
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2")))
    return bool(spectrum.argmax() == round(WAKE_HZ * 0.02) and spectrum.max() > 10_000)


@asynccontextmanager
async def hearing(hass: HomeAssistant) -> AsyncIterator[tuple[Ears, MockConfigEntry]]:
    """An integration that has the engine, and its account."""
    ears = Ears()

    async def async_setup_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
        await hass.config_entries.async_forward_entry_setups(entry, ["wake_word"])
        return True

    async def async_unload_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
        return await hass.config_entries.async_unload_platforms(entry, ["wake_word"])

    async def async_add(
        hass: HomeAssistant, entry: ConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
    ) -> None:
        async_add_entities([EarsEntity(ears)])

    mock_integration(
        hass, MockModule(DOMAIN, async_setup_entry=async_setup_entry, async_unload_entry=async_unload_entry)
    )
    mock_platform(hass, f"{DOMAIN}.config_flow")
    mock_platform(hass, f"{DOMAIN}.wake_word", _Platform(async_add))
    entry = MockConfigEntry(domain=DOMAIN, title="Ears")
    entry.add_to_hass(hass)
    with mock_config_flow(DOMAIN, ConfigFlow):
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        yield ears, entry


class _Platform:
    def __init__(self, async_setup_entry: object) -> None:
        self.async_setup_entry = async_setup_entry


def wake_tone() -> bytes:
    """The wake word, said."""
    return tone(WAKE_S, hz=WAKE_HZ)


def pause(seconds: float) -> bytes:
    """Nobody speaks."""
    return bytes(round(seconds * RATE_HZ) * 2)


def say_into(microphone: Path, *pieces: bytes) -> None:
    """What the microphone hears from when it is opened; then silence."""
    with wave.open(str(microphone), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(b"".join(pieces) + pause(0.02))


def set_satellite(hass: HomeAssistant, entry: MockConfigEntry, subentry_id: str, **options: object) -> None:
    """Set options of a satellite that is there."""
    subentry = entry.subentries[subentry_id]
    hass.config_entries.async_update_subentry(entry, subentry, data={**subentry.data, **options})


def add_local(
    hass: HomeAssistant, entry: MockConfigEntry, subentry_id: str, microphone: Path, speaker: Path, **options: object
) -> None:
    """Another satellite whose sound card is two files."""
    data = {CONF_KIND: KIND_LOCAL, CONF_INPUT: f"{FILE_PREFIX}{microphone}", CONF_OUTPUT: f"{FILE_PREFIX}{speaker}"}
    add_satellite(hass, entry, subentry_id, {**data, **options})


class SoundCardError(Exception):
    """What PortAudio raises."""


class Usb:
    """A USB sound card of the sound library, at which nobody speaks; it can be unplugged and plugged in again."""

    def __init__(self, library: ModuleType) -> None:
        self.plugged = True
        self.open_streams = 0
        library.PortAudioError = SoundCardError
        library.RawInputStream = library.RawOutputStream = self._stream

    def _stream(self, **settings: Any) -> UsbStream:
        if not self.plugged:
            raise SoundCardError("Device unavailable", -9985)
        return UsbStream(self, **settings)


class UsbStream:
    """An open stream of it, with a thread of its own as PortAudio has."""

    def __init__(
        self,
        usb: Usb,
        *,
        samplerate: int,
        blocksize: int,
        callback: Callable[..., None],
        finished_callback: Callable[[], None],
        **_: object,
    ) -> None:
        self._usb = usb
        self.samplerate = samplerate
        self.active = False
        self._block = bytearray(2 * blocksize)
        self._callback = callback
        self._finished = finished_callback
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="usb")

    def start(self) -> None:
        """Begin to exchange blocks."""
        self.active = True
        self._usb.open_streams += 1
        self._thread.start()

    def close(self) -> None:
        """Exchange no more."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(0.02) and self._usb.plugged:
            self._callback(self._block, len(self._block) // 2, None, None)
        self.active = False
        self._usb.open_streams -= 1
        self._finished()
