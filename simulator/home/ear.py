"""An ear: pocketsphinx with the sentences of the house, which knows when it has heard something else."""

import asyncio
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.errors import SimulatorSetupError

from .phrases import HARMLESS, Phrases
from .sound import EAR_HZ, WIRE_HZ, resample

UNINTELLIGIBLE = "[unintelligible]"

_BLOCK_BYTES = EAR_HZ // 50 * 2
_SILENCE = bytes(EAR_HZ // 3 * 2)
_SURE = -3.2
"""Mean log likelihood per frame, against the best of all sounds, above which a sentence is believed."""
_SURE_HARMLESS = -4.2
"""The same for sentences that change nothing."""
_WORST_WORD = -6.2
_SHORTEST_WORD_FRAMES = 10
_FRAME_SAMPLES = EAR_HZ // 100
_UNEXPLAINED_MS = 250
_SPEECH_BELOW_WORDS_DB = 15.0
_CEPSTRAL_MEAN = "40,3,-1,0,0,0,0,0,0,0,0,0,0"
_KEPT_GRAMMARS = 8


@dataclass(frozen=True, slots=True)
class Recognised:
    """The best sentence, and how well its sounds fit: logarithms per frame of 10 ms, 0 is a perfect fit."""

    text: str
    mean: float
    worst_word: float
    unexplained_ms: int
    """How long somebody spoke beside the words of the sentence."""

    def is_sure(self, *, harmless: bool) -> bool:
        """Whether to believe it."""
        return (
            self.mean >= (_SURE_HARMLESS if harmless else _SURE)
            and self.worst_word >= _WORST_WORD
            and self.unexplained_ms <= _UNEXPLAINED_MS
        )


class Ear:
    """Recognises sentences of a house, one at a time, in a thread of its own."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ear")
        self._decoders: dict[str, Any] = {}

    async def start(self) -> None:
        """Raise SimulatorSetupError if pocketsphinx is not installed."""
        await asyncio.get_running_loop().run_in_executor(self._thread, _load)

    async def close(self) -> None:
        """End the thread."""
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    async def unknown_words(self, phrases: Phrases) -> list[str]:
        """Words of the house whose pronunciation has to be given."""
        return await self._run(self._unknown, phrases)

    async def hear(self, pcm: bytes, phrases: Phrases, pronunciations: Mapping[str, str]) -> str:
        """The sentence in 16-bit mono PCM at 24 kHz, UNINTELLIGIBLE when it is none of the house's."""
        heard = await self.recognise(pcm, phrases, pronunciations)
        intent = phrases.understand(heard.text)
        if intent is None or not heard.is_sure(harmless=intent.kind in HARMLESS):
            return UNINTELLIGIBLE
        return heard.text

    async def recognise(self, pcm: bytes, phrases: Phrases, pronunciations: Mapping[str, str]) -> Recognised:
        """The best sentence, believable or not."""
        return await self._run(self._decode, pcm, phrases, pronunciations)

    async def _run[*A, T](self, work: Callable[[*A], T], *arguments: *A) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _unknown(self, phrases: Phrases) -> list[str]:
        if phrases.grammar in self._decoders:
            return []
        decoder = _load()
        return sorted(word for word in phrases.words if decoder.lookup_word(word) is None)

    def _decoder(self, phrases: Phrases, pronunciations: Mapping[str, str]) -> Any:
        if phrases.grammar not in self._decoders:
            decoder = _load()
            for word in sorted(phrases.words):
                if decoder.lookup_word(word) is None:
                    decoder.add_word(word, pronunciations[word], False)
            decoder.add_jsgf_string("house", phrases.grammar)
            decoder.activate_search("house")
            while len(self._decoders) >= _KEPT_GRAMMARS:
                del self._decoders[next(iter(self._decoders))]
            self._decoders[phrases.grammar] = decoder
        return self._decoders[phrases.grammar]

    def _decode(self, pcm: bytes, phrases: Phrases, pronunciations: Mapping[str, str]) -> Recognised:
        decoder = self._decoder(phrases, pronunciations)
        audio = _SILENCE + resample(pcm, WIRE_HZ, EAR_HZ) + _SILENCE
        decoder.set_cmn(_CEPSTRAL_MEAN)
        decoder.start_utt()
        for at in range(0, len(audio), _BLOCK_BYTES):
            decoder.process_raw(audio[at : at + _BLOCK_BYTES], False, False)
        decoder.end_utt()
        best = decoder.hyp()
        if best is None or not best.hypstr:
            return Recognised("", -math.inf, -math.inf, 0)
        # The best path may end inside an optional part, of which nothing was said.
        text = best.hypstr.removesuffix(" the").removesuffix(" and")
        return _judged(text, list(decoder.seg()), audio)


def _judged(text: str, parts: list[Any], audio: bytes) -> Recognised:
    words = [part for part in parts if not part.word.startswith(("<", "["))]
    frames = [part.end_frame - part.start_frame + 1 for part in words]
    logs = [math.log(max(part.ascore, 1e-320)) for part in words]
    fits = [log / count for log, count in zip(logs, frames, strict=True) if count >= _SHORTEST_WORD_FRAMES]
    return Recognised(text, sum(logs) / sum(frames), min(fits, default=0.0), _unexplained_ms(words, audio))


def _unexplained_ms(words: list[Any], audio: bytes) -> int:
    """How long it is nearly as loud as in the words where no word was recognised."""
    samples = np.frombuffer(audio, dtype="<i2").astype(np.float64)
    samples = samples[: len(samples) // _FRAME_SAMPLES * _FRAME_SAMPLES].reshape(-1, _FRAME_SAMPLES)
    levels = 10 * np.log10(np.mean(samples * samples, axis=1) + 1.0)
    in_words = np.zeros(len(levels), dtype=bool)
    for word in words:
        in_words[word.start_frame : word.end_frame + 1] = True
    loud = levels > np.median(levels[in_words]) - _SPEECH_BELOW_WORDS_DB
    return int(np.count_nonzero(loud & ~in_words)) * 10


def _load() -> Any:
    try:
        from pocketsphinx import Decoder  # noqa: PLC0415  optional, and slow to import
    except ImportError as err:
        raise SimulatorSetupError("The package pocketsphinx is missing; install requirements/simulator.txt") from err
    return Decoder(lm=None, loglevel="FATAL", samprate=EAR_HZ)
