"""What waits to be written to the socket, in order."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import aiohttp

from ...audio.frame import SAMPLE_BYTES
from ...eager import begin, succeeded
from ...errors import ConnectionLostError
from .codec import encode_audio


@dataclass(slots=True)
class _Control:
    frame: bytes
    written: asyncio.Future[None]


@dataclass(slots=True)
class _Audio:
    pcm: bytearray


class Outbox:
    """A queue of commands and microphone audio with one writer, which keeps their order.

    Commands are never dropped: who sends one waits until it is written, so there are never more than senders.
    What nothing waits before is written at once. Audio is never waited for: what the socket does not take yet is joined
    into one append, and beyond `limit_bytes` the oldest samples are dropped and counted.
    """

    def __init__(self, write: Callable[[bytes], Coroutine[Any, Any, None]], *, limit_bytes: int) -> None:
        self.appended_bytes = 0
        """Audio written so far; what was dropped does not count."""
        self.dropped_bytes = 0
        """Audio dropped so far."""
        self._write = write
        self._limit_bytes = limit_bytes
        self._queue: deque[_Control | _Audio] = deque()
        self._queued_bytes = 0
        self._filled = asyncio.Event()
        """Set while the writer has something to do, and `_idle` while it has not."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._writing: asyncio.Task[None] | None = None
        """The writing of a frame that the socket did not take at once."""
        self._broken = False

    @property
    def offered_bytes(self) -> int:
        """Audio written or waiting to be."""
        return self.appended_bytes + self._queued_bytes

    async def put(self, frame: bytes) -> None:
        """Queue a command and wait until it is written. Raises ConnectionLostError."""
        self._check()
        if self._idle.is_set():
            if (writing := self._write_now(frame)) is not None:
                await asyncio.wait([writing])
                if not succeeded(writing):
                    raise ConnectionLostError("The connection to the provider is closed")
            return
        control = _Control(frame, asyncio.get_running_loop().create_future())
        self._enqueue(control)
        await control.written

    def put_audio(self, pcm: bytes) -> None:
        """Queue whole samples. Raises ConnectionLostError."""
        self._check()
        if not pcm:
            return
        if self._idle.is_set():
            self.appended_bytes += len(pcm)
            self._write_now(encode_audio(pcm))
            return
        last = self._queue[-1] if self._queue else None
        if isinstance(last, _Audio):
            last.pcm += pcm
        else:
            self._enqueue(_Audio(bytearray(pcm)))
        self._queued_bytes += len(pcm)
        if self._queued_bytes > self._limit_bytes:
            self._drop_oldest(self._queued_bytes - self._limit_bytes)

    async def written(self) -> None:
        """Wait until all that was queued is written. Raises ConnectionLostError."""
        await self._idle.wait()
        self._check()

    async def run(self) -> None:
        """Write what is queued until the socket breaks or this is cancelled; then nothing more can be queued."""
        try:
            while True:
                await self._filled.wait()
                if self._writing is not None:
                    await self._writing
                    self._writing = None
                while self._queue:
                    await self._write_next()
                self._filled.clear()
                self._idle.set()
        except OSError, aiohttp.ClientError:
            # Why it broke is told by the reading side, which sees the close frame.
            return
        finally:
            self._break()
            if self._writing is not None:
                self._writing.cancel()
                await asyncio.wait([self._writing])

    def _enqueue(self, entry: _Control | _Audio) -> None:
        self._queue.append(entry)
        self._wake_writer()

    def _wake_writer(self) -> None:
        self._idle.clear()
        self._filled.set()

    def _write_now(self, frame: bytes) -> asyncio.Task[None] | None:
        """Write a frame in this very step, since waking the writer costs as much again; what is left of it, if any."""
        # Begins at once, and is done unless the socket is congested: then the writer sees it through.
        writing = begin(self._write(frame), "provider-write")
        if succeeded(writing):
            return None
        self._writing = writing
        self._wake_writer()
        return writing

    async def _write_next(self) -> None:
        entry = self._queue.popleft()
        if isinstance(entry, _Audio):
            # All of it may have been dropped while it waited.
            if entry.pcm:
                self._queued_bytes -= len(entry.pcm)
                self.appended_bytes += len(entry.pcm)
                await self._write(encode_audio(entry.pcm))
            return
        try:
            await self._write(entry.frame)
        except BaseException:
            self._queue.appendleft(entry)
            raise
        if not entry.written.done():
            entry.written.set_result(None)

    def _drop_oldest(self, excess: int) -> None:
        excess += excess % SAMPLE_BYTES
        for entry in self._queue:
            if isinstance(entry, _Audio) and excess > 0:
                count = min(excess, len(entry.pcm))
                del entry.pcm[:count]
                excess -= count
                self._queued_bytes -= count
                self.dropped_bytes += count

    def _check(self) -> None:
        if self._broken:
            raise ConnectionLostError("The connection to the provider is closed")

    def _break(self) -> None:
        self._broken = True
        self._idle.set()
        for entry in self._queue:
            if isinstance(entry, _Control) and not entry.written.done():
                entry.written.set_exception(ConnectionLostError("The connection to the provider is closed"))
        self._queue.clear()
        self._queued_bytes = 0
