"""Programs that run beside us: started, watched until they are ready, and always stopped."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

GRACE_S = 20.0
"""How long a program may take to stop by itself before it is killed."""
POLL_S = 0.05


class ProgramError(Exception):
    """A program did not start or ended by itself; the text has the end of its log."""


class Program:
    """A running program whose output goes to a log file.

    It is in a process group of its own, so that Ctrl-C reaches only us, and it ends when we are killed.
    """

    def __init__(self, process: asyncio.subprocess.Process, name: str, log: Path) -> None:
        self._process = process
        self.name = name
        self.log = log

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None
    ) -> Self:
        """Start `command`. Raises ProgramError if there is no such program."""
        dies_with_us = ("setpriv", "--pdeathsig", "TERM", "--") if shutil.which("setpriv") else ()
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *dies_with_us,
                    *command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                )
            except OSError as err:
                raise ProgramError(f"{name} could not be started: {err}") from err
        return cls(process, name, log)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.returncode

    async def line(self, pattern: str, *, within_s: float) -> re.Match[str]:
        """Wait until the log has a match of `pattern`. Raises ProgramError if it ends, or if that takes too long."""

        async def is_printed() -> bool:
            return re.search(pattern, self.log_text(), re.MULTILINE) is not None

        await self.ready(is_printed, within_s=within_s)
        match = re.search(pattern, self.log_text(), re.MULTILINE)
        assert match is not None  # noqa: S101  # a log only grows
        return match

    async def ready(self, is_ready: Callable[[], Awaitable[bool]], *, within_s: float) -> None:
        """Ask until `is_ready`. Raises ProgramError if the program ends, or if that takes longer than `within_s`."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + within_s
        while not await is_ready():
            if self.exit_code is not None:
                raise ProgramError(f"{self.name} ended with code {self.exit_code}\n{self.log_tail()}")
            if clock() > deadline:
                raise ProgramError(f"{self.name} was not ready within {within_s:.0f} s\n{self.log_tail()}")
            await asyncio.sleep(POLL_S)

    async def wait(self) -> int:
        """Wait until it ends; its exit code."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Ask it to stop, and kill what is left of it after a while. Idempotent."""
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                async with asyncio.timeout(GRACE_S):
                    await self._process.wait()
            except TimeoutError:
                self.kill()
        self.kill()
        await self._process.wait()

    def kill(self) -> None:
        """End it and what it started at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def log_text(self) -> str:
        """All that it printed."""
        return self.log.read_text(errors="replace")

    def log_tail(self, lines: int = 15) -> str:
        """The last lines that it printed."""
        return "\n".join(self.log_text().splitlines()[-lines:])


@contextlib.asynccontextmanager
async def running(
    name: str, command: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Program]:
    """Run a program while the body runs."""
    program = await Program.start(name, command, log=log, environment=environment)
    try:
        yield program
    finally:
        await program.stop()


async def run(*command: str | Path, environment: Mapping[str, str] | None = None, within_s: float = 60.0) -> str:
    """Run a short command to its end; what it printed. Raises ProgramError if it fails."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
    except OSError as err:
        raise ProgramError(f"{command[0]} could not be started: {err}") from err
    try:
        async with asyncio.timeout(within_s):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = output.decode(errors="replace")
    if process.returncode != 0:
        raise ProgramError(f"{command[0]} failed with code {process.returncode}\n{text.strip()}")
    return text
