"""Whether and when a broken link is made anew."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    ConnectionLostError,
    EngineError,
    QuotaExceededError,
    RateLimitedError,
    SessionExpiredError,
)
from ..ports import RealtimeProvider

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
ATTEMPTS = 5
STEADY_S = 10.0
"""A link that lived this long is no sign of a provider in trouble."""
RATE_LIMIT_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Try this provider after a while."""

    provider: RealtimeProvider
    after_s: float


class Supervisor:
    """Decides from the class of an error. One provider after another is used up by what no retry can mend."""

    def __init__(self, providers: Sequence[RealtimeProvider], jitter: Callable[[], float] = random.random) -> None:
        self._providers = list(providers)
        self._jitter = jitter
        self._failures = 0
        self._connected_at_s: float | None = None

    @property
    def provider(self) -> RealtimeProvider:
        """The one to use now."""
        return self._providers[0]

    def connected(self, now_s: float) -> None:
        """A link was made."""
        self._connected_at_s = now_s

    def after(self, error: EngineError, now_s: float) -> Retry | None:
        """What to do about an error; None: give up, it ends the session."""
        lived_s = 0.0 if self._connected_at_s is None else now_s - self._connected_at_s
        established, self._connected_at_s = self._connected_at_s is not None, None
        if lived_s >= STEADY_S:
            self._failures = 0
        match error:
            case SessionExpiredError() if established:
                return Retry(self.provider, 0.0)
            case ConnectionLostError() | ConnectionFailedError() | RateLimitedError():
                return self._try_again(error)
            case AuthenticationError() | QuotaExceededError() | ConfigurationError():
                return self._try_another()
            case _:
                return None

    def _try_again(self, error: EngineError) -> Retry | None:
        self._failures += 1
        if self._failures > ATTEMPTS or len(self._providers) > 1:
            return self._try_another()
        wait_s = min(FIRST_WAIT_S * 2 ** (self._failures - 1), LONGEST_WAIT_S) * (0.75 + self._jitter() / 4)
        if isinstance(error, RateLimitedError):
            wait_s = max(wait_s, error.retry_after_s or RATE_LIMIT_WAIT_S)
        return Retry(self.provider, wait_s)

    def _try_another(self) -> Retry | None:
        if len(self._providers) == 1:
            return None
        del self._providers[0]
        self._failures = 0
        return Retry(self.provider, 0.0)
