"""What the server says no to."""

from typing import Any, override


class Rejected(Exception):  # noqa: N818  it is an answer of the protocol, not a fault of the program
    """A client event that the server answers with an `error` event; nothing of it takes effect."""

    def __init__(
        self,
        code: str,
        message: str,
        param: str | None = None,
        *,
        kind: str = "invalid_request_error",
        attributed: bool = True,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.kind = kind
        self.attributed = attributed
        """Whether the error names the client event it answers."""

    def error(self, client_event_id: str | None = None) -> dict[str, Any]:
        """The `error` object of the event."""
        return {
            "type": self.kind,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "event_id": client_event_id if self.attributed else None,
        }

    @override
    def __str__(self) -> str:
        return f"{self.code} ({self.param}): {self.message}"


class Refused(Rejected):
    """A connection that is refused: an `error` event, then a close frame."""

    def __init__(self, code: str, message: str, close_code: int, *, kind: str = "invalid_request_error") -> None:
        super().__init__(code, message, kind=kind)
        self.close_code = close_code

    @property
    def reason(self) -> str:
        """The reason in the close frame."""
        return f"{self.kind}.{self.code}"


class SimulatorSetupError(RuntimeError):
    """The simulator cannot run here; the message says what is missing."""
