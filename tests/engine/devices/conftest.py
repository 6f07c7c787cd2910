"""A sound server of our own, without any sound card."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_SCRIPT = """\
load-module module-native-protocol-unix auth-anonymous=1 socket={socket}
load-module module-null-sink sink_name=room rate=48000 channels=2
load-module module-remap-source master=room.monitor source_name=ear
set-default-sink room
set-default-source ear
"""


class SoundServer:
    """PulseAudio with one room: what the default speaker plays is what the default microphone hears."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"unix:{folder}/native"
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "room.pa").write_text(_SCRIPT.format(socket=folder / "native"))

    def start(self) -> None:
        env = {**os.environ, "HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder)}
        options = ["--daemonize=no", "--exit-idle-time=-1", "--disallow-exit", "--use-pid-file=no"]
        with (self.folder / "pulse.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["pulseaudio", "-n", "-F", str(self.folder / "room.pa"), *options],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 20
        while subprocess.run(["pactl", "-s", self.address, "info"], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, (self.folder / "pulse.log").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            (self.folder / "native").unlink(missing_ok=True)


@pytest.fixture
def sound_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    if shutil.which("pulseaudio") is None:
        pytest.skip("PulseAudio is not installed")
    # Not in tmp_path: a socket's path has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="rtvoice-sound-"))
    server = SoundServer(folder)
    monkeypatch.setenv("PULSE_SERVER", server.address)
    monkeypatch.setenv("PULSE_COOKIE", str(folder / "cookie"))
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


@pytest.fixture
def no_sound_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/nobody")
