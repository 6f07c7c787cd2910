"""The connection to a satellite, made anew whenever it is lost."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Final

from wyoming.asr import Transcript
from wyoming.audio import AudioChunk
from wyoming.event import Event, async_write_event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import RunSatellite
from wyoming.wake import Detection

from .audio import Listener
from .wire import MAX_LINE_BYTES, MalformedEventError, read_event

_LOGGER = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 5.0
LOOK_EVERY_S: Final = 3.0
LOST_AFTER_S: Final = 8.0
"""A satellite that has said nothing for so long, though it was asked, is gone."""
CLOSE_WITHIN_S: Final = 1.0
"""What was sent last is waited for so long; a satellite that reads no more would never take it."""
RETRY_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
BACKLOG_CHUNKS: Final = 250
"""What is said before a session listens, at most; at the usual 64 ms a chunk that is 16 s."""
_QUEUE: Final = 64


class LinkState(StrEnum):
    """How it stands with a satellite."""

    AWAY = "away"
    TAKEN = "taken"
    """It is there, but serves another program."""
    READY = "ready"


class WyomingLink:
    """Keeps connected while `run` runs.

    `woken` is called with the name of the wake word when somebody wants to talk, `changed` when the state changes. At
    most 64 events wait to be sent: `send` waits then, `tell` drops. Audio that comes before anybody hears it is kept,
    up to a bound; `hear` gives it, then what follows.
    """

    def __init__(
        self, host: str, port: int, *, woken: Callable[[str | None], None], changed: Callable[[], None]
    ) -> None:
        self._host = host
        self._port = port
        self._woken = woken
        self._changed = changed
        self._listener = Listener()
        self._outgoing: asyncio.Queue[Event] = asyncio.Queue(_QUEUE)
        self._ear: Callable[[bytes], None] | None = None
        self._deafness: Callable[[], None] | None = None
        self._backlog: deque[bytes] = deque(maxlen=BACKLOG_CHUNKS)
        self._wake_word: str | None = None
        self._listens_for_wake_word = False
        self._streaming = False
        self._last_heard_s = 0.0
        self._infos = 0
        self.state = LinkState.AWAY

    async def run(self) -> None:
        """Connect and stay connected until cancelled."""
        attempt = 0
        while True:
            settled = await self._once()
            attempt = 0 if settled else attempt + 1
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])

    def hear(self, ear: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        """Give all that the microphone hears to `ear` (PCM of 16 kHz), and call `lost` when the satellite is gone."""
        self._ear, self._deafness = ear, lost
        while self._backlog:
            ear(self._backlog.popleft())

    def ignore(self, ear: Callable[[bytes], None]) -> None:
        """Hear no more."""
        if self._ear == ear:  # a method is another object each time that it is looked up
            self._ear = self._deafness = None

    def rearm(self) -> None:
        """Nobody talks here any more: let a satellite with a wake word listen for it again. Idempotent."""
        self._backlog.clear()
        if self._streaming and self._listens_for_wake_word:
            self._streaming = False
            # To a satellite this is the end of what it was woken for.
            self.tell(Transcript(text="").event())

    async def send(self, event: Event) -> None:
        """Send in order; waits while the satellite is slow. Raises ConnectionError when it is not there."""
        if self.state is not LinkState.READY:
            raise ConnectionResetError("The satellite is not connected")
        await self._outgoing.put(event)

    def tell(self, event: Event) -> None:
        """Send what may be lost."""
        if self.state is LinkState.READY:
            with suppress(asyncio.QueueFull):
                self._outgoing.put_nowait(event)

    async def _once(self) -> bool:
        """Connect and stay; whether the satellite had us for a while."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(self._host, self._port, limit=MAX_LINE_BYTES)
        except OSError as err:
            _LOGGER.debug("The satellite at %s:%s cannot be reached: %r", self._host, self._port, err)
            self._enter(LinkState.AWAY)
            return False
        self._last_heard_s = asyncio.get_running_loop().time()
        self._infos = 0
        self._drop_outgoing()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(reader), name="wyoming read")
                tasks.create_task(self._write(writer), name="wyoming write")
                tasks.create_task(self._look_after(), name="wyoming look")
        except* (OSError, EOFError, MalformedEventError) as errors:
            _LOGGER.debug("The link to %s:%s ended: %r", self._host, self._port, errors.exceptions[0])
        finally:
            settled = self.state is LinkState.READY
            refused = self._infos == 1
            self._enter(LinkState.TAKEN if refused else LinkState.AWAY)
            self._forget()
            await _close(writer)
        return settled

    def _forget(self) -> None:
        self._streaming = False
        self._backlog.clear()
        self._ear, deafness, self._deafness = None, self._deafness, None
        self._drop_outgoing()
        if deafness is not None:
            deafness()

    def _drop_outgoing(self) -> None:
        while not self._outgoing.empty():
            self._outgoing.get_nowait()

    def _enter(self, state: LinkState) -> None:
        if state is not self.state:
            self.state = state
            self._changed()

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        # A satellite that serves another program tells us who it is, but not once more after we wanted it to run.
        for event in (Describe().event(), RunSatellite().event(), Describe().event()):
            await async_write_event(event, writer)
        while True:
            await async_write_event(await self._outgoing.get(), writer)

    async def _look_after(self) -> None:
        """A satellite is asked who it is now and then, since not all of them answer a ping."""
        loop = asyncio.get_running_loop()
        while (left_s := self._last_heard_s + LOST_AFTER_S - loop.time()) > 0:
            self.tell(Describe().event())
            await asyncio.sleep(min(LOOK_EVERY_S, left_s))
        raise ConnectionResetError("The satellite does not answer")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        loop = asyncio.get_running_loop()
        while True:
            event = await read_event(reader)
            self._last_heard_s = loop.time()
            try:
                self._receive(event)
            except (KeyError, TypeError, ValueError, AttributeError) as err:
                raise MalformedEventError(f"A {event.type} event cannot be understood") from err

    def _receive(self, event: Event) -> None:
        if AudioChunk.is_type(event.type):
            self._receive_audio(AudioChunk.from_event(event))
        elif Info.is_type(event.type):
            self._receive_info(Info.from_event(event))
        elif Detection.is_type(event.type):
            self._wake_word = Detection.from_event(event).name
        elif RunPipeline.is_type(event.type):
            self._receive_run(RunPipeline.from_event(event))
        elif Ping.is_type(event.type):
            self.tell(Pong(text=Ping.from_event(event).text).event())

    def _receive_info(self, info: Info) -> None:
        if info.satellite is None:
            raise ValueError("It is no satellite")
        self._infos += 1
        if self._infos > 1:
            self._enter(LinkState.READY)

    def _receive_run(self, run: RunPipeline) -> None:
        self._streaming = True
        self._listens_for_wake_word = run.start_stage is not PipelineStage.WAKE
        if self._listens_for_wake_word:
            self._backlog.clear()
            name, self._wake_word = run.wake_word_name or self._wake_word, None
            self._woken(name)

    def _receive_audio(self, chunk: AudioChunk) -> None:
        for pcm in self._listener.pieces(chunk):
            if self._ear is not None:
                self._ear(pcm)
            elif self._listens_for_wake_word:
                self._backlog.append(pcm)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        async with asyncio.timeout(CLOSE_WITHIN_S):
            await writer.wait_closed()
    except OSError:
        writer.transport.abort()
