"""Streams of the sound card, by PortAudio. Everything here blocks, except where it says otherwise."""

import atexit
import logging
import threading
from types import ModuleType

from ..audio.frame import FRAME_MS
from ..errors import DeviceError
from .choice import INPUT, AudioDevice, Direction, choose
from .order import Stream, StreamOrder

_LOGGER = logging.getLogger(__name__)

_CLOSE_WITHIN_S = 5.0

_INVALID_SAMPLE_RATE = -9997
_REASONS = {
    -9998: "it cannot do mono",
    _INVALID_SAMPLE_RATE: "it supports no usable sample rate",
    -9996: "it does not exist any more",
    -9985: "it is busy, or its sound server is gone",
}
"""PortAudio's error codes (portaudio.h), as far as they tell a user anything."""


class Library:
    """The PortAudio library of this process. Its calls are not safe in parallel, so all take the lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open_streams = 0

    def loads(self) -> bool:
        """Whether PortAudio and sounddevice are there."""
        with self._lock:
            try:
                _load()
            except ImportError, OSError:
                return False
            return True

    def devices(self, direction: Direction) -> tuple[AudioDevice, ...]:
        """The devices there are now, or were when the first of the open streams was opened.

        Raises OSError or ImportError where PortAudio or sounddevice is missing.
        """
        with self._lock:
            sounddevice = _load()
            self._refresh(sounddevice)
            return _devices(sounddevice, direction)

    def open(self, order: StreamOrder) -> Stream:
        """A running mono stream in blocks of 20 ms, at the device's own rate where it does not support the one wanted.

        Raises the direction's error.
        """
        with self._lock:
            try:
                sounddevice = _load()
            except (ImportError, OSError) as err:
                raise order.direction.error(_what_is_missing(order.direction, err)) from err
            try:
                stream = _open(sounddevice, order)
            except DeviceError:
                # The device may have been plugged in, or the sound server restarted, since PortAudio last looked.
                if not self._refresh(sounddevice):
                    raise
                stream = _open(sounddevice, order)
            self._open_streams += 1
            return stream

    def close(self, stream: Stream) -> None:
        """Close a stream that `open` gave, or give it up if that takes too long.

        PortAudio up to 19.7 may spin for ever in the thread of an ALSA device that vanished (pa_linux_alsa.c,
        PaAlsaStream_WaitForFrames), and closing then waits for that thread. Such a stream stays counted as open.
        """
        with self._lock:
            closing = threading.Thread(target=stream.close, name="close audio stream", daemon=True)
            closing.start()
            closing.join(_CLOSE_WITHIN_S)
            if closing.is_alive():
                _LOGGER.warning("PortAudio does not let go of an audio device that was lost; restart to free it")
                # At exit sounddevice would wait for the same thread.
                atexit.unregister(_load()._exit_handler)  # noqa: SLF001 - there is no public way
            else:
                self._open_streams -= 1

    def _refresh(self, sounddevice: ModuleType) -> bool:
        """Let PortAudio look again which devices there are; that would break open streams."""
        if self._open_streams:
            return False
        sounddevice._terminate()  # noqa: SLF001 - there is no public way
        sounddevice._initialize()  # noqa: SLF001 - there is no public way
        return True


PORTAUDIO = Library()


def _load() -> ModuleType:
    import sounddevice  # noqa: PLC0415 - it takes a while, and fails where PortAudio is missing

    module: ModuleType = sounddevice
    return module


def _what_is_missing(direction: Direction, err: Exception) -> str:
    if isinstance(err, ImportError):
        return f"The {direction.noun} needs the Python package sounddevice"
    return (
        f"The {direction.noun} needs the library PortAudio (on Debian the package libportaudio2, on Alpine "
        "portaudio), or libpulse and a sound server"
    )


def _devices(sounddevice: ModuleType, direction: Direction) -> tuple[AudioDevice, ...]:
    default_index = sounddevice.default.device[direction.kind]
    return tuple(
        AudioDevice(entry["index"], entry["name"], entry["index"] == default_index, int(entry["default_samplerate"]))
        for entry in sounddevice.query_devices()
        if entry[f"max_{direction.kind}_channels"]
    )


def _open(sounddevice: ModuleType, order: StreamOrder) -> Stream:
    direction = order.direction
    device = choose(_devices(sounddevice, direction), order.device, direction)
    factory = sounddevice.RawInputStream if direction is INPUT else sounddevice.RawOutputStream

    def start(rate: int) -> Stream:
        stream: Stream = factory(
            samplerate=rate,
            blocksize=rate * FRAME_MS // 1000,
            device=device.index,
            channels=1,
            dtype="int16",
            callback=order.callback,
            finished_callback=order.on_end,
        )
        try:
            stream.start()
        except sounddevice.PortAudioError:
            stream.close()
            raise
        return stream

    try:
        try:
            return start(order.sample_rate)
        except sounddevice.PortAudioError as err:
            if code_of(err) != _INVALID_SAMPLE_RATE:
                raise
            return start(device.sample_rate)
    except sounddevice.PortAudioError as err:
        reason = _REASONS.get(code_of(err), str(err))
        raise direction.error(f"The {direction.noun} {device.name!r} cannot be opened: {reason}") from err


def code_of(err: Exception) -> int:
    """PortAudio's code of an error, 0 if it has none."""
    code = err.args[1] if len(err.args) > 1 else 0
    return code if isinstance(code, int) else 0
