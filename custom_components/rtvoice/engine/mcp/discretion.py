"""What a server was entrusted with, kept out of all that is told of it: it may repeat that in whatever it says."""

import logging
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, override

_LOGGER = logging.getLogger(__name__)

_SHORTEST_SECRET: Final = 6
"""Other words may hold what is shorter."""
_SHORTEST_IN_A_NAME: Final = 16
"""A tool may well be named after a shorter value, which is hardly a secret then."""
_PACKAGES: Final = ("mcp", "httpx", "httpx2", "httpcore", "httpcore2")
"""The `mcp` package and what it speaks HTTP with, in both versions."""
_NAMELESS: Final = ("", "client")
"""Version 1 of the `mcp` package also logs under these names."""


class Discretion:
    """Takes secrets out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # In a header what is secret stands behind a scheme, in an argument behind the name of an option.
        parts = {part for text in secrets for part in (text, text.rpartition(" ")[2], text.rpartition("=")[2])}
        self._secrets = sorted((part for part in parts if len(part) >= _SHORTEST_SECRET), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text

    def is_broken_by(self, name: str) -> bool:
        """Whether a name holds a secret."""
        return any(len(secret) >= _SHORTEST_IN_A_NAME and secret in name for secret in self._secrets)


_PRESENT: ContextVar[Discretion | None] = ContextVar("_PRESENT", default=None)


@contextmanager
def discreet(discretion: Discretion) -> Generator[None]:
    """In the block, and in tasks that begin in it, what the packages log is told by us: at debug, without secrets."""
    token = _PRESENT.set(discretion)
    try:
        yield
    finally:
        _PRESENT.reset(token)


class _Hush(logging.Filter):
    """The packages log messages as they are, and errors with all that could not be understood."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if (discretion := _PRESENT.get()) is None:
            return True
        # What follows, and what an exception says, are pieces of messages, in which a secret may be cut in two.
        words = record.getMessage().partition("\n")[0]
        kind = record.exc_info[0] if record.exc_info else None
        _LOGGER.debug("%s: %s%s", record.name, discretion(words), f" ({kind.__name__})" if kind else "")
        return False


_HUSH: Final = _Hush()


def hush() -> None:
    """Watch over the loggers of the packages, which have been imported. Idempotent."""
    for name in (*_NAMELESS, *logging.root.manager.loggerDict):
        if name in _NAMELESS or name.partition(".")[0] in _PACKAGES:
            logging.getLogger(name).addFilter(_HUSH)
