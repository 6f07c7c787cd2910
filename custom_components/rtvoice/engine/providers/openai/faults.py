"""What errors of the provider mean: codes, close frames and HTTP statuses as classes of errors."""

import re
from dataclasses import dataclass, replace
from enum import Enum, auto
from http import HTTPStatus
from typing import Final, Self

from ...conversation.facts import Rejection
from ...conversation.values import ProviderFault
from ...errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    ConnectionLostError,
    EngineError,
    ProviderError,
    QuotaExceededError,
    RateLimitedError,
    SessionExpiredError,
)
from .fields import Json, optional_text, plain_text
from .waiting import wait_in


class Cause(Enum):
    """What is behind an error, as far as its code says."""

    AUTHENTICATION = auto()
    QUOTA = auto()
    CONFIGURATION = auto()
    RATE_LIMIT = auto()
    EXPIRED = auto()
    SERVER = auto()


_CAUSES: Final[dict[str, Cause]] = {
    "invalid_api_key": Cause.AUTHENTICATION,
    "insufficient_permissions": Cause.AUTHENTICATION,
    "account_deactivated": Cause.AUTHENTICATION,
    "insufficient_quota": Cause.QUOTA,
    "credit_balance_exhausted": Cause.QUOTA,
    "billing_hard_limit_reached": Cause.QUOTA,
    "missing_model": Cause.CONFIGURATION,
    "invalid_model": Cause.CONFIGURATION,
    "model_not_found": Cause.CONFIGURATION,
    "model_load_error": Cause.CONFIGURATION,
    "beta_api_shape_disabled": Cause.CONFIGURATION,
    "DeploymentNotFound": Cause.CONFIGURATION,
    "OperationNotSupported": Cause.CONFIGURATION,
    "OpperationNotSupported": Cause.CONFIGURATION,
    "rate_limit_exceeded": Cause.RATE_LIMIT,
    "inference_rate_limit_exceeded": Cause.RATE_LIMIT,
    "rate_limit_error": Cause.RATE_LIMIT,
    "session_limit_reached": Cause.RATE_LIMIT,
    "session_expired": Cause.EXPIRED,
    "server_error": Cause.SERVER,
}

_REJECTIONS: Final[dict[str, Rejection]] = {
    "conversation_already_has_active_response": Rejection.ALREADY_RESPONDING,
    "response_cancel_not_active": Rejection.NOTHING_TO_CANCEL,
    "input_audio_buffer_commit_empty": Rejection.EMPTY_INPUT,
    "item_truncate_invalid_item_id": Rejection.ITEM_GONE,
    "item_delete_invalid_item_id": Rejection.ITEM_GONE,
    "item_retrieve_invalid_item_id": Rejection.ITEM_GONE,
    "item_not_found": Rejection.ITEM_GONE,
    "unsupported_content_type": Rejection.ITEM_GONE,
}

# Cutting an item behind its end is refused with a code that many refusals share; only its words tell.
_TOO_SHORT: Final = "already shorter than"

# A few servers give a reason in the code of the close frame alone, and only while a session is being set up.
_CLOSE_CAUSES: Final[dict[int, Cause]] = {3000: Cause.AUTHENTICATION}
_SETUP_CLOSE_CAUSES: Final[dict[int, Cause]] = {
    1008: Cause.AUTHENTICATION,
    4000: Cause.CONFIGURATION,
    4004: Cause.CONFIGURATION,
}

_STATUS_CAUSES: Final[dict[int, Cause]] = {
    HTTPStatus.BAD_REQUEST: Cause.CONFIGURATION,
    HTTPStatus.UNAUTHORIZED: Cause.AUTHENTICATION,
    HTTPStatus.PAYMENT_REQUIRED: Cause.QUOTA,
    HTTPStatus.FORBIDDEN: Cause.AUTHENTICATION,
    HTTPStatus.NOT_FOUND: Cause.CONFIGURATION,
    HTTPStatus.METHOD_NOT_ALLOWED: Cause.CONFIGURATION,
    HTTPStatus.GONE: Cause.CONFIGURATION,
    HTTPStatus.UPGRADE_REQUIRED: Cause.CONFIGURATION,
    HTTPStatus.TOO_MANY_REQUESTS: Cause.RATE_LIMIT,
}

# Under these statuses servers give codes of their own, which must not hide what the status says. An account
# without credit is refused as if it asked too often; there the code tells more.
_TELLING: Final[dict[int, frozenset[Cause]]] = {
    HTTPStatus.UNAUTHORIZED: frozenset(),
    HTTPStatus.FORBIDDEN: frozenset(),
    HTTPStatus.TOO_MANY_REQUESTS: frozenset({Cause.QUOTA}),
}

_FATAL: Final = frozenset({Cause.AUTHENTICATION, Cause.QUOTA, Cause.EXPIRED})

# Types of errors that say no more than that there is one.
_VAGUE: Final = frozenset({"error", "invalid_request_error"})

_KEY: Final = re.compile(r"\b([se]k[-_]|Bearer |eyJ)[^\s'\"<>,;)]+")
_SHORTEST_SECRET: Final = 6
_WORD: Final = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes keys, and what looks like one, out of texts."""

    key: str | None = None
    others: tuple[str, ...] = ()
    """What is secret beside the key."""

    def knowing(self, *secrets: str) -> Self:
        """One that takes these out as well, unless they are so short that other words may hold them."""
        long = (secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)
        return replace(self, others=(*self.others, *long))

    def __call__(self, text: str) -> str:
        """`text` without keys."""
        for secret in (self.key, *self.others):
            if secret:
                text = text.replace(secret, "…")
        return _KEY.sub(r"\1…", text)

    def __repr__(self) -> str:
        return "Redactor()"


PLAIN: Final = Redactor()
"""Knows no key, and takes out what looks like one."""


def fault_of(error: Json, redact: Redactor) -> ProviderFault:
    """The `error` object of an event or of an HTTP answer."""
    kind = optional_text(error, "type")
    code, param = (redact(told) if (told := optional_text(error, key)) else None for key in ("code", "param"))
    if code is None and kind is not None and kind not in _VAGUE and _WORD.fullmatch(kind):
        code = kind
    message = plain_text(error, "message") or kind or code or "unknown error"
    fault = ProviderFault(code, redact(message), param)
    return replace(fault, retry_after_s=wait_in(message)) if is_rate_limit(fault) else fault


def cause_of(fault: ProviderFault | None) -> Cause | None:
    """What is behind a fault; None where its code is not a known one."""
    return _CAUSES.get(fault.code) if fault is not None and fault.code is not None else None


def is_rate_limit(fault: ProviderFault) -> bool:
    """Whether the same request may be granted later."""
    return cause_of(fault) is Cause.RATE_LIMIT


def rejection_of(fault: ProviderFault) -> Rejection:
    """Why a request was refused."""
    if _TOO_SHORT in fault.message:
        return Rejection.ITEM_GONE
    return _REJECTIONS.get(fault.code or "", Rejection.OTHER)


def ends_account(fault: ProviderFault) -> bool:
    """Whether a response that failed with this fault will be followed by others that do: no credit, or no access."""
    return cause_of(fault) in (Cause.AUTHENTICATION, Cause.QUOTA)


def ends_session(fault: ProviderFault, request_id: str | None) -> bool:
    """Whether no session survives this fault."""
    cause = cause_of(fault)
    if cause is Cause.CONFIGURATION:
        # The same codes answer a request that names a model, such as a setting for transcription.
        return request_id is None and fault.param is None
    return cause in _FATAL


def error_of_fault(fault: ProviderFault, *, established: bool, cause: Cause | None = None) -> EngineError:
    """A fault that ended a session, or that kept it from beginning."""
    return _error(cause or cause_of(fault), fault, established=established)


def error_of_close(code: int | None, reason: str, fault: ProviderFault | None, *, established: bool) -> EngineError:
    """A close frame (`code` is None where there was none), after `fault` if that was the last event before it."""
    named = reason.rpartition(".")[2]
    if cause_of(fault) is None and named in _CAUSES:
        fault = ProviderFault(named, fault.message if fault else reason, fault.param if fault else None)
    cause = cause_of(fault)
    if cause is None and code is not None:
        cause = _CLOSE_CAUSES.get(code)
        if cause is None and not established:
            cause = _SETUP_CLOSE_CAUSES.get(code)
    if fault is None:
        how = f"code {code}{f', {reason}' if reason else ''}" if code is not None else "without a word"
        fault = ProviderFault(None, f"The provider closed the connection ({how})")
    return _error(cause, fault, established=established)


def error_of_status(status: int, fault: ProviderFault | None = None, retry_after_s: float | None = None) -> EngineError:
    """An HTTP answer where a session was asked for."""
    cause = cause_of(fault)
    if cause is None or cause not in _TELLING.get(status, frozenset(Cause)):
        cause = _STATUS_CAUSES.get(status)
    fault = fault or ProviderFault(None, f"The provider answered with HTTP status {status}")
    return _error(cause, fault, established=False, retry_after_s=retry_after_s)


def _error(
    cause: Cause | None, fault: ProviderFault, *, established: bool, retry_after_s: float | None = None
) -> EngineError:
    if cause is Cause.CONFIGURATION:
        return ConfigurationError(fault.message)
    if cause is Cause.RATE_LIMIT:
        wait_s = fault.retry_after_s if retry_after_s is None else retry_after_s
        return RateLimitedError(fault.message, code=fault.code, param=fault.param, retry_after_s=wait_s)
    kind: type[ProviderError] = ConnectionLostError if established else ConnectionFailedError
    if cause is Cause.AUTHENTICATION:
        kind = AuthenticationError
    elif cause is Cause.QUOTA:
        kind = QuotaExceededError
    elif cause is Cause.EXPIRED and established:
        kind = SessionExpiredError
    return kind(fault.message, code=fault.code, param=fault.param)
