"""The sound card through PortAudio and a real sound server."""

import asyncio
import sys
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from custom_components.rtvoice.engine.audio.level import level_dbfs
from custom_components.rtvoice.engine.devices import MicrophoneInput, SpeakerOutput, list_devices
from custom_components.rtvoice.engine.devices.portaudio import PORTAUDIO
from custom_components.rtvoice.engine.errors import SinkError, SourceError
from custom_components.rtvoice.engine.ports import AudioInputDevice, AudioOutputDevice

pytestmark = pytest.mark.e2e

RATE = 24_000


def tone(frequency_hz: float, seconds: float, rate_hz: int = RATE) -> bytes:
    instants = np.arange(int(seconds * rate_hz)) / rate_hz
    pcm: bytes = (12_000 * np.sin(2 * np.pi * frequency_hz * instants)).astype("<i2").tobytes()
    return pcm


def strength(pcm: bytes, frequency_hz: float, rate_hz: int = RATE) -> float:
    """The share of the energy that is at this frequency."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    bins = np.fft.rfftfreq(len(samples), 1 / rate_hz)
    return float(spectrum[abs(bins - frequency_hz) < 30].sum() / max(spectrum.sum(), 1e-9))


@asynccontextmanager
async def started[T: AudioInputDevice | AudioOutputDevice](device: T) -> AsyncIterator[T]:
    await device.start()
    try:
        yield device
    finally:
        await device.stop()


@asynccontextmanager
async def playing(speaker: SpeakerOutput, pcm: bytes) -> AsyncIterator[asyncio.Task[None]]:
    async def play() -> None:
        for start in range(0, len(pcm), 960):
            await speaker.play_chunk(pcm[start : start + 960])

    task = asyncio.create_task(play())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def hear(microphone: MicrophoneInput, samples: int) -> bytes:
    heard = bytearray()
    async for chunk in microphone.stream_chunks():
        heard += chunk
        if len(heard) >= 2 * samples:
            break
    return bytes(heard)


@pytest.mark.usefixtures("sound_server")
async def test_what_the_speaker_plays_the_microphone_hears() -> None:
    async with (
        started(MicrophoneInput(sample_rate=RATE)) as microphone,
        started(SpeakerOutput(sample_rate=RATE)) as speaker,
        playing(speaker, tone(1000, 3)),
    ):
        assert microphone.is_active
        await hear(microphone, RATE // 2)
        assert speaker.is_playing
        heard = await hear(microphone, RATE)
    assert strength(heard, 1000) > 0.9
    assert not microphone.is_active
    assert not speaker.is_playing
    assert PORTAUDIO._open_streams == 0


@pytest.mark.usefixtures("sound_server")
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
async def test_other_rates(rate_hz: int) -> None:
    async with (
        started(MicrophoneInput("pulse", rate_hz)) as microphone,
        started(SpeakerOutput("PULSE", rate_hz)) as speaker,
    ):
        assert (microphone.sample_rate, speaker.sample_rate) == (rate_hz, rate_hz)
        async with playing(speaker, tone(500, 2, rate_hz)):
            await hear(microphone, rate_hz // 2)
            heard = await hear(microphone, rate_hz // 2)
    assert strength(heard, 500, rate_hz) > 0.9


@pytest.mark.usefixtures("sound_server")
async def test_unsupported_rate_gives_way_to_the_devices_own() -> None:
    own = {device.name: device.sample_rate for device in (await list_devices()).inputs}["pulse"]
    async with (
        started(MicrophoneInput("pulse", 1_000_000)) as microphone,
        started(SpeakerOutput("pulse", 1_000_000)) as speaker,
    ):
        assert (microphone.sample_rate, speaker.sample_rate) == (own, own)
        async with playing(speaker, tone(1000, 2, own)):
            await hear(microphone, own // 2)
            assert strength(await hear(microphone, own // 2), 1000, own) > 0.9


@pytest.mark.usefixtures("sound_server")
async def test_played_samples_count_what_was_given_and_no_more() -> None:
    async with started(SpeakerOutput()) as speaker:
        async with playing(speaker, tone(1000, 0.3)) as task:
            await task
            async with asyncio.timeout(10):
                while speaker.is_playing:
                    await asyncio.sleep(0.01)
        assert speaker.played_samples == 7200
        await asyncio.sleep(0.1)
        assert speaker.played_samples == 7200


@pytest.mark.usefixtures("sound_server")
async def test_full_speaker_waits_and_holds_at_most_100_ms() -> None:
    async with started(SpeakerOutput()) as speaker:
        await speaker.play_chunk(tone(1000, 0.5))
        assert speaker.played_samples >= RATE * 0.4
        await speaker.play_chunk(b"")


@pytest.mark.usefixtures("sound_server")
async def test_clear_is_silence_at_once_and_never_counts() -> None:
    async with started(SpeakerOutput()) as speaker:
        waiting = asyncio.create_task(speaker.play_chunk(tone(1000, 60)))
        async with asyncio.timeout(10):
            while not speaker.played_samples:
                await asyncio.sleep(0.01)
        await speaker.clear_buffer()
        played = speaker.played_samples
        assert not speaker.is_playing
        await asyncio.wait_for(waiting, 10)
        await asyncio.sleep(0.1)
        assert speaker.played_samples == played < RATE


@pytest.mark.usefixtures("sound_server")
async def test_volume_is_heard_and_is_in_the_reference_for_echo_cancellation() -> None:
    async with (
        started(MicrophoneInput()) as microphone,
        started(SpeakerOutput()) as speaker,
        playing(speaker, tone(1000, 6)),
    ):
        blocks: list[bytes] = []
        speaker.on_block = lambda pcm, _: blocks.append(pcm)
        heard_db, played_db = [], []
        for volume in (1.0, 0.5, 0.0):
            await speaker.set_volume(volume)
            assert speaker.volume == volume
            await hear(microphone, RATE // 2)
            blocks.clear()
            heard_db.append(level_dbfs(await hear(microphone, RATE // 2)))
            played_db.append(level_dbfs(b"".join(blocks)))
        with pytest.raises(ValueError, match="from 0 to 1"):
            await speaker.set_volume(1.1)
    for loud, half, silent in (heard_db, played_db):
        assert loud - half == pytest.approx(10, abs=0.5)
        assert silent < -80


@pytest.mark.usefixtures("sound_server")
async def test_stop_is_idempotent_and_devices_start_again() -> None:
    microphone, speaker = MicrophoneInput(), SpeakerOutput()
    for device in (microphone, speaker):
        await device.stop()
        await device.start()
        await device.start()
        await device.stop()
        await device.stop()
        await device.start()
    assert len(await hear(microphone, 480)) >= 960
    with pytest.raises(SinkError, match="not been started"):
        await SpeakerOutput().play_chunk(bytes(960))
    for device in (microphone, speaker):
        await asyncio.gather(device.stop(), device.stop())
    assert PORTAUDIO._open_streams == 0


@pytest.mark.usefixtures("sound_server")
async def test_stop_ends_whoever_listens_or_speaks() -> None:
    microphone, speaker = MicrophoneInput(), SpeakerOutput()
    await asyncio.gather(microphone.start(), speaker.start())
    hearing = asyncio.create_task(hear(microphone, 10**9))
    speaking = asyncio.create_task(speaker.play_chunk(tone(1000, 10)))
    await asyncio.sleep(0.1)
    await asyncio.gather(microphone.stop(), speaker.stop())
    async with asyncio.timeout(10):
        await hearing
        await speaking


@pytest.mark.usefixtures("sound_server")
@pytest.mark.parametrize("device_type", [MicrophoneInput, SpeakerOutput])
@pytest.mark.parametrize("steps", [0, 1, 2, 5])
async def test_cancelled_start_leaves_nothing_open(
    device_type: type[MicrophoneInput | SpeakerOutput], steps: int
) -> None:
    device = device_type()
    starting = asyncio.create_task(device.start())
    for _ in range(steps):
        await asyncio.sleep(0)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()
    assert PORTAUDIO._open_streams == 0


@pytest.mark.usefixtures("sound_server")
@pytest.mark.parametrize("device_type", [MicrophoneInput, SpeakerOutput])
async def test_stop_while_starting(device_type: type[MicrophoneInput | SpeakerOutput]) -> None:
    device = device_type()
    starting = asyncio.create_task(device.start())
    await asyncio.sleep(0.001)
    await device.stop()
    with pytest.raises((SourceError, SinkError), match="stopped while"):
        await starting
    assert PORTAUDIO._open_streams == 0


@pytest.mark.usefixtures("sound_server")
async def test_late_reader_loses_the_oldest_blocks() -> None:
    async with started(MicrophoneInput()) as microphone:
        for _ in range(105):
            microphone._take(array("h", [7]).tobytes())
        assert microphone.dropped_blocks >= 5


async def test_sound_server_killed_while_streaming(sound_server) -> None:
    # In a process of its own: some versions of PortAudio then spin in a thread, and fill the standard error stream.
    play = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("lose_sound_server.py")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert play.stdin is not None
    assert play.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert await play.stdout.readline() == b"both work\n"
            await asyncio.to_thread(sound_server.kill)
            assert await play.stdout.readline() == b"both failed\n"
            assert await play.stdout.readline() == b"neither can be opened\n"
            await asyncio.to_thread(sound_server.start)
            play.stdin.write(b"restarted\n")
            assert await play.stdout.readline() == b"both work again\n"
    finally:
        if play.returncode is None:
            play.kill()
        await play.wait()


@pytest.mark.usefixtures("sound_server")
async def test_listing() -> None:
    devices = await list_devices()
    assert devices.problem is None
    assert "pulse" in [device.name for device in devices.inputs]
    assert "pulse" in [device.name for device in devices.outputs]
    assert sum(device.is_default for device in devices.inputs) == 1
    assert all(device.sample_rate >= 8000 for device in devices.outputs)
    async with started(MicrophoneInput(devices.inputs[0].index)) as microphone:
        assert await list_devices() == devices, "an open stream survives the listing"
        assert len(await hear(microphone, 4800)) >= 9600


@pytest.mark.usefixtures("sound_server")
async def test_unknown_device_is_told_with_those_there_are() -> None:
    with pytest.raises(SourceError, match=r"No microphone is called 'Loft'; there are .*'pulse'"):
        await MicrophoneInput("Loft").start()
    with pytest.raises(SinkError, match=r"No speaker is called 99; there are .*'pulse'"):
        await SpeakerOutput(99).start()


@pytest.mark.usefixtures("no_sound_server")
async def test_no_sound_server() -> None:
    devices = await list_devices()
    assert (devices.inputs, devices.outputs, devices.problem) == ((), (), "no_devices")
    with pytest.raises(SourceError, match="no microphone on this machine"):
        await MicrophoneInput().start()
    with pytest.raises(SinkError, match="no speaker on this machine"):
        await SpeakerOutput("pulse").start()
