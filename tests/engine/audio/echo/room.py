"""Rooms with a speaker and a microphone, and people who speak in them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from custom_components.rtvoice.engine.audio.echo.canceller import EchoCanceller
from simulator.home.sound import WIRE_HZ, resample
from simulator.home.voice import Voice
from simulator.vad import VoiceActivity

type Sound = NDArray[np.float64]

RATE_HZ = WIRE_HZ
ANSWERS = (
    "The weather tomorrow will be sunny with a light breeze from the west, and it will be twenty two degrees.",
    "I have turned on the lights in the living room, closed the blinds, and set the thermostat for the evening.",
    "Once upon a time there was a small lighthouse at the edge of a quiet village, where an old keeper told stories.",
)
COMMANDS = ("turn on the ceiling light", "close the bedroom blinds", "open the garage door", "lock the front door")


@cache
def speech(text: str, voice: str = "alloy", rate_hz: int = RATE_HZ, level_dbfs: float = -20) -> Sound:
    """Somebody says this."""
    with ThreadPoolExecutor(1) as thread:
        pcm = thread.submit(lambda: asyncio.run(Voice().speak(text, voice=voice))).result()
    sound = np.frombuffer(resample(pcm, WIRE_HZ, rate_hz), "<i2") / 32768
    return sound * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(sound**2))


def far_end(seconds: float, rate_hz: int = RATE_HZ, first: int = 0) -> Sound:
    """The agent talks without a pause at -20 dBFS."""
    answers = [speech(ANSWERS[(first + each) % len(ANSWERS)], rate_hz=rate_hz) for each in range(len(ANSWERS))]
    return np.resize(np.concatenate(answers), int(seconds * rate_hz))


def near_end(seconds: float, *starts_s: float, level_dbfs: float = -20) -> Sound:
    """A user says one command after another at these times."""
    sound = np.zeros(int(seconds * RATE_HZ))
    for each, start_s in enumerate(starts_s):
        words = speech(COMMANDS[each % len(COMMANDS)], "ash", level_dbfs=level_dbfs)
        start = int(start_s * RATE_HZ)
        sound[start : start + len(words)] = words
    return sound


@dataclass
class Room:
    """Its echo begins `delay_ms` late, falls by 60 dB in `reverberation_ms`, and has `coupling_db` more power."""

    delay_ms: float = 80
    coupling_db: float = -6
    noise_dbfs: float = -60
    reverberation_ms: float = 150
    rate_hz: int = RATE_HZ
    seed: int = 0

    def echo(self, far: Sound) -> Sound:
        """What the microphone hears of it."""
        times_s = np.arange(int(0.3 * self.rate_hz)) / self.rate_hz
        decay = np.exp(-3 * np.log(10) * times_s / self.reverberation_ms * 1000)
        response = np.random.default_rng(self.seed).standard_normal(len(times_s)) * decay
        response[: int(0.002 * self.rate_hz)] = 0
        response /= np.sqrt(np.sum(response**2))
        response[0] = 1.0
        response *= 10 ** (self.coupling_db / 20) / np.sqrt(2)
        silence = np.zeros(round(self.delay_ms * self.rate_hz / 1000))
        size = len(far) + len(response)
        reverberant = np.fft.irfft(np.fft.rfft(far, size) * np.fft.rfft(response, size), size)
        return np.concatenate((silence, reverberant))[: len(far)]

    def noise(self, samples: int) -> Sound:
        """It is never quite still."""
        return np.random.default_rng(self.seed + 1).standard_normal(samples) * 10 ** (self.noise_dbfs / 20)


def pcm_of(sound: Sound) -> bytes:
    """As a sound card delivers it."""
    return np.clip(np.rint(sound * 32768), -32768, 32767).astype("<i2").tobytes()


def cleaned(near: Sound, far: Sound, canceller: EchoCanceller | None = None, rate_hz: int = RATE_HZ) -> Sound:
    """What the canceller makes of it, frame by frame; whole frames only."""
    canceller = canceller or EchoCanceller(rate_hz)
    size = rate_hz // 50 * 2
    near_pcm, far_pcm = pcm_of(near), pcm_of(far)
    frames = [
        canceller.process(near_pcm[at : at + size], far_pcm[at : at + size])
        for at in range(0, len(near_pcm) - size + 1, size)
    ]
    return np.frombuffer(b"".join(frames), "<i2") / 32768


def level_db(sound: Sound) -> float:
    """Its mean power."""
    return float(10 * np.log10(np.mean(np.square(sound)) + 1e-12))


def erle_db(echo: Sound, left: Sound, from_s: float, to_s: float, rate_hz: int = RATE_HZ) -> float:
    """By how much the echo was lowered in this time."""
    part = slice(int(from_s * rate_hz), int(to_s * rate_hz))
    return level_db(echo[part]) - level_db(left[part])


def loss_db(speech_alone: Sound, mixture: Sound) -> float:
    """How much of the speech is missing in the mixture."""
    share = np.dot(mixture, speech_alone) / np.dot(speech_alone, speech_alone)
    return float(-20 * np.log10(max(1e-6, share)))


def onsets_ms(sound: Sound) -> list[int]:
    """When the simulator's detector would have taken it for the beginning of speech."""
    return [edge.at_ms for edge in VoiceActivity().feed(pcm_of(sound)) if edge.speaking]
