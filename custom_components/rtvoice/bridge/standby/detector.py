"""A wake word engine of Home Assistant as a detector of the engine's."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Final

from homeassistant.components.wake_word import DetectionResult
from homeassistant.core import HomeAssistant

from ...const import DOMAIN
from ...engine import Detection
from ...engine.errors import EngineError
from ...engine.standby.standby import STEADY_S
from .engine import async_engine
from .stream import EngineStream

_LOGGER = logging.getLogger(__name__)

LEAVE_S: Final = 3.0
"""How long an engine may take to let go of the audio, before and after it is cancelled."""
_LATE_MS: Final = 3000
"""A time further back than this is no time of this audio: engines count from wherever they like."""


class EngineDetector:
    """Has a `wake_word` entity listen. What it hears is the audio of one arming, and nothing that was before."""

    def __init__(self, hass: HomeAssistant, entity_id: str, wake_word_id: str | None) -> None:
        self._hass = hass
        self._entity_id = entity_id
        self._wake_word_id = wake_word_id
        self._failing = False
        self.phrase = ""
        """What was heard last."""

    @property
    def sample_rate(self) -> int:
        """What Home Assistant's engines take."""
        return 16_000

    async def detect(self, frames: AsyncIterator[bytes]) -> Detection | None:
        """Listen until the wake word is heard or the frames end. Raises EngineError when the engine fails."""
        began_s = self._hass.loop.time()
        try:
            detection = await self._detect(frames)
        except EngineError as err:
            self._failed(err, after_s=self._hass.loop.time() - began_s)
            raise
        if detection is not None:
            self._failing = False
            self.phrase = detection.phrase
        return detection

    async def _detect(self, frames: AsyncIterator[bytes]) -> Detection | None:
        entity = async_engine(self._hass, self._entity_id)
        if entity is None:
            raise EngineError(f"{self._entity_id} is not available")
        stream = EngineStream()
        listening = self._task(entity.async_process_audio_stream(stream, self._wake_word_id), "hears")
        feeding = self._task(_feed(frames, stream), "is fed")
        try:
            await asyncio.wait((listening, feeding), return_when=asyncio.FIRST_COMPLETED)
            if not listening.done():
                # The frames are over: it may say what it makes of them, but nobody waits long.
                feeding.result()
                await asyncio.wait((listening,), timeout=LEAVE_S)
        finally:
            stream.end()
            await self._let_go(listening, feeding)
        if not listening.done() or listening.cancelled():
            return None
        return self._outcome(listening, stream, over=feeding.done() and not feeding.cancelled())

    def _outcome(
        self, listening: asyncio.Task[DetectionResult | None], stream: EngineStream, *, over: bool
    ) -> Detection | None:
        if (err := listening.exception()) is not None:
            raise EngineError(f"{self._entity_id} failed: {err!r}") from err
        if (result := listening.result()) is not None:
            return Detection(result.wake_word_phrase or result.wake_word_id, _noticed_ms(result, stream.taken_ms))
        if not over:
            raise EngineError(f"{self._entity_id} stopped listening")
        return None

    async def _let_go(self, listening: asyncio.Task[DetectionResult | None], feeding: asyncio.Task[None]) -> None:
        """End both tasks. An engine may want the end of the audio before it lets itself be cancelled."""
        feeding.cancel()
        for _ in range(2):
            if not listening.done():
                listening.cancel()
                await asyncio.wait((listening,), timeout=LEAVE_S)
        if not listening.done():
            _LOGGER.warning("The wake word engine %s does not let go of what it was given", self._entity_id)
        await asyncio.gather(feeding, return_exceptions=True)

    def _task[T](self, work: Coroutine[object, object, T], what: str) -> asyncio.Task[T]:
        return self._hass.async_create_background_task(work, f"{DOMAIN} {self._entity_id} {what}")

    def _failed(self, err: EngineError, *, after_s: float) -> None:
        if not self._failing or after_s > STEADY_S:
            self._failing = True
            _LOGGER.warning("The wake word is not heard for now, and tried again: %s", err)


async def _feed(frames: AsyncIterator[bytes], stream: EngineStream) -> None:
    """Hand on the frames as they come. Raises EngineError if they are not taken."""
    async for frame in frames:
        if not stream.put(frame):
            raise EngineError("The wake word engine has not listened for ten seconds")
    stream.end()


def _noticed_ms(result: DetectionResult, taken_ms: int) -> float:
    """When the wake word was noticed, by what the engine says or else by what it had taken."""
    told_ms = result.timestamp
    return taken_ms if told_ms is None or not taken_ms - _LATE_MS <= told_ms <= taken_ms else told_ms
