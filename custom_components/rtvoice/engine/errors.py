"""Everything that can go wrong in the engine; the class of an error decides what happens next."""

from enum import StrEnum


class EndReason(StrEnum):
    """Why a session ended."""

    STOPPED = "stopped"
    """`stop()` was called."""
    INACTIVITY = "inactivity"
    """Nobody spoke for as long as the inactivity timeout says."""
    MAX_LENGTH = "max_length"
    """The session had lasted as long as its owner allows."""
    BUDGET_EXCEEDED = "budget_exceeded"
    """The session had cost as much as its owner allows."""
    CONNECTION_LOST = "connection_lost"
    """The link to the provider broke and could not be made again."""
    EXPIRED = "expired"
    """The provider's limit on the length of a session was reached."""
    DEVICE_FAILED = "device_failed"
    """A microphone or speaker stopped working."""
    AUTHENTICATION_FAILED = "authentication_failed"
    QUOTA_EXCEEDED = "quota_exceeded"
    ERROR = "error"
    """Any other error; the log and the error event say which."""


class EngineError(Exception):
    """Base of all errors of the engine."""

    end_reason = EndReason.ERROR


class ConfigurationError(EngineError):
    """Options that the provider cannot serve, such as an unknown model or voice."""


class ProviderError(EngineError):
    """An error that the provider reported.

    `code` and `param` are the provider's own words, or None where it gave none.
    """

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class AuthenticationError(ProviderError):
    """The key is wrong, revoked, or lacks a permission. Never retried."""

    end_reason = EndReason.AUTHENTICATION_FAILED


class QuotaExceededError(ProviderError):
    """The account has no credit left. Never retried."""

    end_reason = EndReason.QUOTA_EXCEEDED


class RateLimitedError(ProviderError):
    """Too many requests; worth trying again after `retry_after_s` seconds."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, code=code, param=param)
        self.retry_after_s = retry_after_s


class ConnectionFailedError(ProviderError):
    """No session could be set up: host unreachable, TLS or HTTP failure, no answer in time."""

    end_reason = EndReason.CONNECTION_LOST


class ConnectionLostError(ProviderError):
    """An established link broke."""

    end_reason = EndReason.CONNECTION_LOST


class SessionExpiredError(ConnectionLostError):
    """The provider ended the session because it reached its maximum length."""

    end_reason = EndReason.EXPIRED


class RequestRejectedError(ProviderError):
    """The provider refused one request; the session lives on."""


class WireError(ProviderError):
    """A message from the provider could not be read; it is dropped and counted."""


class DeviceError(EngineError):
    """An audio device could not be opened or stopped working."""

    end_reason = EndReason.DEVICE_FAILED


class SourceError(DeviceError):
    """A microphone or other audio source failed."""


class SinkError(DeviceError):
    """A speaker or other audio sink failed."""


class ToolError(EngineError):
    """A tool call went wrong. Its text is told to the model as the tool's result; it never ends a session."""


class UnknownToolError(ToolError):
    """The model called a tool that does not exist."""


class ToolArgumentsError(ToolError):
    """The model's arguments do not fit the tool's schema."""


class ToolTimeoutError(ToolError):
    """The tool did not finish in time."""


class ToolFailedError(ToolError):
    """The tool raised an exception."""


class SessionClosedError(EngineError):
    """The session that a method was called on has ended."""

    def __init__(self, reason: EndReason) -> None:
        super().__init__(f"The session has ended: {reason.value}")
        self.reason = reason
