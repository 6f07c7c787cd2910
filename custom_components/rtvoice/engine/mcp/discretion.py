"""What the `mcp` package and its HTTP library write into the log about connections of ours."""

import logging
from contextvars import ContextVar
from typing import Final, override

from .errors import reason_of

_LOGGER = logging.getLogger(__name__)

SERVER: Final[ContextVar[str | None]] = ContextVar("SERVER", default=None)
"""Name of the server whose connection the present task keeps."""


class Discretion(logging.Filter):
    """Lets nothing through that is about a connection of ours, but for a reason without a traceback at debug.

    It holds addresses, and those may hold keys. Whoever uses the connection is told what has failed.
    """

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is about somebody else's connection."""
        if (server := SERVER.get()) is None:
            return True
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            _LOGGER.debug("The connection to MCP server %s has failed: %s", server, reason_of(error))
        return False


def be_discreet(*loggers: str) -> None:
    """Have these loggers keep to themselves what is about connections of ours."""
    for name in loggers:
        logging.getLogger(name).addFilter(Discretion())
