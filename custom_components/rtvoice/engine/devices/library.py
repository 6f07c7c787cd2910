"""The way to this machine's sound cards: PortAudio where it is, else a sound server. Everything here blocks."""

from .choice import AudioDevice, Direction
from .order import Stream, StreamOrder
from .portaudio import PORTAUDIO
from .pulse import PULSE, PulseStream


class SoundLibrary:
    """Asks each time which of the two is there, since a sound server may come and go."""

    def devices(self, direction: Direction) -> tuple[AudioDevice, ...]:
        """The devices there are now. Raises OSError or ImportError where neither library can be used."""
        if not PORTAUDIO.loads() and PULSE.answers():
            return PULSE.devices(direction)
        return PORTAUDIO.devices(direction)

    def open(self, order: StreamOrder) -> Stream:
        """A running mono stream in blocks of 20 ms, at the device's own rate where it does not support the one wanted.

        Raises the direction's error.
        """
        if not PORTAUDIO.loads() and PULSE.loads():
            return PULSE.open(order)
        return PORTAUDIO.open(order)

    def close(self, stream: Stream) -> None:
        """Close a stream that `open` gave, or give it up if that takes too long."""
        if isinstance(stream, PulseStream):
            stream.close()
        else:
            PORTAUDIO.close(stream)


LIBRARY = SoundLibrary()
