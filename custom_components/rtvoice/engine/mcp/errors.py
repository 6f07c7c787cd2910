"""What goes wrong with a server of tools."""

from ..errors import ToolError


class ServerUnavailableError(ToolError):
    """A server could not be reached, refused, or was lost; the text says why, without headers, keys or addresses."""


class LinkLostError(Exception):
    """The connection ended while an answer was waited for."""


class RemoteError(Exception):
    """The server answered with an error of the protocol."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


def leaf_of(error: BaseException) -> BaseException:
    """The first error inside a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def reason_of(error: BaseException) -> str:
    """An error in words, without addresses: those of HTTP libraries may hold keys."""
    error = leaf_of(error)
    if isinstance(status := getattr(getattr(error, "response", None), "status_code", None), int):
        return f"it answered with HTTP status {status}"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, LinkLostError):
        return "the connection ended"
    return f"{type(error).__name__}: {error}" if not isinstance(error, (RemoteError, ToolError)) else str(error)
