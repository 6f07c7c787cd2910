"""A budget follows the meter."""

from decimal import Decimal

import pytest

from custom_components.rtvoice.engine.events import UsageEvent
from custom_components.rtvoice.engine.usage import Budget, UsageMeter


def test_a_budget_is_exceeded_by_the_first_token_beyond_it() -> None:
    meter = UsageMeter("gpt-realtime-2.1")
    budget = Budget(Decimal("0.0768"), meter)
    assert (budget.spent, budget.exceeded) == (0, False)
    meter.observe(UsageEvent(output_audio=1200))
    assert (budget.spent, budget.exceeded) == (budget.limit_usd, False)
    meter.observe(UsageEvent(cached_text=1, input_text=1))
    assert (budget.spent, budget.exceeded) == (Decimal("0.0768004"), True)


def test_what_has_no_price_cannot_exceed_a_budget() -> None:
    meter = UsageMeter("house-model")
    budget = Budget(Decimal(0), meter)
    meter.observe(UsageEvent(output_audio=1_000_000))
    assert (budget.spent, budget.exceeded) == (0, False)


def test_a_negative_budget_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Budget(Decimal("-0.01"), UsageMeter("gpt-realtime-2.1"))
