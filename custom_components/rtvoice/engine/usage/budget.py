"""A limit on what a session may cost."""

from decimal import Decimal

from .meter import UsageMeter


class Budget:
    """Compares what a meter counts with a limit. What has no known price is not counted: see the report's `notes`."""

    def __init__(self, limit_usd: Decimal, meter: UsageMeter) -> None:
        if limit_usd < 0:
            raise ValueError("A budget cannot be negative")
        self._limit_usd = limit_usd
        self._meter = meter

    @property
    def limit_usd(self) -> Decimal:
        """What the session may cost."""
        return self._limit_usd

    @property
    def spent(self) -> Decimal:
        """What the session has cost so far, in USD."""
        return self._meter.spent_usd

    @property
    def exceeded(self) -> bool:
        """Whether more was spent than the limit allows; a limit that was just reached is kept."""
        return self.spent > self._limit_usd
