"""What the agents of an account have used, kept on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NotRequired, TypedDict

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN

STORAGE_VERSION: Final = 1
SAVE_DELAY_S: Final = 10.0
"""After the last booking; a crash loses no more than this."""
KEPT_DAYS: Final = 62
"""Long enough for every month to be complete while it is the present one."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What an agent has used since it exists. Costs are in USD, as far as prices are known."""

    tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    days: Mapping[date, Decimal] = field(default_factory=dict)
    """Costs by local day, of the latest days only."""
    gap_on: date | None = None
    """The latest day on which something was used whose price is not known."""

    def cost_on(self, day: date) -> Decimal:
        """What a day cost."""
        return self.days.get(day, Decimal(0))

    def cost_in_month(self, day: date) -> Decimal:
        """What the month of `day` cost."""
        month = (day.year, day.month)
        return sum((cost for known, cost in self.days.items() if (known.year, known.month) == month), Decimal(0))

    def plus(self, tokens: int, cost_usd: Decimal, today: date, *, is_complete: bool = True) -> Usage:
        """This, and what was used today; days that nobody asks for any more are left out."""
        first = today - timedelta(days=KEPT_DAYS)
        days = {day: cost for day, cost in self.days.items() if day >= first}
        days[today] = self.cost_on(today) + cost_usd
        return Usage(self.tokens + tokens, self.cost_usd + cost_usd, days, self.gap_on if is_complete else today)


class _StoredUsage(TypedDict):
    tokens: int
    cost_usd: str
    days: dict[str, str]
    gap_on: NotRequired[str | None]


class _Stored(TypedDict):
    agents: dict[str, _StoredUsage]


class Ledger:
    """The usage of all agents of an account, by subentry id. It outlives reloads and restarts."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self._store = Store[_Stored](hass, STORAGE_VERSION, f"{DOMAIN}.usage.{entry_id}")
        self._agents: dict[str, Usage] = {}

    async def async_load(self) -> None:
        """Read what was used before."""
        if (stored := await self._store.async_load()) is not None:
            self._agents = {agent_id: _usage(usage) for agent_id, usage in stored["agents"].items()}

    async def async_close(self) -> None:
        """Write what has not been written yet."""
        if self._agents:
            await self._store.async_save(self._stored())

    async def async_remove(self) -> None:
        """Forget everything, on disk too."""
        self._agents = {}
        await self._store.async_remove()

    def of(self, agent_id: str) -> Usage:
        """What an agent has used."""
        return self._agents.get(agent_id, Usage())

    @callback
    def add(self, agent_id: str, tokens: int, cost_usd: Decimal, *, is_complete: bool = True) -> None:
        """An agent has used this now; without `is_complete`, not all of it has a known price."""
        today = dt_util.now().date()
        self._agents[agent_id] = self.of(agent_id).plus(tokens, cost_usd, today, is_complete=is_complete)
        self._store.async_delay_save(self._stored, SAVE_DELAY_S)

    @callback
    def forget(self, agent_id: str) -> None:
        """An agent is gone."""
        if self._agents.pop(agent_id, None) is not None:
            self._store.async_delay_save(self._stored, SAVE_DELAY_S)

    def _stored(self) -> _Stored:
        return {"agents": {agent_id: _stored(usage) for agent_id, usage in self._agents.items()}}


def _usage(stored: _StoredUsage) -> Usage:
    days = {date.fromisoformat(day): Decimal(cost) for day, cost in stored["days"].items()}
    gap_on = date.fromisoformat(gap) if (gap := stored.get("gap_on")) else None
    return Usage(stored["tokens"], Decimal(stored["cost_usd"]), days, gap_on)


def _stored(usage: Usage) -> _StoredUsage:
    return {
        "tokens": usage.tokens,
        "cost_usd": str(usage.cost_usd),
        "days": {day.isoformat(): str(cost) for day, cost in usage.days.items()},
        "gap_on": usage.gap_on.isoformat() if usage.gap_on else None,
    }
