"""Budgets: what an agent may cost in a day and in a month."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..engine.errors import ConfigurationError
from . import issues
from .errors import refused
from .ledger import Ledger, Usage
from .options import AgentOptions
from .parties import Agent

_LOGGER = logging.getLogger(__name__)

NEARLY: Final = Decimal("0.8")
"""The share of a budget from which on its owner is told."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit and how much of it is spent, in USD."""

    period: str
    """`day` or `month`."""
    limit_usd: Decimal
    spent_usd: Decimal

    @property
    def left_usd(self) -> Decimal:
        """What may still be spent."""
        return max(self.limit_usd - self.spent_usd, Decimal(0))

    @property
    def used(self) -> bool:
        """Whether nothing is left."""
        return self.spent_usd >= self.limit_usd

    @property
    def nearly_used(self) -> bool:
        """Whether little is left."""
        return self.spent_usd >= self.limit_usd * NEARLY


def budgets(options: AgentOptions, usage: Usage, today: date) -> list[Budget]:
    """The budgets that an agent has, the one of which least is left first."""
    return sorted(_budgets(options, usage, today), key=lambda budget: budget.left_usd / budget.limit_usd)


def left_usd(options: AgentOptions, usage: Usage) -> Decimal | None:
    """What an agent may still cost now; None: any amount."""
    return min((budget.left_usd for budget in budgets(options, usage, dt_util.now().date())), default=None)


@callback
def async_check_budget(agent: Agent, ledger: Ledger) -> None:
    """Raise ServiceValidationError if an agent has spent a budget, and ConfigurationError if its options are wrong."""
    for budget in budgets(agent.options, ledger.of(agent.subentry_id), dt_util.now().date()):
        if budget.used:
            raise refused(f"{budget.period}_budget_used", agent=agent.title, budget=dollars(budget.limit_usd))


@callback
def async_report_budget(hass: HomeAssistant, agent: Agent, ledger: Ledger) -> None:
    """Tell the user when a budget is nearly or wholly spent, and take that back when it is not any more."""
    own = _own_budgets(agent, ledger)
    tightest = next((budget for budget in own if budget.nearly_used), None)
    if tightest is None:
        issues.delete_budget_issue(hass, agent.subentry_id)
        return
    problem = f"{tightest.period}_budget_{'used' if tightest.used else 'nearly_used'}"
    issues.create_budget_issue(hass, problem, agent.subentry_id, agent.title, dollars(tightest.limit_usd))


def seen_budgets(agent: Agent, ledger: Ledger) -> list[dict[str, Any]]:
    """An agent's budgets, for diagnostics."""
    return [
        {
            "period": budget.period,
            "limit_usd": float(budget.limit_usd),
            "spent_usd": float(budget.spent_usd),
            "used": budget.used,
        }
        for budget in _own_budgets(agent, ledger)
    ]


def dollars(amount: Decimal) -> str:
    """An amount as it is read: $2.50."""
    return f"${amount:.2f}"


def _own_budgets(agent: Agent, ledger: Ledger) -> list[Budget]:
    try:
        options = agent.options
    except ConfigurationError as err:
        # Whoever wants a session with this agent is told.
        _LOGGER.debug("The budgets of %s are not known: %s", agent.title, err)
        return []
    return budgets(options, ledger.of(agent.subentry_id), dt_util.now().date())


def _budgets(options: AgentOptions, usage: Usage, today: date) -> Iterator[Budget]:
    if options.day_budget_usd is not None:
        yield Budget("day", options.day_budget_usd, usage.cost_on(today))
    if options.month_budget_usd is not None:
        yield Budget("month", options.month_budget_usd, usage.cost_in_month(today))
