"""The sound card through libpulse and a real sound server, on a machine without PortAudio."""

import asyncio
import sys
import threading

import pytest

from custom_components.rtvoice.engine.devices import MicrophoneInput, SpeakerOutput, list_devices, pulse
from custom_components.rtvoice.engine.devices.choice import OUTPUT
from custom_components.rtvoice.engine.devices.order import StreamOrder
from custom_components.rtvoice.engine.devices.pulse import PULSE
from custom_components.rtvoice.engine.errors import SinkError, SourceError

from .conftest import SoundServer
from .test_sound_card import RATE, hear, playing, started, strength, tone

pytestmark = pytest.mark.e2e

EAR, ROOM = "Remapped Monitor of Null Output", "Null Output"


@pytest.fixture(autouse=True)
def no_portaudio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)


@pytest.mark.usefixtures("sound_server")
async def test_devices_are_listed_by_name() -> None:
    devices = await list_devices()
    assert devices.problem is None
    assert [(one.name, one.is_default, one.sample_rate) for one in devices.inputs] == [(EAR, True, 48_000)]
    assert [(one.name, one.is_default, one.sample_rate) for one in devices.outputs] == [(ROOM, True, 48_000)]


@pytest.mark.usefixtures("sound_server")
@pytest.mark.parametrize(
    ("ear", "room", "rate_hz"), [(None, None, RATE), ("ear", "room", 16_000), (EAR, "Null", 48_000)]
)
async def test_what_the_speaker_plays_the_microphone_hears(ear: str | None, room: str | None, rate_hz: int) -> None:
    async with (
        started(MicrophoneInput(ear, rate_hz)) as microphone,
        started(SpeakerOutput(room, rate_hz)) as speaker,
        playing(speaker, tone(1000, 5, rate_hz)),
    ):
        assert (microphone.sample_rate, speaker.sample_rate) == (rate_hz, rate_hz)
        async with asyncio.timeout(10):
            while strength(heard := await hear(microphone, rate_hz // 4), 1000, rate_hz) < 0.9:
                assert microphone.is_active
        assert any(heard)
        assert speaker.is_playing
    assert not microphone.is_active
    assert not speaker.is_playing


@pytest.mark.usefixtures("sound_server")
async def test_a_rate_that_the_server_refuses_gives_way_to_the_devices_own() -> None:
    async with (
        started(MicrophoneInput(None, 1_000_000)) as microphone,
        started(SpeakerOutput(None, 1_000_000)) as speaker,
    ):
        assert (microphone.sample_rate, speaker.sample_rate) == (48_000, 48_000)


@pytest.mark.usefixtures("sound_server")
async def test_played_samples_count_what_was_given_and_no_more() -> None:
    async with started(SpeakerOutput()) as speaker:
        await speaker.play_chunk(tone(1000, 0.3))
        async with asyncio.timeout(10):
            while speaker.is_playing:
                await asyncio.sleep(0.01)
        assert speaker.played_samples == 7200
        waiting = asyncio.create_task(speaker.play_chunk(tone(1000, 60)))
        async with asyncio.timeout(10):
            while speaker.played_samples == 7200:
                await asyncio.sleep(0.01)
        await speaker.clear_buffer()
        played = speaker.played_samples
        await asyncio.wait_for(waiting, 10)
        await asyncio.sleep(0.1)
        assert speaker.played_samples == played < 7200 + RATE * 5


async def fails(*work: asyncio.Task[object]) -> None:
    for task in work:
        with pytest.raises((SourceError, SinkError), match="unplugged or its sound server has ended"):
            await task


async def test_a_server_that_dies_is_noticed_and_devices_open_again_when_it_is_back(sound_server: SoundServer) -> None:
    microphone, speaker = MicrophoneInput(), SpeakerOutput()
    await asyncio.gather(microphone.start(), speaker.start())
    hearing = asyncio.create_task(hear(microphone, 10**9))
    speaking = asyncio.create_task(speaker.play_chunk(bytes(10**7)))
    # Until it streams: at first a null sink has two seconds in store.
    await asyncio.sleep(3)
    await asyncio.to_thread(sound_server.kill)
    async with asyncio.timeout(3):
        await fails(hearing, speaking)
    await asyncio.gather(microphone.stop(), speaker.stop())
    for device in (microphone, speaker):
        with pytest.raises((SourceError, SinkError), match="on this machine, or its sound server is not running"):
            await device.start()
    assert (await list_devices()).problem == "no_portaudio"
    await asyncio.to_thread(sound_server.start)
    assert (await list_devices()).problem is None
    await asyncio.gather(microphone.start(), speaker.start())
    await speaker.play_chunk(tone(1000, 0.2))
    assert any(await hear(microphone, RATE // 10)) or speaker.played_samples
    await asyncio.gather(microphone.stop(), speaker.stop())


@pytest.mark.usefixtures("sound_server")
async def test_stop_ends_whoever_listens_or_speaks_and_devices_start_again() -> None:
    microphone, speaker = MicrophoneInput(), SpeakerOutput()
    for _ in range(2):
        await asyncio.gather(microphone.start(), speaker.start())
        hearing = asyncio.create_task(hear(microphone, 10**9))
        speaking = asyncio.create_task(speaker.play_chunk(tone(1000, 10)))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            await asyncio.gather(microphone.stop(), speaker.stop())
            await asyncio.gather(hearing, speaking)


@pytest.mark.usefixtures("sound_server")
async def test_unknown_device_is_told_with_those_there_are() -> None:
    with pytest.raises(SourceError, match=rf"No microphone is called 'Loft'; there are '{EAR}'"):
        await MicrophoneInput("Loft").start()


@pytest.mark.usefixtures("sound_server")
async def test_a_device_that_the_server_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = pulse._devices(OUTPUT)
    monkeypatch.setattr(pulse, "_devices", lambda _: (pulse.ServerDevice(devices[0].device, "gone"),))
    with pytest.raises(SinkError, match="The speaker 'Null Output' cannot be opened"):
        await SpeakerOutput(sample_rate=48_000).start()


@pytest.mark.usefixtures("sound_server")
async def test_a_stream_that_does_not_end_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stream = PULSE.open(StreamOrder(OUTPUT, None, RATE, lambda *_: None, lambda: None))
    with monkeypatch.context() as patch:
        patch.setattr(pulse, "_CLOSE_WITHIN_S", 0.0)
        stream.close()
    assert "does not let go of a speaker" in caplog.text
    await asyncio.to_thread(stream.close)
    assert caplog.text.count("does not let go") == 1
    assert not any("speaker" in thread.name for thread in threading.enumerate())


@pytest.mark.usefixtures("sound_server")
async def test_a_microphone_lets_go_whose_first_block_takes_its_time(caplog: pytest.LogCaptureFixture) -> None:
    microphone = MicrophoneInput()
    for _ in range(3):
        await microphone.start()
        await microphone.stop()
        assert not any("microphone" in thread.name for thread in threading.enumerate())
    assert "does not let go" not in caplog.text


async def test_two_devices_of_the_same_name_can_be_told_apart(sound_server: SoundServer) -> None:
    script = sound_server.folder / "room.pa"
    sound_server.kill()
    twin = "load-module module-null-sink sink_name=twin\n"
    script.write_text(script.read_text() + twin)
    sound_server.start()
    assert [one.name for one in (await list_devices()).outputs] == ["Null Output (room)", "Null Output (twin)"]
    async with started(SpeakerOutput("twin")) as speaker:
        await speaker.play_chunk(bytes(960))


@pytest.mark.usefixtures("no_sound_server")
async def test_neither_portaudio_nor_a_server() -> None:
    assert (await list_devices()).problem == "no_portaudio"
    with pytest.raises(SourceError, match="no microphone on this machine"):
        await MicrophoneInput().start()


@pytest.mark.parametrize("package", ["pasimple", "pulsectl"])
async def test_without_a_way_to_the_server_portaudio_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SourceError, match="needs the Python package sounddevice"):
        await MicrophoneInput().start()
    assert (await list_devices()).problem == "no_portaudio"
