"""Sentences as sound, and how much sound is in a recording."""

import wave
from pathlib import Path

import numpy as np

from .programs import run

VOICES = ("slt", "rms")
"""Voices of flite that the simulator understands well."""
BLOCK_S = 0.02
SPEECH_DBFS = -45.0
"""A block louder than this is taken for speech; the virtual sound card has no noise."""


async def speak_to_file(text: str, path: Path, *, voice: str = VOICES[0]) -> None:
    """Write `text`, spoken by flite, to a WAV file. Raises ProgramError where flite is missing."""
    await run("flite", "-voice", voice, "-t", text, "-o", path)


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    """Samples (float, full scale is 1) and rate of a 16-bit WAV file; several channels are mixed."""
    with wave.open(str(path), "rb") as file:
        rate, channels = file.getframerate(), file.getnchannels()
        raw = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return raw[: len(raw) // channels * channels].reshape(-1, channels).mean(axis=1) / 32768.0, rate


def write_wav(path: Path, samples: np.ndarray, rate: int) -> None:
    """Write samples (float, full scale is 1) to a 16-bit mono WAV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes())


def loud_blocks(samples: np.ndarray, rate: int) -> np.ndarray:
    """Whether there is speech, for each 20 ms of a recording."""
    size = int(rate * BLOCK_S)
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    power = np.maximum((blocks**2).mean(axis=1), 1e-12)
    return np.asarray(10 * np.log10(power) > SPEECH_DBFS)


def speech_s(path: Path) -> float:
    """Seconds of the recording in which there is sound as loud as speech."""
    samples, rate = read_wav(path)
    return float(loud_blocks(samples, rate).sum() * BLOCK_S)


def trim(path: Path, *, margin_s: float = 0.2) -> None:
    """Cut the silence off both ends of a recording; a silent one is left as it is."""
    samples, rate = read_wav(path)
    (loud,) = np.nonzero(loud_blocks(samples, rate))
    if loud.size:
        first = max(0.0, loud[0] * BLOCK_S - margin_s)
        last = (loud[-1] + 1) * BLOCK_S + margin_s
        samples = samples[int(first * rate) : int(last * rate)]
    write_wav(path, samples, rate)
