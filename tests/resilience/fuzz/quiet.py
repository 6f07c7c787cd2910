"""What must not be heard of whatever strange things come in: failures nobody took care of, and secrets."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from homeassistant.exceptions import ConfigEntryError

from tests.ha.conftest import API_KEY

KEY: Final = "sk-fuzz-0123456789abcdef"
"""The account's key of tests without Home Assistant."""
PIN: Final = "739146285039"
"""Longer than what times and ids are made of: shorter digits would be in them by chance."""
TOKEN: Final = "token-fuzz-0123456789"
"""The key of an MCP server, or of another account."""
SECRETS: Final = (KEY, API_KEY, PIN, TOKEN)
"""They are in no line of the log at all, and in nothing that is shown."""
WORDS: Final = "Schneewittchen"
"""Stands in all that is said, in prompts and in arguments; it is in no line of the log above debug."""


_REFUSES: Final = "homeassistant.components.websocket_api.http.connection"
"""Home Assistant logs every command that it refuses, with all that was in it, as an error."""


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[tuple[int, str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == _REFUSES and record.exc_info is None:
            return
        refused = record.exc_info is not None and isinstance(record.exc_info[1], ConfigEntryError)
        # Home Assistant logs an account that is refused in words as an error.
        self.heard.append((logging.WARNING if refused else record.levelno, record.name, self.format(record)))


@contextmanager
def quiet(
    *, secrets: tuple[str, ...] = SECRETS, words: tuple[str, ...] = (WORDS,), warnings: bool = True
) -> Iterator[None]:
    """Fail if the block logs an error, a secret, or words above debug; without `warnings`, if ours warn of anything."""
    listener = _Listener()
    root, ours = logging.getLogger(), logging.getLogger("custom_components.rtvoice")
    before = ours.level
    root.addHandler(listener)
    ours.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        ours.setLevel(before)
        root.removeHandler(listener)
    for level, name, text in listener.heard:
        assert level < logging.ERROR, f"{name}: {text}"
        assert warnings or level < logging.WARNING or not name.startswith("custom_components"), f"{name}: {text}"
        assert not any(secret in text for secret in secrets), f"a secret in the log of {name}: {text}"
        if level > logging.DEBUG:
            assert not any(word in text for word in words), f"words in the log of {name}: {text}"


def fail_loudly(loop: asyncio.AbstractEventLoop, failures: list[dict[str, Any]]) -> None:
    """Keep what nobody took care of in `failures`."""
    loop.set_exception_handler(lambda _, context: failures.append(context))
