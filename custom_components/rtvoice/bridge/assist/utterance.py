"""What a person says in one run of a pipeline."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from homeassistant.core import HomeAssistant

from ...engine.events import (
    SessionEvent,
    TranscriptionUsageEvent,
    UserStartedSpeakingEvent,
    UserStoppedSpeakingEvent,
    UserTranscriptCompletedEvent,
    UserTranscriptFailedEvent,
)
from ..errors import failed
from .microphone import SAMPLE_RATE_HZ, PipelineMicrophone

WORDS_TIMEOUT_S: Final = 15.0
"""How long it may take until what was said is written down."""
ONSET_TIMEOUT_S: Final = 15.0
"""How long a person may be silent, where the provider finds the end of a turn."""
SHORTEST_S: Final = 0.1
"""Less than this is no turn to any provider."""
UNWRITTEN: Final = "…"
"""Stands for what was said where the provider could not write it down; the model heard it all the same."""

_TAIL: Final = bytes(SAMPLE_RATE_HZ // 5)
"""A tenth of a second of silence: what is held back on the way of the audio must not be of the last word."""
_SILENT_FRAME: Final = bytes(SAMPLE_RATE_HZ // 25)
_SILENT_FRAME_S: Final = 0.02
_BYTES_PER_S: Final = SAMPLE_RATE_HZ * 2


@dataclass(frozen=True, slots=True)
class Ear:
    """How an agent is spoken to: its microphone, who finds the end of a turn, and how it is told of that."""

    microphone: PipelineMicrophone
    own_endpointing: bool
    """Whether the provider finds the end of a turn, and not Home Assistant."""
    wait_ready: Callable[[], Awaitable[None]]
    """Waits until the agent hears. Raises HomeAssistantError if it never will."""
    commit: Callable[[], Awaitable[None]]


class Utterance:
    """Its end, and its words as soon as they are known."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._words: asyncio.Future[str] = hass.loop.create_future()
        self._sent_bytes = 0
        self._started = False
        self._stopped = asyncio.Event()
        self._awaited = False
        self._committed = False

    def receive(self, event: SessionEvent) -> None:
        """Take in an event of the session."""
        match event:
            case UserStartedSpeakingEvent():
                self._started = True
            case UserStoppedSpeakingEvent():
                self._stopped.set()
            case UserTranscriptCompletedEvent(transcript=text) if self._awaited and not self._words.done():
                self._words.set_result(text.strip())
            case TranscriptionUsageEvent() if self._awaited and not self._words.done():
                # Of words that there are, the session has told before it tells what they cost.
                self._words.set_result("")
            case UserTranscriptFailedEvent() if self._awaited and not self._words.done():
                self._words.set_result(UNWRITTEN)

    @property
    def ended(self) -> bool:
        """Whether the agent knows that the person has finished."""
        return self._awaited and (self._stopped.is_set() or self._committed)

    def fail(self, err: Exception) -> None:
        """There will be no words."""
        if not self._words.done():
            self._words.set_exception(err)
            # Nobody may be waiting any more.
            self._words.exception()

    async def async_bring(self, stream: AsyncIterable[bytes], ear: Ear) -> str:
        """Let the agent hear a stream, piece by piece as it comes, and return what was said; empty if nothing was.

        Raises HomeAssistantError when the agent cannot hear, or what was said does not become known.
        """
        self._awaited = ear.own_endpointing
        async for chunk in stream:
            ear.microphone.hear(chunk)
            self._sent_bytes += len(chunk)
            if ear.own_endpointing and self._is_over:
                break
        if self._sent_bytes < SHORTEST_S * _BYTES_PER_S:
            return ""
        if not ear.own_endpointing:
            await self._async_commit(ear)
        elif not await self._async_end(ear.microphone):
            return ""
        try:
            async with asyncio.timeout(WORDS_TIMEOUT_S):
                return await self._words
        except TimeoutError:
            raise failed("no transcript") from None

    @property
    def _is_over(self) -> bool:
        too_long = not self._started and self._sent_bytes > ONSET_TIMEOUT_S * _BYTES_PER_S
        return self._stopped.is_set() or self._words.done() or too_long

    async def _async_commit(self, ear: Ear) -> None:
        await ear.wait_ready()
        ear.microphone.hear(_TAIL)
        await ear.microphone.wait_read()
        self._awaited = self._committed = True
        await ear.commit()

    async def _async_end(self, microphone: PipelineMicrophone) -> bool:
        """Let the provider hear silence until it finds the end of the turn; False if nobody has spoken."""
        try:
            async with asyncio.timeout(WORDS_TIMEOUT_S):
                while not (self._stopped.is_set() or self._words.done()):
                    if not self._started and self._is_over:
                        return False
                    microphone.hear(_SILENT_FRAME)
                    self._sent_bytes += len(_SILENT_FRAME)
                    await asyncio.sleep(_SILENT_FRAME_S)
        except TimeoutError:
            return False
        return True
