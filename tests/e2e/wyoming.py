"""A wyoming-satellite, the program, whose microphone, wake word and speaker are in the hands of a test."""

import asyncio
import contextlib
import shlex
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demo.home_assistant import HOST, ROOT, free_port
from demo.programs import Program, running
from demo.speech import write_wav

from .assist import as_pcm, spoken

PYTHON = ROOT / ".venv-satellite" / "bin" / "python"
"""Where wyoming-satellite is installed: its own requirements disagree with Home Assistant's."""
EAR_HZ, MOUTH_HZ = 16_000, 22_050

_MICROPHONE = """
import pathlib, sys, time
spoken, pcm, due = pathlib.Path(sys.argv[1]), b"", time.monotonic()
while True:
    if not pcm and spoken.exists():
        pcm = spoken.read_bytes()
        spoken.unlink()
    chunk, pcm = pcm[:2048], pcm[2048:]
    sys.stdout.buffer.write(chunk.ljust(2048, bytes(1)))
    sys.stdout.buffer.flush()
    due += 0.064
    time.sleep(max(0, due - time.monotonic()))
"""
_WAKE_WORD = """
import pathlib, sys
called = pathlib.Path(sys.argv[1])
while sys.stdin.buffer.read(2048):
    if called.exists():
        called.unlink()
        print("okay_nabu", flush=True)
"""
_SPEAKER = """
import sys
with open(sys.argv[1], "ab", buffering=0) as heard:
    while chunk := sys.stdin.buffer.read1(4096):
        heard.write(chunk)
"""


@dataclass(frozen=True)
class WyomingSatellite:
    """The running program."""

    program: Program
    port: int
    folder: Path

    async def call(self, sentence: str) -> None:
        """Say the wake word, and a sentence behind it."""
        samples = await spoken(sentence, EAR_HZ, self.folder)
        whole = self.folder / "sentence.raw"
        whole.write_bytes(as_pcm(np.concatenate((np.zeros(EAR_HZ // 2), samples))))
        (self.folder / "called").touch()
        whole.rename(self.folder / "spoken.raw")

    def heard(self, path: Path) -> float:
        """Write what it has played so far to a WAV file; how many seconds that are."""
        raw = self.folder / "heard.raw"
        data = raw.read_bytes() if raw.exists() else b""
        samples = np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2") / 32768
        write_wav(path, samples, MOUTH_HZ)
        return len(samples) / MOUTH_HZ


@contextlib.asynccontextmanager
async def wyoming_satellite(folder: Path) -> AsyncIterator[WyomingSatellite]:
    """The program while the body runs; its sound card is three files."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)

    def script(name: str, text: str, argument: str) -> str:
        path = folder / f"{name}.py"
        path.write_text(text)
        return shlex.join((sys.executable, str(path), str(folder / argument)))

    port = free_port()
    command = (
        *(PYTHON, "-m", "wyoming_satellite", "--name", "Hall box", "--no-zeroconf", "--debug"),
        *("--uri", f"tcp://{HOST}:{port}"),
        *("--mic-command", script("microphone", _MICROPHONE, "spoken.raw")),
        *("--wake-command", script("wake_word", _WAKE_WORD, "called")),
        *("--snd-command", script("speaker", _SPEAKER, "heard.raw"), "--snd-command-rate", str(MOUTH_HZ)),
    )
    async with running("wyoming-satellite", command, log=folder / "satellite.log") as program:
        await program.line("Ready", within_s=60)
        yield WyomingSatellite(program, port, folder)
