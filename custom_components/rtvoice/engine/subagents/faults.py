"""Errors of the `openai` package as errors of the engine."""

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from ..errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    EngineError,
    ProviderError,
    QuotaExceededError,
    RateLimitedError,
    RequestRejectedError,
    WireError,
)

if TYPE_CHECKING:
    import openai

_NO_CREDIT: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_MAX_TEXT: Final = 500


def engine_error(package: ModuleType, error: Exception, key: str | None) -> EngineError:
    """What an error means; `key` is taken out of its text."""
    if isinstance(error, package.APITimeoutError):
        return ConnectionFailedError("The chat model did not answer in time")
    if isinstance(error, package.APIConnectionError):
        cause = type(error.__cause__ or error).__name__
        return ConnectionFailedError(f"The chat model cannot be reached ({cause})")
    if isinstance(error, package.APIStatusError):
        return _status_error(error, key)
    return WireError(f"The chat model's answer cannot be read ({type(error).__name__})")


def _status_error(error: openai.APIStatusError, key: str | None) -> EngineError:
    status, code = error.status_code, error.code if isinstance(error.code, str) else None
    text = f"The chat model answered with HTTP status {status}{_said(error.body, key)}"
    param = error.param if isinstance(error.param, str) else None
    if 300 <= status < 400 or status in (404, 405):
        return ConfigurationError(text)
    if status == 429 and code not in _NO_CREDIT:
        return RateLimitedError(text, code=code, param=param, retry_after_s=_wait_s(error.response.headers))
    return _class_of(status, code)(text, code=code, param=param)


def _class_of(status: int, code: str | None) -> type[ProviderError]:
    if code in _NO_CREDIT or status == 402:
        return QuotaExceededError
    if status in (401, 403):
        return AuthenticationError
    return ConnectionFailedError if status in (408, 409) or status >= 500 else RequestRejectedError


def _said(body: object, key: str | None) -> str:
    message: Any = body.get("message") if isinstance(body, dict) else None
    if not isinstance(message, str):
        return ""
    return f": {(message.replace(key, '…') if key else message)[:_MAX_TEXT]}"


def _wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, where the server says so in a number; some say it in milliseconds."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            wait_s = float(headers[name]) * unit_s
        except KeyError, ValueError:
            continue
        if 0 <= wait_s < float("inf"):
            return wait_s
    return None
