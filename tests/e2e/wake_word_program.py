"""A wake word program, which really hears "okay nabu": `wake_word_program.py tcp://HOST:PORT`."""

import asyncio
import sys
from typing import Any

from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model
from wyoming.audio import AudioChunk
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.server import AsyncEventHandler, AsyncServer
from wyoming.wake import Detect, Detection

WORD = "okay_nabu"
_MAKER = {"name": "Kevin Ahrendt", "url": "https://www.kevinahrendt.com"}
_MODEL = {
    "name": WORD,
    "description": "Okay Nabu",
    "phrase": "okay nabu",
    "languages": ["en"],
    "attribution": _MAKER,
    "installed": True,
    "version": "1",
}
_PROGRAM = {
    "name": "ears",
    "description": "microWakeWord",
    "models": [_MODEL],
    "attribution": _MAKER,
    "installed": True,
    "version": "1",
}
INFO = Event("info", {"wake": [_PROGRAM]})
"""In the words of the protocol as it is now; the satellite's library is older."""
BLOCK_BYTES = 320


class Listener(AsyncEventHandler):
    """Hears PCM of 16 kHz, as the satellite sends it."""

    def __init__(self, *stream: Any) -> None:
        super().__init__(*stream)
        self._rest = b""
        self._begin()

    def _begin(self) -> None:
        self._features = MicroWakeWordFeatures()
        self._model = MicroWakeWord.from_builtin(Model.OKAY_NABU)

    async def handle_event(self, event: Event) -> bool:
        """Take in an event; True: go on."""
        if Describe.is_type(event.type):
            await self.write_event(INFO)
        elif Detect.is_type(event.type):
            self._begin()
        elif AudioChunk.is_type(event.type) and self._hears(AudioChunk.from_event(event).audio):
            await self.write_event(Detection(name=WORD).event())
        return True

    def _hears(self, pcm: bytes) -> bool:
        self._rest += pcm
        heard = False
        while len(self._rest) >= BLOCK_BYTES:
            block, self._rest = self._rest[:BLOCK_BYTES], self._rest[BLOCK_BYTES:]
            for features in self._features.process_streaming(block):
                heard = self._model.process_streaming(features) or heard
        return heard


if __name__ == "__main__":
    asyncio.run(AsyncServer.from_uri(sys.argv[1]).run(Listener))
