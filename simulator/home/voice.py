"""A voice: flite, run as a program."""

import asyncio
import re
import shutil
import struct
from collections import OrderedDict

from simulator.errors import SimulatorSetupError

from .sound import WIRE_HZ, resample

_LOW_VOICES = ("ash", "ballad", "echo", "verse", "cedar")
_KEPT = 64


class Voice:
    """Speaks English text; the last 64 utterances are kept."""

    def __init__(self, program: str = "flite") -> None:
        self._program = program
        self._kept: OrderedDict[tuple[str, str, float], bytes] = OrderedDict()

    def check(self) -> None:
        """Raise SimulatorSetupError if flite is not installed."""
        if shutil.which(self._program) is None:
            raise SimulatorSetupError(f"The program {self._program!r} is missing; on Debian: apt-get install flite")

    async def speak(self, text: str, *, voice: str = "alloy", speed: float = 1.0) -> bytes:
        """The text as 16-bit mono PCM at 24 kHz."""
        key = (speakable(text), flite_voice(voice), speed)
        if key not in self._kept:
            self._kept[key] = await self._run(*key)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    async def phones(self, word: str) -> list[str]:
        """How flite would pronounce a word, in its own phones."""
        output = await self._output("-ps", "-t", word, "none")
        return [phone for phone in output.decode().split() if phone != "pau"]

    async def _run(self, text: str, voice: str, speed: float) -> bytes:
        stretch = f"duration_stretch={1 / speed:.3f}"
        wav = await self._output("-voice", voice, "--setf", stretch, "-t", text or ".", "-o", "/dev/stdout")
        return await asyncio.to_thread(resample, *_wave(wav), WIRE_HZ)

    async def _output(self, *arguments: str) -> bytes:
        process = await asyncio.create_subprocess_exec(
            self._program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            output, complaint = await process.communicate()
        except BaseException:
            if process.returncode is None:
                process.kill()
                await process.wait()
            raise
        if process.returncode:
            raise SimulatorSetupError(f"{self._program} failed: {complaint.decode(errors='replace').strip()}")
        return output


def flite_voice(voice: str) -> str:
    """The voice of flite that stands for one of the Realtime API's."""
    return "rms" if voice in _LOW_VOICES else "slt"


def speakable(text: str) -> str:
    """Text without signs that flite would trip over."""
    text = re.sub(r"(\d+):00\b", r"\1 o'clock", text)
    text = re.sub(r"(\d+):0(\d)\b", r"\1 oh \2", text)
    text = re.sub(r"(\d+):(\d+)", r"\1 \2", text)
    return re.sub(r"[^\w\s.,;!?'%-]+", " ", text).strip().lstrip("-")


def _wave(wav: bytes) -> tuple[bytes, int]:
    """Samples and rate. The length in the header is not to be trusted: flite writes it before it knows."""
    rate: int = struct.unpack_from("<I", wav, 24)[0]
    data = wav[wav.index(b"data", 12) + 8 :]
    return data[: len(data) // 2 * 2], rate
