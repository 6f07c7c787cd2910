"""Streams of a sound server, by libpulse, where there is no PortAudio. Everything here blocks, except where it says so.

`pulsectl` lists the devices, `pasimple` moves the samples. Both load libpulse late and need no compiler.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from ..audio.frame import FRAME_MS, frame_bytes
from .choice import INPUT, AudioDevice, Direction, choose
from .order import StreamOrder

_LOGGER = logging.getLogger(__name__)

_ANSWER_WITHIN_S = 2.0
_CLOSE_WITHIN_S = 3.0
"""A block that is under way ends first; a null sink may take two seconds for one."""
_BUFFER_FRAMES = 3
"""What the server holds of a speaker: with less, it runs dry whenever another program is busy."""
_RATE_HZ = 48_000
"""What devices have as a rule. The server resamples anyway, and what pulsectl says of rates cannot be relied on."""
_NAME = "Realtime Voice"


@dataclass(frozen=True, slots=True)
class ServerDevice:
    """A device with the name that the server knows it by."""

    device: AudioDevice
    key: str


class PulseLibrary:
    """The sound server that PULSE_SERVER or the system's configuration names."""

    def answers(self) -> bool:
        """Whether libpulse is there, and a server."""
        try:
            with _server() as server:
                server.server_info()
        except (ImportError, OSError) as err:
            _LOGGER.debug("There is no sound server: %s", err)
            return False
        return True

    def loads(self) -> bool:
        """Whether libpulse is there, so that a server may come."""
        try:
            _load()
        except ImportError, OSError:
            return False
        return True

    def devices(self, direction: Direction) -> tuple[AudioDevice, ...]:
        """The devices there are now. Raises OSError or ImportError where there is no server, or no way to it."""
        return tuple(there.device for there in _devices(direction))

    def open(self, order: StreamOrder) -> PulseStream:
        """A running mono stream in blocks of 20 ms, at the device's own rate where the server refuses the one wanted.

        Raises the direction's error.
        """
        direction = order.direction
        try:
            there = _devices(direction)
        except (ImportError, OSError) as err:
            _LOGGER.debug("There is no sound server: %s", err)
            there = ()
        wanted = order.device
        by_key = [one.device.index for one in there if one.key == wanted]
        device = choose([one.device for one in there], by_key[0] if by_key else wanted, direction)
        key = next(one.key for one in there if one.device is device)
        try:
            try:
                stream = PulseStream(order, key)
            except OSError:
                if device.sample_rate == order.sample_rate:
                    raise
                stream = PulseStream(replace(order, sample_rate=device.sample_rate), key)
        except OSError as err:
            raise direction.error(f"The {direction.noun} {device.name!r} cannot be opened: {err}") from err
        stream.start()
        return stream


class PulseStream:
    """A stream with a thread that exchanges its blocks. Only `__init__` and `close` block."""

    def __init__(self, order: StreamOrder, key: str) -> None:
        self.samplerate = float(order.sample_rate)
        self.active = True
        self._order = order
        self._stream = _open(order, key)
        self._closing = threading.Event()
        self._frames = order.sample_rate * FRAME_MS // 1000
        exchange = self._record if order.direction is INPUT else self._play
        name = f"{_NAME} {order.direction.noun}"
        self._thread = threading.Thread(target=self._run, args=(exchange,), name=name, daemon=True)

    def start(self) -> None:
        """Begin to exchange blocks."""
        self._thread.start()

    def close(self) -> None:
        """Stop at once and release the device, or give it up if the server does not let go."""
        self._closing.set()
        self._thread.join(_CLOSE_WITHIN_S)
        if self._thread.is_alive():
            _LOGGER.warning("The sound server does not let go of a %s", self._order.direction.noun)

    def _run(self, exchange: Callable[[int], None]) -> None:
        size = frame_bytes(self._order.sample_rate)
        try:
            while not self._closing.is_set():
                exchange(size)
        except (OSError, RuntimeError) as err:
            # RuntimeError: nobody is there any more to be called.
            _LOGGER.debug("The %s has ended: %s", self._order.direction.noun, err)
        finally:
            self.active = False
            self._stream.close()
            if not self._closing.is_set():
                self._order.on_end()

    def _record(self, size: int) -> None:
        with _pulse_errors():
            block = self._stream.read(size)
        if not self._closing.is_set():
            self._order.callback(block, self._frames, None, None)

    def _play(self, size: int) -> None:
        block = bytearray(size)
        self._order.callback(block, self._frames, None, None)
        with _pulse_errors():
            self._stream.write(bytes(block))


PULSE = PulseLibrary()


def _load() -> tuple[ModuleType, ModuleType]:
    """Raises OSError or ImportError where one of the two or libpulse is missing."""
    import pasimple  # noqa: PLC0415 - only where it is needed
    import pulsectl  # noqa: PLC0415 - it fails where libpulse is missing
    from pasimple.pa_simple import get_libpulse_simple  # noqa: PLC0415 - only where it is needed

    with _pulse_errors():
        get_libpulse_simple()
    return pasimple, pulsectl


@contextmanager
def _server() -> Iterator[Any]:
    """A connection that looks around. Raises OSError or ImportError."""
    _, pulsectl = _load()
    with _pulse_errors(), pulsectl.Pulse(_NAME, connect=False) as server:
        server.connect(timeout=_ANSWER_WITHIN_S)
        yield server


@contextmanager
def _pulse_errors() -> Iterator[None]:
    """Raise OSError where the libraries raise errors of their own."""
    try:
        yield
    except OSError, ImportError:
        raise
    except Exception as err:
        raise OSError(str(err) or type(err).__name__) from err


def _devices(direction: Direction) -> tuple[ServerDevice, ...]:
    """What the server has, without the monitors of its speakers. Raises OSError or ImportError."""
    with _server() as server:
        server_knows = server.server_info()
        default = server_knows.default_source_name if direction is INPUT else server_knows.default_sink_name
        listed = server.source_list() if direction is INPUT else server.sink_list()
    devices = [one for one in listed if direction is not INPUT or not one.monitor_of_sink_name]
    titles = [one.description or one.name for one in devices]
    return tuple(
        ServerDevice(
            AudioDevice(
                one.index,
                title if titles.count(title) == 1 else f"{title} ({one.name})",
                one.name == default,
                _RATE_HZ,
            ),
            one.name,
        )
        for one, title in zip(devices, titles, strict=True)
    )


def _open(order: StreamOrder, key: str) -> Any:
    pasimple, _ = _load()
    size = frame_bytes(order.sample_rate)
    sizes = {"fragsize": size} if order.direction is INPUT else {"tlength": _BUFFER_FRAMES * size, "minreq": size}
    way = pasimple.PA_STREAM_RECORD if order.direction is INPUT else pasimple.PA_STREAM_PLAYBACK
    with _pulse_errors():
        return pasimple.PaSimple(
            *(way, pasimple.PA_SAMPLE_S16LE, 1, order.sample_rate), app_name=_NAME, device_name=key, **sizes
        )
