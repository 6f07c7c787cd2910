"""A program that is talked to in lines, and that never outlives whoever started it."""

import asyncio
import contextlib
import logging
import os
import signal
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, cast, override

from .bounds import MAX_MESSAGE_BYTES, TOO_LONG
from .discretion import Discretion
from .errors import LinkLostError, ServerUnavailableError

_LOGGER = logging.getLogger(__name__)

_PAUSE_BYTES: Final = 1024 * 1024
_MAX_LOGGED: Final = 2000
"""Of a line."""
_QUIT_S: Final = 1.0
"""How long a program may take to leave after its input was closed."""
_TERMINATE_S: Final = 2.0
_KILL_S: Final = 2.0
_LAST_WORDS_S: Final = 0.5
"""How long lines are waited for after the program has ended: others may hold its output open."""
_POLL_S: Final = 0.02


class Process:
    """A running program with its process group; POSIX only."""

    def __init__(self, transport: asyncio.SubprocessTransport, pipes: _Pipes) -> None:
        self._transport = transport
        self._pipes = pipes
        self._group = transport.get_pid()

    @classmethod
    async def start(
        cls,
        command: str,
        args: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | Path | None,
        name: str,
        discretion: Discretion,
    ) -> Process:
        """Start a program in a process group of its own. Raises ServerUnavailableError."""
        loop = asyncio.get_running_loop()
        try:
            transport, pipes = await loop.subprocess_exec(
                lambda: _Pipes(name, discretion), command, *args, env=dict(env), cwd=cwd, start_new_session=True
            )
        except (OSError, ValueError) as err:
            raise ServerUnavailableError(f"it cannot be started: {err}") from err
        return cls(transport, pipes)

    async def read_line(self) -> bytes | None:
        """The next line without its end; None after the last one."""
        pipes = self._pipes
        while not pipes.lines:
            if pipes.ended:
                return None
            pipes.arrived.clear()
            await pipes.arrived.wait()
        line = pipes.lines.popleft()
        pipes.taken(line)
        return line

    async def write(self, line: bytes) -> None:
        """Send a line; waits while the program does not read. Raises LinkLostError when it has ended."""
        await self._pipes.writable.wait()
        stdin = cast("asyncio.WriteTransport | None", self._transport.get_pipe_transport(0))
        if self._pipes.ended or stdin is None or stdin.is_closing():
            raise LinkLostError
        stdin.write(line)

    @property
    def fault(self) -> str | None:
        """Why nobody reads on what the program writes; None where somebody would."""
        return self._pipes.fault

    async def epitaph(self) -> str:
        """Why there are no more lines, in words."""
        if self.fault is not None:
            return self.fault
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._pipes.exited.wait()
        code = self._transport.get_returncode()
        if code is None:
            return "it closed its output"
        return f"it ended with exit code {code}" if code >= 0 else f"it was ended by signal {-code}"

    async def stop(self) -> None:
        """End the program and all that it started: by closing its input, then SIGTERM, then SIGKILL.

        When this is cancelled, SIGKILL comes at once.
        """
        gone = False
        try:
            if (stdin := self._transport.get_pipe_transport(0)) is not None:
                stdin.close()
            gone = await self._gone(_QUIT_S)
            if not gone:
                self._signal(signal.SIGTERM)
                gone = await self._gone(_TERMINATE_S)
        finally:
            if not gone:
                self._signal(signal.SIGKILL)
            self._pipes.end()
            self._transport.close()
        if not gone and not await self._gone(_KILL_S):
            _LOGGER.warning("Process group %d is still there after SIGKILL", self._group)

    async def _gone(self, within_s: float) -> bool:
        """Whether no process of the group is left. There is no event for that, only asking."""
        deadline_s = asyncio.get_running_loop().time() + within_s
        while self._signal(0):
            if asyncio.get_running_loop().time() >= deadline_s:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    def _signal(self, number: int) -> bool:
        """Send a signal to the group; whether there was anybody to send it to."""
        try:
            os.killpg(self._group, number)
        except ProcessLookupError:
            return False
        except PermissionError:
            _LOGGER.debug("Process group %d may not be signalled", self._group)
            return False
        return True


class _Pipes(asyncio.SubprocessProtocol):
    """What comes from the program's pipes."""

    def __init__(self, name: str, discretion: Discretion) -> None:
        self._name = name
        self._discretion = discretion
        self._transport: asyncio.SubprocessTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._partial = bytearray()
        self._log = bytearray()
        self._waiting_bytes = 0
        self.lines: deque[bytes] = deque()
        self.arrived = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()
        self.exited = asyncio.Event()
        self.ended = False
        self.fault: str | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)

    @override
    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd != 1:
            self._log_lines(data)
            return
        if self.ended:
            return
        *whole, rest = data.split(b"\n")
        for piece in whole:
            line = bytes(self._partial + piece)
            self._partial.clear()
            self.lines.append(line)
            self._waiting_bytes += len(line)
        self._partial += rest
        if len(self._partial) > MAX_MESSAGE_BYTES:
            self.fault = TOO_LONG
            self.end()
        if whole:
            self.arrived.set()
        if self._waiting_bytes > _PAUSE_BYTES:
            self._output().pause_reading()

    @override
    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self.end()
        elif fd == 0:
            # Whoever waits to write must learn that nobody reads.
            self.writable.set()

    @override
    def process_exited(self) -> None:
        self.exited.set()
        if not self.ended:
            self._timer = asyncio.get_running_loop().call_later(_LAST_WORDS_S, self.end)

    def pause_writing(self) -> None:
        """The program does not read what it was sent."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """The program reads again."""
        self.writable.set()

    def taken(self, line: bytes) -> None:
        """A line was read."""
        self._waiting_bytes -= len(line)
        if self._waiting_bytes <= _PAUSE_BYTES // 2 and not self.ended:
            self._output().resume_reading()

    def end(self) -> None:
        """No more lines will come."""
        if self._timer is not None:
            self._timer.cancel()
        self.ended = True
        self._partial.clear()
        self.arrived.set()
        self.writable.set()

    def _output(self) -> asyncio.ReadTransport:
        if self._transport is None:
            raise RuntimeError("Data came before the connection was made")
        return cast("asyncio.ReadTransport", self._transport.get_pipe_transport(1))

    def _log_lines(self, data: bytes) -> None:
        self._log += data
        *whole, rest = self._log.split(b"\n")
        for line in whole:
            text = self._discretion(line.decode(errors="replace"))
            _LOGGER.debug("MCP server %s: %s", self._name, text[:_MAX_LOGGED])
        self._log = rest[:_MAX_LOGGED]
