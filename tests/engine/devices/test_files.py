"""WAV files as microphone and speaker, true to time."""

import asyncio
import os
import wave
from array import array
from pathlib import Path

import pytest

from custom_components.rtvoice.engine.devices import FileInput, FileOutput
from custom_components.rtvoice.engine.devices.tape import Tape
from custom_components.rtvoice.engine.errors import SinkError, SourceError
from custom_components.rtvoice.engine.ports import AudioInputDevice, AudioOutputDevice
from tests.engine.session.virtual_time import in_virtual_time


def ramp(samples: int) -> bytes:
    return array("h", range(1, samples + 1)).tobytes()


def write(path: Path, pcm: bytes, rate: int = 24_000, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(pcm)
    return path


def read(path: Path) -> tuple[int, bytes]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        assert path.stat().st_size == 44 + 2 * file.getnframes()
        return file.getframerate(), file.readframes(file.getnframes())


async def frames(microphone: FileInput, count: int) -> list[tuple[float, bytes]]:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    heard: list[tuple[float, bytes]] = []
    async for chunk in microphone.stream_chunks():
        heard.append((round(loop.time() - began_s, 6), chunk))
        if len(heard) == count:
            break
    return heard


@in_virtual_time
async def test_file_is_heard_in_real_time_then_silence(tmp_path: Path) -> None:
    microphone = FileInput(write(tmp_path / "a.wav", ramp(700)))
    assert isinstance(microphone, AudioInputDevice)
    await microphone.start()
    heard = await frames(microphone, 100)
    assert [when for when, _ in heard] == [round(0.02 * n, 6) for n in range(1, 101)]
    assert b"".join(chunk for _, chunk in heard) == ramp(700) + bytes(2 * (48_000 - 700))


@in_virtual_time
async def test_slow_reader_causes_no_drift(tmp_path: Path) -> None:
    microphone = FileInput(write(tmp_path / "a.wav", ramp(4800)))
    await microphone.start()
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    count = 0
    async for _ in microphone.stream_chunks():
        count += 1
        await asyncio.sleep(0.018 if count % 10 else 0.03)
        if count == 100:
            break
    assert loop.time() - began_s == pytest.approx(2.03, abs=0.005)


@in_virtual_time
async def test_stop_ends_the_chunks(tmp_path: Path) -> None:
    microphone = FileInput(write(tmp_path / "a.wav", ramp(480)))
    assert not microphone.is_active
    await microphone.start()
    assert microphone.is_active
    hearing = asyncio.create_task(frames(microphone, 1000))
    await asyncio.sleep(0.05)
    await microphone.stop()
    await microphone.stop()
    assert len(await hearing) == 2
    assert not microphone.is_active


async def test_rate_is_the_files_own_or_the_wanted_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", bytes(2 * 4800), rate=48_000)
    own, wanted = FileInput(str(path)), FileInput(path, 16_000)
    assert (own.sample_rate, wanted.sample_rate) == (24_000, 16_000)
    await own.start()
    await wanted.start()
    assert (own.sample_rate, wanted.sample_rate) == (48_000, 16_000)
    assert len(wanted._pcm) == 2 * 1600


async def test_unreadable_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no audio in here")
    (tmp_path / "empty.wav").touch()
    for name in ("missing.wav", "text.wav", "empty.wav"):
        with pytest.raises(SourceError, match=f"{name} cannot be read as a WAV file"):
            await FileInput(tmp_path / name).start()
    stereo = write(tmp_path / "stereo.wav", bytes(400), channels=2)
    coarse = write(tmp_path / "coarse.wav", bytes(400), width=1)
    for path in (stereo, coarse):
        with pytest.raises(SourceError, match="16 bits and one channel"):
            await FileInput(path).start()


@in_virtual_time
async def test_speaker_plays_in_real_time_and_keeps_the_gaps(tmp_path: Path) -> None:
    speaker = FileOutput(tmp_path / "out.wav")
    assert isinstance(speaker, AudioOutputDevice)
    await speaker.start()
    await asyncio.sleep(0.1)
    await speaker.play_chunk(ramp(1200))
    assert speaker.is_playing
    await asyncio.sleep(0.025)
    assert speaker.played_samples == pytest.approx(600, abs=1)
    await asyncio.sleep(0.2)
    assert (speaker.is_playing, speaker.played_samples) == (False, 1200)
    await speaker.play_chunk(ramp(480))
    await asyncio.sleep(0.1)
    await speaker.stop()
    rate, pcm = read(tmp_path / "out.wav")
    samples = array("h", pcm)
    assert rate == 24_000
    assert len(samples) == pytest.approx(0.425 * 24_000, abs=1)
    first = samples.index(1)
    second = samples.index(1, first + 1)
    assert (first, second) == (pytest.approx(2400, abs=1), pytest.approx(0.325 * 24_000, abs=1))
    assert samples[first : first + 1200].tobytes() == ramp(1200)
    assert samples[second : second + 480].tobytes() == ramp(480)
    assert sum(1 for sample in samples if sample) == 1680


@in_virtual_time
async def test_full_speaker_waits(tmp_path: Path) -> None:
    speaker = FileOutput(tmp_path / "out.wav")
    await speaker.start()
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for _ in range(150):
        await speaker.play_chunk(bytes(960))
    assert loop.time() - began_s == pytest.approx(2.9, abs=0.03)
    assert len(read(tmp_path / "out.wav")[1]) >= 2 * 24_000, "valid while it is recorded"
    await speaker.stop()
    assert speaker.played_samples == pytest.approx(2.9 * 24_000, abs=500)


@in_virtual_time
async def test_clear_is_silence_and_never_counts(tmp_path: Path) -> None:
    speaker = FileOutput(tmp_path / "out.wav")
    await speaker.start()
    waiting = asyncio.create_task(speaker.play_chunk(ramp(30_000)))
    await asyncio.sleep(0.25)
    await speaker.clear_buffer()
    await waiting
    played = speaker.played_samples
    assert played == pytest.approx(6000, abs=1)
    await asyncio.sleep(0.25)
    assert (speaker.played_samples, speaker.is_playing) == (played, False)
    await speaker.stop()
    samples = array("h", read(tmp_path / "out.wav")[1])
    assert samples[:played].tobytes() == ramp(played)
    assert not any(samples[played:])


@in_virtual_time
async def test_clear_while_the_file_is_written(tmp_path: Path) -> None:
    speaker = FileOutput(tmp_path / "out.wav")
    await speaker.start()
    await asyncio.sleep(2)
    speaking = asyncio.create_task(speaker.play_chunk(ramp(2400)))
    await asyncio.sleep(0)
    await speaker.clear_buffer()
    await speaking
    await speaker.stop()
    assert not any(read(tmp_path / "out.wav")[1])


@in_virtual_time
async def test_can_be_started_again_and_counts_on(tmp_path: Path) -> None:
    speaker = FileOutput(tmp_path / "out.wav", 16_000)
    assert speaker.sample_rate == 16_000
    for played in (320, 640):
        await speaker.start()
        await speaker.play_chunk(ramp(320))
        await asyncio.sleep(0.1)
        assert speaker.played_samples == played
        await speaker.stop()
        await speaker.stop()
        assert read(tmp_path / "out.wav") == (16_000, ramp(320) + bytes(2 * 1280))
    assert not speaker.is_playing


async def test_unwritable_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="cannot be written"):
        await FileOutput(tmp_path / "missing" / "out.wav").start()
    with pytest.raises(SinkError, match="not been started"):
        await FileOutput(tmp_path / "out.wav").play_chunk(bytes(2))


async def test_stopped_while_starting(tmp_path: Path) -> None:
    # A pipe can be opened for writing only once somebody reads from it.
    pipe = tmp_path / "out.wav"
    os.mkfifo(pipe)
    speaker = FileOutput(pipe)
    starting = asyncio.create_task(speaker.start())
    while not speaker._tape._mutex.locked():
        await asyncio.sleep(0.001)
    stopping = asyncio.create_task(speaker.stop())
    await asyncio.sleep(0)
    header = await asyncio.to_thread(pipe.read_bytes)
    assert header.startswith(b"RIFF")
    await stopping
    with pytest.raises(SinkError, match="stopped while"):
        await starting


def test_full_disk_is_told() -> None:
    tape = Tape(Path("/dev/full"), 24_000)
    tape.record(bytes(100_000), 24_000)
    with pytest.raises(SinkError, match="No space left"):
        tape.write()
    with pytest.raises(SinkError, match="No space left"):
        tape.close()
    tape.write()
