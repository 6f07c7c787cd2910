"""What the house's satellite hears with and speaks with, and how we speak to it and hear it."""

import asyncio
import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol, override

import numpy as np

from .programs import Program, ProgramError, run, running
from .speech import write_wav

RATE_HZ = 24_000
TAIL_S = 0.5
"""Silence after a sentence in a microphone file."""


class Sound(Protocol):
    """A microphone that we can speak into, and a speaker that we can record."""

    @property
    def devices(self) -> dict[str, str]:
        """The satellite's `input`, `output` and what is done about `echo`."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What Home Assistant must have in its environment to find them."""

    @property
    def is_live(self) -> bool:
        """Whether one can speak at any time; else a sentence is heard by the session that starts next."""

    async def speak(self, wav: Path) -> None:
        """Play a WAV file into the microphone; returns when all of it has been said."""

    def recording(self, path: Path) -> contextlib.AbstractAsyncContextManager[None]:
        """Record the speaker to a WAV file while the body runs."""


class VirtualSoundCard(Sound):
    """A PulseAudio server of our own with a microphone and a speaker that exist only in memory."""

    def __init__(self, folder: Path, program: Program) -> None:
        self._folder = folder
        self.program = program

    @property
    @override
    def devices(self) -> dict[str, str]:
        # There is no room between the speaker and the microphone, so nothing has to be done.
        return {"input": "pulse", "output": "pulse", "echo": "off"}

    @property
    @override
    def environment(self) -> Mapping[str, str]:
        return {"PULSE_SERVER": f"unix:{self._folder / 'native'}"}

    @property
    @override
    def is_live(self) -> bool:
        return True

    @override
    async def speak(self, wav: Path) -> None:
        await run("paplay", "--device=microphone_side", wav, environment=self.environment, within_s=120)

    @override
    @contextlib.asynccontextmanager
    async def recording(self, path: Path) -> AsyncIterator[None]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        options = (f"--rate={RATE_HZ}", "--channels=1", "--format=s16le", "--file-format=wav", "--latency-msec=20")
        command = ("parecord", "--device=speaker.monitor", *options, path)
        async with running("parecord", command, log=self._folder / "parecord.log", environment=self.environment) as it:
            await it.ready(partial(asyncio.to_thread, path.exists), within_s=10)
            yield


SETUP = """\
load-module module-native-protocol-unix auth-anonymous=1 socket={folder}/native
load-module module-null-sink sink_name=speaker rate=48000 channels=2 sink_properties=device.description=Speaker
load-module module-null-sink sink_name=microphone_side rate=48000 channels=1 sink_properties=device.description=Mouth
load-module module-remap-source master=microphone_side.monitor source_name=microphone \
source_properties=device.description=Microphone
set-default-sink speaker
set-default-source microphone
"""


def has_virtual_sound_card() -> bool:
    """Whether this machine has the programs for one."""
    return all(shutil.which(name) for name in ("pulseaudio", "paplay", "parecord"))


@contextlib.asynccontextmanager
async def virtual_sound_card(log: Path) -> AsyncIterator[VirtualSoundCard]:
    """A sound card while the body runs. Raises ProgramError where PulseAudio does not start."""
    with _short_folder() as folder:
        (folder / "setup.pa").write_text(SETUP.format(folder=folder))
        command = ("pulseaudio", "-n", "-F", folder / "setup.pa", "--daemonize=no", "--exit-idle-time=-1")
        options = ("--disallow-exit", "--use-pid-file=no")
        home = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        async with running("pulseaudio", (*command, *options), log=log, environment=home) as program:
            card = VirtualSoundCard(folder, program)
            await program.ready(partial(_answers, card), within_s=20)
            yield card


@contextlib.contextmanager
def _short_folder() -> Iterator[Path]:
    """A folder for the socket, whose name may be no longer than about 100 bytes; what crashes left is removed."""
    prefix = "rtvoice-sound-"
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError), (folder / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder


async def _answers(card: VirtualSoundCard) -> bool:
    try:
        sinks = await run("pactl", "list", "short", "sources", environment=card.environment, within_s=5)
    except ProgramError, TimeoutError:
        return False
    return "microphone\t" in sinks


class SoundFiles(Sound):
    """A file as the microphone and a file as the speaker, for machines without a sound server."""

    def __init__(self, folder: Path) -> None:
        self.microphone = folder / "microphone.wav"
        self.speaker = folder / "speaker.wav"
        folder.mkdir(parents=True, exist_ok=True)
        write_wav(self.microphone, np.zeros(RATE_HZ), RATE_HZ)

    @property
    @override
    def devices(self) -> dict[str, str]:
        return {"input": f"file:{self.microphone}", "output": f"file:{self.speaker}"}

    @property
    @override
    def environment(self) -> Mapping[str, str]:
        return {}

    @property
    @override
    def is_live(self) -> bool:
        return False

    @override
    async def speak(self, wav: Path) -> None:
        await asyncio.to_thread(shutil.copyfile, wav, self.microphone)

    @override
    @contextlib.asynccontextmanager
    async def recording(self, path: Path) -> AsyncIterator[None]:
        self.speaker.unlink(missing_ok=True)
        yield
        path.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(shutil.copyfile, self.speaker, path)
