"""Servers that are programs on this machine."""

import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, override

from .errors import LinkLostError, ServerUnavailableError, leaf_of
from .link import OnEnd, Transport
from .package import Item, Package, Streams
from .process import Process
from .server import DEFAULT_TIMEOUT_S, MCPServer

_LOGGER = logging.getLogger(__name__)

INHERITED: Final = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER")


class MCPServerStdio(MCPServer):
    """A server that is started as a program and spoken to over its standard input and output.

    The program gets HOME, LANG, LC_ALL, LOGNAME, PATH, SHELL, TERM, TMPDIR, TZ and USER of this process where they are
    set, and `env` on top; nothing else of the host's environment, which may hold secrets. It runs in a process group of
    its own, which is ended with the connection: by closing its input, SIGTERM after 1 s and SIGKILL after another 2 s.
    What it writes to standard error is logged at debug.
    """

    def __init__(
        self,
        command: str,
        args: Sequence[str] = (),
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        name: str | None = None,
        allowed_tools: Collection[str] | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        secrets = (*args, *(env or {}).values())
        super().__init__(name=name, allowed_tools=allowed_tools, timeout=timeout, secrets=secrets)
        self._command = command
        self._args = tuple(args)
        self._env = dict(env or {})
        self._cwd = cwd

    @override
    def _fallback_name(self) -> str:
        return Path(self._command).name

    @override
    def _transports(self) -> Sequence[Transport]:
        return (self._streams,)

    @asynccontextmanager
    async def _streams(self, package: Package, on_end: OnEnd) -> AsyncGenerator[Streams]:
        environment = {key: os.environ[key] for key in INHERITED if key in os.environ} | self._env
        process = await Process.start(
            self._command, self._args, env=environment, cwd=self._cwd, name=self.name, discretion=self._discretion
        )
        try:
            yield _Lines(process, package, self.name, on_end), _Sender(process, package)
            lost = await process.epitaph()
        except Exception as err:
            if not isinstance(leaf_of(err), LinkLostError):
                raise
            raise ServerUnavailableError(await process.epitaph()) from err
        finally:
            await process.stop()
        raise ServerUnavailableError(lost)


class _Lines:
    """The program's lines as items; those that are no messages are skipped, as programs print other things too."""

    def __init__(self, process: Process, package: Package, name: str, on_end: OnEnd) -> None:
        self._process = process
        self._package = package
        self._name = name
        self._on_end = on_end

    def __aiter__(self) -> AsyncIterator[Item]:
        return self

    async def __anext__(self) -> Item:
        while (line := await self._process.read_line()) is not None:
            try:
                return self._package.decode(line)
            except ValueError:
                _LOGGER.debug("MCP server %s wrote a line that is no message", self._name)
        if self._process.fault is not None:
            self._on_end(reason=self._process.fault)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """The process is stopped by whoever started it."""


class _Sender:
    def __init__(self, process: Process, package: Package) -> None:
        self._process = process
        self._package = package

    async def send(self, item: Item, /) -> None:
        """Write a message."""
        await self._process.write(self._package.encode(item))

    async def aclose(self) -> None:
        """The process is stopped by whoever started it."""
