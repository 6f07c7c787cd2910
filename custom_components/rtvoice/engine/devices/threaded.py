"""Something that blocks when it is opened and closed, handled in threads."""

import asyncio
import threading
from collections.abc import Callable


class AbandonedError(Exception):
    """It was closed while it was being opened."""


class ThreadedResource[T]:
    """A resource opened by `make` and closed by `dispose`, both in threads, one at a time.

    It may be closed at any time, also while it is being opened; a cancelled `open` leaves nothing open behind.
    Except in `make` and `dispose`, everything happens on the event loop.
    """

    def __init__(self, make: Callable[[], T], dispose: Callable[[T], None]) -> None:
        self._make = make
        self._dispose = dispose
        self._mutex = threading.Lock()
        self._ticket: object | None = None
        self._resource: T | None = None

    @property
    def current(self) -> T | None:
        """The open resource, None before `open` has and once `close` was called."""
        return None if self._ticket is None else self._resource

    async def open(self) -> T:
        """Open it, after closing what was open. Raises what `make` raises, or AbandonedError."""
        await self.close()
        ticket = self._ticket = object()
        try:
            resource = await asyncio.to_thread(self._open, ticket)
        except asyncio.CancelledError:
            # The thread cannot be cancelled. Whatever it is still going to open is closed behind it.
            self._ticket = None
            asyncio.get_running_loop().run_in_executor(None, self._close)
            raise
        if ticket is not self._ticket:
            raise AbandonedError
        return resource

    async def close(self) -> None:
        """Close it if it is open or about to be. Idempotent."""
        self._ticket = None
        if self._resource is not None or self._mutex.locked():
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self._close))

    def _open(self, ticket: object) -> T:
        with self._mutex:
            if ticket is not self._ticket:
                raise AbandonedError
            resource = self._make()
            if ticket is not self._ticket:
                self._dispose(resource)
                raise AbandonedError
            self._resource = resource
            return resource

    def _close(self) -> None:
        with self._mutex:
            resource, self._resource = self._resource, None
            if resource is not None:
                self._dispose(resource)
