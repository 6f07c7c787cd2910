"""The running tab of one session: what it uses is booked while it happens."""

from decimal import Decimal
from functools import cached_property

from homeassistant.core import HomeAssistant, callback

from ..engine.events import SessionEvent, SubAgentUsageEvent, TranscriptionUsageEvent, UsageEvent
from ..engine.usage import UsageMeter, UsageReport
from .budget import async_report_budget
from .ledger import Ledger
from .parties import Agent


class Tab:
    """Books what a session of an agent uses, each token once, however the session ends."""

    def __init__(self, hass: HomeAssistant, agent: Agent, ledger: Ledger) -> None:
        self._hass = hass
        self._agent = agent
        self._ledger = ledger
        self._tokens = 0
        self._cost_usd = Decimal(0)
        self._is_complete = True

    @callback
    def receive(self, event: SessionEvent) -> None:
        """Book what an event says was used; most say nothing of it."""
        if isinstance(event, (UsageEvent, TranscriptionUsageEvent, SubAgentUsageEvent)):
            self._meter.observe(event)
            self.settle(self._meter.report())

    @callback
    def settle(self, report: UsageReport) -> None:
        """Book what all of the session has used so far, as far as it has not been booked yet."""
        tokens = max(report.total - self._tokens, 0)
        cost_usd = max(report.cost_usd - self._cost_usd, Decimal(0))
        found_gap = self._is_complete and not report.is_complete
        if not tokens and not cost_usd and not found_gap:
            return
        self._is_complete = report.is_complete
        self._tokens += tokens
        self._cost_usd += cost_usd
        self._ledger.add(self._agent.subentry_id, tokens, cost_usd, is_complete=report.is_complete)
        self._agent.activity.changed()
        async_report_budget(self._hass, self._agent, self._ledger)

    @cached_property
    def _meter(self) -> UsageMeter:
        options = self._agent.options
        return UsageMeter(options.model, options.transcription_model)
