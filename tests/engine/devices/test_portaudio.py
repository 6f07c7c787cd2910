"""What is said where there is no sound, and what happens when PortAudio does not come back."""

import importlib.abc
import sys
import threading
from types import SimpleNamespace

import pytest

from custom_components.rtvoice.engine.devices import MicrophoneInput, SpeakerOutput, list_devices, portaudio
from custom_components.rtvoice.engine.devices.choice import INPUT, OUTPUT
from custom_components.rtvoice.engine.devices.order import StreamOrder
from custom_components.rtvoice.engine.devices.portaudio import Library, code_of
from custom_components.rtvoice.engine.errors import SinkError, SourceError


class NoPortAudio(importlib.abc.MetaPathFinder):
    """The Python package is there, the library it needs is not."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "sounddevice":
            raise OSError("PortAudio library not found")


@pytest.fixture
def no_libpulse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pasimple", None)


@pytest.mark.usefixtures("no_libpulse")
async def test_missing_library_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoPortAudio(), *sys.meta_path])
    with pytest.raises(SourceError, match=r"microphone needs the library PortAudio .*libportaudio2"):
        await MicrophoneInput().start()
    with pytest.raises(SinkError, match="speaker needs the library PortAudio"):
        await SpeakerOutput().start()
    devices = await list_devices()
    assert (devices.inputs, devices.outputs, devices.problem) == ((), (), "no_portaudio")


@pytest.mark.usefixtures("no_libpulse")
async def test_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(SourceError, match="needs the Python package sounddevice"):
        await MicrophoneInput().start()
    assert (await list_devices()).problem == "no_portaudio"


@pytest.mark.parametrize(
    ("err", "code"), [(OSError("text", -9985), -9985), (OSError("text"), 0), (OSError(1, "text"), 0)]
)
def test_codes_of_errors(err: Exception, code: int) -> None:
    assert code_of(err) == code


class PortAudioError(Exception):
    """As sounddevice raises it: text and code."""


class BrokenCard:
    """sounddevice on a machine whose one sound card refuses to be opened, or to be started."""

    PortAudioError = PortAudioError
    default = SimpleNamespace(device={"input": 0, "output": 0})

    def __init__(self, code: int, *, refuses_start: bool) -> None:
        self.closed = 0
        self._code = code
        self._refuses_start = refuses_start

    def query_devices(self) -> list[dict[str, object]]:
        entry = {"index": 0, "name": "card", "default_samplerate": 44_100.0}
        return [{**entry, "max_input_channels": 1, "max_output_channels": 1}]

    def RawInputStream(self, **options: object) -> BrokenCard:  # noqa: N802 - sounddevice's name
        if not self._refuses_start:
            self.start()
        return self

    RawOutputStream = RawInputStream

    def start(self) -> None:
        raise PortAudioError("Something odd", self._code)

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("refuses_start", [True, False])
@pytest.mark.parametrize(
    ("code", "text"),
    [
        (-9985, "it is busy"),
        (-9996, "it does not exist any more"),
        (-9997, "no usable sample rate"),
        (-9998, "cannot do mono"),
        (-9999, "Something odd"),
    ],
)
def test_reasons_of_a_failure_are_told(code: int, text: str, *, refuses_start: bool) -> None:
    card = BrokenCard(code, refuses_start=refuses_start)
    order = StreamOrder(OUTPUT, "card", 24_000, lambda *_: None, lambda: None)
    with pytest.raises(SinkError, match=f"The speaker 'card' cannot be opened: .*{text}"):
        portaudio._open(card, order)
    attempts = 2 if code == -9997 else 1
    assert card.closed == (attempts if refuses_start else 0)


def test_failure_beside_an_open_stream_does_not_disturb_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", BrokenCard(-9985, refuses_start=True))
    library = Library()
    library._open_streams = 1
    with pytest.raises(SourceError, match="it is busy"):
        library.open(StreamOrder(INPUT, None, 24_000, lambda *_: None, lambda: None))


class StuckStream:
    """A stream whose thread never ends."""

    active = True
    samplerate = 24_000.0

    def __init__(self) -> None:
        self.released = threading.Event()

    def start(self) -> None:
        pass

    def close(self) -> None:
        self.released.wait(30)


def test_stream_that_cannot_be_closed_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(portaudio, "_CLOSE_WITHIN_S", 0.01)
    library, stream = Library(), StuckStream()
    library._open_streams = 1
    library.close(stream)
    assert "does not let go" in caplog.text
    assert not library._refresh(sys), "PortAudio is not started anew around it"
    stream.released.set()
