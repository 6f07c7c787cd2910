"""How long to wait before something that failed is tried again."""


class Patience:
    """Waits that double while something goes on failing; `first_s` may be 0, for a failure that is the only one."""

    def __init__(self, first_s: float, limit_s: float = 60.0) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._next_s = first_s

    def failed(self) -> float:
        """Give the seconds to wait now."""
        wait_s, self._next_s = self._next_s, min(self._limit_s, max(1.0, self._next_s * 2))
        return wait_s

    def worked(self) -> None:
        """What fails next is the first failure again."""
        self._next_s = self._first_s
