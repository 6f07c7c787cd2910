"""A voice device as ESPHome makes them, whose wake word, microphone and loudspeaker are in the hands of a test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from demo.home_assistant import PYTHON, ROOT, free_port
from demo.programs import Program, running
from demo.speech import write_wav

from .assist import as_pcm, spoken

RATE_HZ = 16_000


@dataclass(frozen=True)
class VoiceDevice:
    """The running program."""

    program: Program
    port: int
    folder: Path

    def wake(self) -> None:
        """Say the wake word."""
        (self.folder / "woken").touch()

    async def say(self, sentence: str) -> None:
        """Say a sentence, now or as soon as it listens."""
        samples = await spoken(sentence, RATE_HZ, self.folder)
        whole = self.folder / "sentence.raw"
        whole.write_bytes(as_pcm(np.concatenate((np.zeros(RATE_HZ // 2), samples))))
        whole.rename(self.folder / "spoken.raw")

    async def did(self, what: str, *, times: int = 1, within_s: float = 30) -> None:
        """Wait until it has told `what` (a pattern at the beginning of a line) so many times."""
        await self.program.line(rf"\A(?:(?:.*\n)*?{what}.*\n){{{times}}}", within_s=within_s)

    def heard(self, path: Path) -> Path:
        """Write what it has played since this was last called to a WAV file."""
        raw = self.folder / "heard.raw"
        write_wav(path, np.frombuffer(raw.read_bytes(), dtype="<i2") / 32768, RATE_HZ)
        raw.unlink()
        return path


@contextlib.asynccontextmanager
async def voice_device(folder: Path, mouth: Literal["player", "speaker"]) -> AsyncIterator[VoiceDevice]:
    """The program while the body runs."""
    await asyncio.to_thread(folder.mkdir, parents=True)
    port = free_port()
    command = (PYTHON, "-P", ROOT / "tests" / "e2e" / "esphome_program.py", str(port), folder, mouth)
    async with running("voice device", command, log=folder / "device.log") as program:
        await program.line("ready", within_s=30)
        yield VoiceDevice(program, port, folder)
