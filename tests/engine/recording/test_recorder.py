"""The recording is written while the session goes on, and never harms it."""

import asyncio
import io
import logging
import subprocess
import sys
import textwrap
import threading
import timeit
import wave
from array import array
from collections.abc import Buffer, Callable
from pathlib import Path
from typing import override

import pytest

from custom_components.rtvoice.engine.audio.level import level_dbfs
from custom_components.rtvoice.engine.events import AgentErrorEvent
from custom_components.rtvoice.engine.recording import HeardAudio, Recorder
from tests.engine.recording.test_wav import files_of_at_most

RATE_HZ = 24_000
FRAME = RATE_HZ // 50


def frame(level: int, samples: int = FRAME) -> bytes:
    return array("h", [level] * samples).tobytes()


def channels(path: Path) -> tuple[array[int], array[int]]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE_HZ)
        both = array("h", file.readframes(file.getnframes()))
    return both[0::2], both[1::2]


def writers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rtvoice recorder"]


async def until(condition: Callable[[], object], *, within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.02)


async def test_user_left_and_agent_right(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "new" / "talk.wav")
    recorder.start(1000.0)
    for number in range(200):
        at_s = 1000.0 + number * 0.02
        recorder.microphone(frame(11), at_s)
        if 50 <= number < 100:
            recorder.speaker(frame(22), at_s)
    assert await recorder.close() == recorder.path == tmp_path / "new" / "talk.wav"
    left, right = channels(tmp_path / "new" / "talk.wav")
    assert left == array("h", [11] * 4 * RATE_HZ)
    assert right == array("h", [0] * RATE_HZ + [22] * RATE_HZ + [0] * 2 * RATE_HZ)
    assert not writers()


async def test_speech_over_the_agent_is_recorded_and_what_was_not_heard_is_not(tmp_path: Path) -> None:
    """B24: barge-in is audible in both channels, and interrupted audio stops where it was cut."""
    recorder = Recorder(tmp_path / "talk.wav")
    recorder.start(0.0)
    heard = HeardAudio(RATE_HZ, RATE_HZ)
    heard.enter(frame(22, 5 * RATE_HZ))
    for number in range(100):
        now_s = (number + 1) * 0.02
        recorder.microphone(frame(11), now_s - 0.02)
        played = min((number + 1) * FRAME, 60 * FRAME + 7)
        pcm = heard.cut(played) if number == 60 else heard.release(played)
        recorder.speaker(pcm, now_s - len(pcm) / 2 / RATE_HZ)
    path = await recorder.close()
    assert path is not None
    left, right = channels(path)
    assert left.count(11) == 2 * RATE_HZ
    assert right.count(22) == 60 * FRAME + 7
    assert not any(right[61 * FRAME :])


async def test_it_is_on_the_disk_while_it_happens(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    recorder = Recorder(path)
    recorder.start(0.0)
    for number in range(250):
        recorder.microphone(frame(11), number * 0.02)
    await until(lambda: recorder.path is not None)
    left, right = channels(path)
    assert 3.9 * RATE_HZ <= left.count(11) == len(left) == len(right)
    await recorder.close()
    assert len(channels(path)[0]) == 5 * RATE_HZ


async def test_a_program_killed_while_recording_leaves_what_was_said(tmp_path: Path) -> None:
    """B24: a crash is not the end of the recording."""
    path = tmp_path / "talk.wav"
    code = textwrap.dedent(f"""
        import asyncio, os, signal
        from pathlib import Path
        from custom_components.rtvoice.engine.recording import Recorder

        async def main():
            recorder = Recorder(Path({str(path)!r}))
            recorder.start(0.0)
            for number in range(500):
                recorder.microphone(bytes([1, 1]) * 480, number * 0.02)
                if number % 50 == 49:
                    await asyncio.sleep(0.1)
            while recorder.path is None:
                await asyncio.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(main())
    """)
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    left, right = channels(path)
    assert len(left) > 0
    assert left.count(257) == len(left)
    assert not any(right)


async def test_an_existing_recording_is_kept(tmp_path: Path) -> None:
    (tmp_path / "talk.wav").write_bytes(b"precious")
    recorder = Recorder(tmp_path / "talk.wav")
    recorder.start(0.0)
    recorder.microphone(frame(11), 0.0)
    assert await recorder.close() == tmp_path / "talk-2.wav"
    assert (tmp_path / "talk.wav").read_bytes() == b"precious"


async def test_without_audio_there_is_no_file(tmp_path: Path) -> None:
    """B24: a path is given only where there is a file, also where nobody has spoken."""
    recorder = Recorder(tmp_path / "talk.wav")
    recorder.start(0.0)
    recorder.speaker(b"", 0.0)
    assert await recorder.close() is None
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240 - the folder is empty


async def test_before_start_and_after_close_nothing_is_recorded(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "talk.wav")
    recorder.microphone(frame(1), 0.0)
    recorder.start(0.0)
    recorder.microphone(frame(2), 0.0)
    path = await recorder.close()
    recorder.microphone(frame(3), 0.02)
    assert await recorder.close() == path
    assert path is not None
    assert channels(path)[0] == array("h", [2] * FRAME)


async def test_a_recorder_that_was_never_started_closes(tmp_path: Path) -> None:
    assert await Recorder(tmp_path / "talk.wav").close() is None


async def test_a_recorder_is_used_once(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "talk.wav")
    recorder.start(0.0)
    with pytest.raises(RuntimeError, match="once"):
        recorder.start(1.0)
    await recorder.close()


async def test_a_file_that_cannot_be_made_ends_the_recording_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    failures: list[AgentErrorEvent] = []
    recorder = Recorder(tmp_path / "file" / "talk.wav", on_failure=failures.append)
    recorder.start(0.0)
    await until(lambda: failures)
    recorder.microphone(frame(1), 0.0)
    assert await recorder.close() is None
    assert [event.error.type for event in failures] == ["recording_failed"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_a_full_disk_ends_the_recording_and_keeps_what_fitted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[AgentErrorEvent] = []
    recorder = Recorder(tmp_path / "talk.wav", on_failure=failures.append)
    with files_of_at_most(5 * RATE_HZ * 4):
        recorder.start(0.0)
        number = 0
        while not failures:
            recorder.microphone(frame(11), number * 0.02)
            number += 1
            if number % 100 == 0:
                await until(lambda: failures or not recorder._blocks)
            assert number < 1000
        for late in range(number, number + 100):
            recorder.microphone(frame(11), late * 0.02)
        path = await recorder.close()
    assert path is not None
    left, _ = channels(path)
    assert 2 * RATE_HZ <= left.count(11) == len(left) <= 5 * RATE_HZ
    assert len(failures) == len(caplog.records) == 1
    assert not writers()


async def test_a_slow_disk_costs_the_oldest_blocks_and_leaves_silence(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "talk.wav", capacity_blocks=100)
    recorder.start(0.0)
    # All at once, before the writer has had a chance to look.
    for number in range(150):
        recorder.microphone(frame(11), number * 0.02)
    path = await recorder.close()
    assert path is not None
    left, _ = channels(path)
    assert left == array("h", [0] * RATE_HZ + [11] * 2 * RATE_HZ)
    assert recorder.dropped_samples == RATE_HZ


async def test_a_disk_that_hangs_keeps_nobody_waiting_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    back = threading.Event()

    class HangingFile(io.FileIO):
        """On a file server that is gone for a while."""

        @override
        def write(self, content: Buffer, /) -> int:
            back.wait()
            return super().write(content)

    monkeypatch.setattr("custom_components.rtvoice.engine.recording.wav.FileIO", HangingFile)
    monkeypatch.setattr("custom_components.rtvoice.engine.recording.recorder._CLOSE_S", 0.1)
    recorder = Recorder(tmp_path / "talk.wav")
    recorder.start(0.0)
    recorder.microphone(frame(11), 0.0)
    try:
        assert await recorder.close() is None
        assert "does not take the end" in caplog.text
    finally:
        back.set()
    await until(lambda: not writers())
    assert await recorder.close() == tmp_path / "talk.wav"
    assert channels(tmp_path / "talk.wav")[0] == array("h", [11] * FRAME)


async def test_a_failure_nobody_listens_to_is_only_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(tmp_path)
    recorder.start(0.0)
    assert await recorder.close() is None
    assert "has ended early" in caplog.text


async def test_recording_a_frame_costs_less_than_measuring_its_level(tmp_path: Path) -> None:
    """The level is measured for every frame on the event loop, in a few microseconds."""
    recorder = Recorder(tmp_path / "talk.wav")
    recorder.start(0.0)
    pcm = frame(11)

    def best_s(work: Callable[[], object]) -> float:
        return min(timeit.repeat(work, number=50, repeat=20))

    try:
        assert best_s(lambda: recorder.microphone(pcm, 0.0)) < best_s(lambda: level_dbfs(pcm))
    finally:
        await recorder.close()
