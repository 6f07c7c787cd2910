"""A microphone that is not closed between sessions."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from ..audio.frame import FRAME_MS, SAMPLE_BYTES
from ..errors import EngineError, SourceError
from ..ports import AudioInputDevice
from .history import SampleHistory

_LOGGER = logging.getLogger(__name__)

STOP_S = 5.0
"""A device that does not close within this time is left to itself."""

_KEPT_BYTES = 10 * 48_000 * SAMPLE_BYTES


class OpenMicrophone:
    """A microphone that several listen to: it is open as long as anybody does.

    It is the `audio_input` of an agent, one session at a time. While `kept_open`, it goes on capturing between
    sessions, and a session may begin to hear earlier than it began: see `hear_from`. Ten seconds are kept at 48 kHz,
    and more at lower rates. A reader that is later than that loses the oldest samples, which are counted.
    """

    def __init__(self, device: AudioInputDevice) -> None:
        self._device = device
        self._history = SampleHistory(_KEPT_BYTES)
        self._opening = asyncio.Lock()
        self._users = 0
        self._pump: asyncio.Task[None] | None = None
        self._came = asyncio.Event()
        self._ended = True
        self._in_session = False
        self._started_at = 0
        self._session_begin: Callable[[], Awaitable[int]] = self._here
        self.failure: SourceError | None = None
        """Why the device delivers no more, until it is opened again."""
        self.dropped_samples = 0
        """How many samples somebody who listened did not read in time."""

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self._device.sample_rate

    @property
    def is_active(self) -> bool:
        """Whether a session listens and the device captures."""
        return self._in_session and not self._ended

    @property
    def position(self) -> int:
        """How many samples were captured, ever."""
        return self._history.end

    def hear_from(self, begin: Callable[[], Awaitable[int]]) -> None:
        """Let the next session begin with what was captured from a position on, as far as it is kept.

        The position is asked for when the session is about to hear; finding it may take a moment.
        """
        self._session_begin = begin

    def hear_from_now(self) -> None:
        """Let the next session begin with what is captured from its start on."""
        self._session_begin = self._here

    async def start(self) -> None:
        """Begin a session: open the device if it is not open. Raises SourceError."""
        if not self._in_session:
            await self._acquire()
            self._in_session = True
        self._started_at = self.position

    async def stop(self) -> None:
        """End a session: `stream_chunks` ends, and the device is closed unless it is kept open. Idempotent."""
        self.hear_from_now()
        if self._in_session:
            self._in_session = False
            self._tell()
            await self._release()

    async def stream_chunks(self) -> AsyncIterator[bytes]:
        """Samples as they are captured, first those from before. Raises SourceError when the device fails."""
        position = await self._session_begin()
        while self._in_session:
            position, pcm = await self.read(position)
            if not pcm:
                return
            if self._in_session:
                yield pcm

    @asynccontextmanager
    async def kept_open(self) -> AsyncIterator[None]:
        """Keep the device open while the block runs. Raises SourceError if it cannot be opened."""
        await self._acquire()
        try:
            yield
        finally:
            await self._release()

    async def between(self, begin: int, end: int) -> tuple[int, bytes]:
        """What is captured from one position to another, as soon as it is all there, and where it really begins.

        It is shorter where the oldest is not kept any more or the device is closed. Raises SourceError when it failed.
        """
        position, piece = await self.read(begin)
        begin = position - len(piece) // SAMPLE_BYTES
        pcm = bytearray(piece)
        while piece and position < end:
            position, piece = await self.read(position)
            pcm += piece
        return begin, bytes(pcm[: (end - begin) * SAMPLE_BYTES])

    async def read(self, position: int) -> tuple[int, bytes]:
        """What was captured from `position` on, at most 20 ms of it, as soon as there is any.

        Gives the position behind it too. Nothing comes once the device is closed; raises SourceError when it failed.
        """
        while position >= self.position:
            if self.failure is not None:
                raise self.failure
            if self._ended:
                return position, b""
            await self._came.wait()
        begin = max(position, self._history.begin)
        self.dropped_samples += begin - position
        pcm = self._history.read(begin, self.sample_rate * FRAME_MS // 1000)
        return begin + len(pcm) // SAMPLE_BYTES, pcm

    async def _here(self) -> int:
        return self._started_at

    async def _acquire(self) -> None:
        async with self._opening:
            if not self._users:
                await self._open()
            self._users += 1

    async def _release(self) -> None:
        async with self._opening:
            self._users -= 1
            if not self._users:
                await self._close()

    async def _open(self) -> None:
        opened = False
        try:
            await self._device.start()
            opened = True
        finally:
            if not opened:
                await self._device.stop()
        self._history.forget()
        self.failure = None
        self._ended = False
        self._pump = asyncio.create_task(self._capture(), name="rtvoice microphone")

    async def _close(self) -> None:
        pump, self._pump = self._pump, None
        try:
            async with asyncio.timeout(STOP_S):
                await self._device.stop()
        except (EngineError, OSError) as err:
            _LOGGER.warning("The microphone did not close cleanly: %r", err)
        finally:
            if pump is not None:
                pump.cancel()
                await asyncio.gather(pump, return_exceptions=True)

    async def _capture(self) -> None:
        try:
            async for chunk in self._device.stream_chunks():
                self._history.put(chunk)
                self._tell()
            if self._device.is_active:
                self.failure = SourceError("The microphone stopped delivering audio")
        except SourceError as err:
            self.failure = err
        except Exception as err:
            _LOGGER.exception("A microphone failed unexpectedly")
            self.failure = SourceError(f"Unexpected {type(err).__name__} of the microphone")
            self.failure.__cause__ = err
        finally:
            self._ended = True
            self._tell()

    def _tell(self) -> None:
        """Wake everybody who waits for more."""
        came, self._came = self._came, asyncio.Event()
        came.set()
