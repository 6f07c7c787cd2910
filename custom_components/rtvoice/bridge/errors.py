"""The engine's errors in Home Assistant's terms; nothing else translates them."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import (
    ConfigEntryAuthFailed,
    ConfigEntryError,
    ConfigEntryNotReady,
    HomeAssistantError,
    ServiceValidationError,
)

from ..const import DOMAIN
from ..engine.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    ConnectionLostError,
    DeviceError,
    EndReason,
    EngineError,
    QuotaExceededError,
    RateLimitedError,
    SessionClosedError,
)
from . import issues
from .places.errors import EarsFailedError, MouthFailedError

_LOGGER = logging.getLogger(__name__)

_KEYS: tuple[tuple[type[EngineError], str], ...] = (
    (AuthenticationError, "invalid_auth"),
    (QuotaExceededError, "quota_exceeded"),
    (RateLimitedError, "rate_limited"),
    (ConnectionFailedError, "provider_unreachable"),
    (ConnectionLostError, "provider_unreachable"),
    (ConfigurationError, "configuration"),
    (DeviceError, "device_unavailable"),
    (SessionClosedError, "not_in_session"),
)


def translated(error: EngineError) -> HomeAssistantError:
    """An error of the engine as one that Home Assistant shows in the user's language."""
    return HomeAssistantError(
        translation_domain=DOMAIN, translation_key=_key(error), translation_placeholders={"error": str(error)}
    )


def setup_failure(error: EngineError) -> HomeAssistantError:
    """An error of the first contact with a provider, as what Home Assistant should do about the entry."""
    kind: type[HomeAssistantError]
    match error:
        case AuthenticationError():
            kind = ConfigEntryAuthFailed
        case ConfigurationError() | QuotaExceededError():
            kind = ConfigEntryError
        case _:
            kind = ConfigEntryNotReady
    return kind(translation_domain=DOMAIN, translation_key=_key(error), translation_placeholders={"error": str(error)})


def refused(key: str, **placeholders: str) -> ServiceValidationError:
    """What the user asked for cannot be done, for a reason that they can see to."""
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders or None
    )


def failed(reason: str) -> HomeAssistantError:
    """A session came to nothing without an error of the engine."""
    return HomeAssistantError(
        translation_domain=DOMAIN, translation_key="session_failed", translation_placeholders={"error": reason}
    )


@contextmanager
def engine_errors() -> Iterator[None]:
    """Translate what the engine raises inside."""
    try:
        yield
    except EngineError as err:
        raise translated(err) from err


@contextmanager
def told_errors(name: str, tell: Callable[[HomeAssistantError], None]) -> Iterator[None]:
    """For a task of that name: tell what it fails by, translated, and end it; log what nobody has expected."""
    try:
        with engine_errors():
            yield
    except HomeAssistantError as err:
        _LOGGER.debug("The %s failed: %s", name, err)
        tell(err)
    except Exception as err:
        _LOGGER.exception("The %s failed unexpectedly", name)
        tell(failed(type(err).__name__))


def end_reason_of(error: HomeAssistantError) -> EndReason:
    """Why a session ended that failed by a translated error."""
    cause = error.__cause__
    return cause.end_reason if isinstance(cause, EngineError) else EndReason.ERROR


@callback
def react(hass: HomeAssistant, entry: ConfigEntry[Any], reason: EndReason) -> None:
    """See to what ended a session, where the user must do something about it."""
    match reason:
        case EndReason.AUTHENTICATION_FAILED:
            entry.async_start_reauth(hass)
        case EndReason.QUOTA_EXCEEDED:
            issues.create_quota_issue(hass, entry)
        case _:
            pass


def _key(error: EngineError) -> str:
    if isinstance(error, EarsFailedError | MouthFailedError):
        return error.key
    return next((key for kind, key in _KEYS if isinstance(error, kind)), "session_failed")
