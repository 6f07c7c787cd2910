"""How long to leave a server alone that could not be reached."""

from typing import Final

STABLE_S: Final = 30.0


class Backoff:
    """Waiting times that double from `first_s` to `limit_s`; a connection that held for a while starts them anew.

    The first loss after such a connection is made good at once.
    """

    def __init__(self, first_s: float = 1.0, limit_s: float = 60.0) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._delay_s = 0.0
        self._retry_at_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """How long to wait from now, 0 if the next attempt is due."""
        return max(0.0, self._retry_at_s - now_s)

    def lost(self, now_s: float, held_s: float) -> None:
        """A connection that had held for so long was lost."""
        if held_s >= STABLE_S:
            self._delay_s = 0.0
        self._retry_at_s = now_s + self._delay_s
        self._grow()

    def failed(self, now_s: float) -> None:
        """An attempt failed."""
        self._delay_s = max(self._delay_s, self._first_s)
        self._retry_at_s = now_s + self._delay_s
        self._grow()

    def _grow(self) -> None:
        self._delay_s = min(max(self._delay_s * 2, self._first_s), self._limit_s)
