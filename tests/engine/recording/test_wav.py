"""The file is a valid WAV file at any time, and never takes the place of another one."""

import contextlib
import errno
import resource
import shutil
import subprocess
import sys
import textwrap
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from custom_components.rtvoice.engine.recording.wav import WavFile


def content(path: Path) -> tuple[tuple[int, int, int], bytes]:
    with wave.open(str(path), "rb") as file:
        shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        return shape, file.readframes(file.getnframes())


@contextlib.contextmanager
def files_of_at_most(limit_bytes: int) -> Iterator[None]:
    """A disk that is full at this length of a file: the kernel refuses to write more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_file_is_valid_after_every_piece(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    file = WavFile(path, 24_000)
    assert content(path) == ((2, 2, 24_000), b"")
    written = b""
    for number in range(5):
        piece = bytes([number]) * 400
        file.append(piece)
        written += piece
        assert content(path) == ((2, 2, 24_000), written)
    file.close()
    assert content(path) == ((2, 2, 24_000), written)


def test_other_players_accept_it(tmp_path: Path) -> None:
    soxi = shutil.which("soxi")
    if soxi is None:
        pytest.skip("sox is not installed")
    file = WavFile(tmp_path / "talk.wav", 16_000)
    file.append(bytes(64_000))
    said = [
        subprocess.run([soxi, flag, file.path], capture_output=True, text=True, check=True).stdout.strip()
        for flag in ("-c", "-r", "-b", "-s")
    ]
    assert said == ["2", "16000", "16", "16000"]
    file.close()


def test_parent_folders_are_made(tmp_path: Path) -> None:
    file = WavFile(tmp_path / "a" / "b" / "talk.wav", 24_000)
    file.close()
    assert file.path.exists()


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_text("precious")
    (tmp_path / "talk-3.wav").write_text("precious, too")
    files = [WavFile(path, 24_000) for _ in range(3)]
    for file in files:
        file.close()
    assert [file.path.name for file in files] == ["talk-2.wav", "talk-4.wav", "talk-5.wav"]
    assert path.read_text() == "precious"
    assert (tmp_path / "talk-3.wav").read_text() == "precious, too"


@pytest.mark.parametrize("name", [".", "file/talk.wav"])
def test_an_impossible_path_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the path
        WavFile(tmp_path / name, 24_000)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_what_fitted(tmp_path: Path) -> None:
    file = WavFile(tmp_path / "talk.wav", 24_000)
    with files_of_at_most(2000):
        file.append(b"\1" * 1600)
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the code is checked below
            file.append(b"\2" * 1600)
        assert caught.value.errno == errno.EFBIG
        assert content(file.path)[1] == b"\1" * 1600
        file.close()
    assert content(file.path)[1] == b"\1" * 1600
    assert file.path.stat().st_size == 44 + 1600


def test_a_piece_after_a_failed_one_takes_its_place(tmp_path: Path) -> None:
    file = WavFile(tmp_path / "talk.wav", 24_000)
    with files_of_at_most(100), pytest.raises(OSError):  # noqa: PT011 - see above
        file.append(b"\1" * 400)
    file.append(b"\2" * 400)
    file.close()
    assert content(file.path)[1] == b"\2" * 400


def test_it_ends_where_the_header_could_not_count_any_further(tmp_path: Path) -> None:
    file = WavFile(tmp_path / "talk.wav", 24_000, limit_bytes=800)
    file.append(bytes(800))
    with pytest.raises(OSError, match="longer"):
        file.append(bytes(4))
    file.close()
    assert content(file.path)[1] == bytes(800)


def test_a_program_killed_while_writing_leaves_a_valid_file(tmp_path: Path) -> None:
    """B24: a crash costs the last moment, not the recording."""
    path = tmp_path / "talk.wav"
    code = textwrap.dedent(f"""
        from pathlib import Path
        from custom_components.rtvoice.engine.recording.wav import WavFile
        file = WavFile(Path({str(path)!r}), 24000)
        for number in range(1_000_000):
            file.append(bytes([number % 256]) * 9600)
            print(number, flush=True)
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(50):
            process.stdout.readline()
        process.kill()
    shape, pcm = content(path)
    assert shape == (2, 2, 24_000)
    pieces = len(pcm) // 9600
    assert pieces >= 50
    assert pcm == b"".join(bytes([number % 256]) * 9600 for number in range(pieces))
