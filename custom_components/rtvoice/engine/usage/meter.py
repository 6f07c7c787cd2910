"""Counts what a session uses."""

from dataclasses import fields
from decimal import Decimal

from ..conversation.values import ResponseUsage, TokenCount
from ..events import SessionEvent, SubAgentUsageEvent, TranscriptionUsageEvent, UsageEvent
from .bill import Bill, Consumption, bill_for
from .prices import PriceList
from .report import SourceUsage, TokenTotals, UsageReport
from .table import PRICES

AGENT = "agent"
TRANSCRIPTION = "transcription"

_NOTHING = ResponseUsage()


class UsageMeter:
    """Adds up tokens and seconds by source and model, and prices them.

    It believes what it is told: that every response, transcription and chat answer is told once is for others to see
    to. `model` and `transcription_model` may be assigned when the session goes on with others.
    """

    def __init__(self, model: str, transcription_model: str | None = None, prices: PriceList = PRICES) -> None:
        self.model = model
        self.transcription_model = transcription_model
        self._prices = prices
        self._used: dict[tuple[str, str], Consumption] = {}
        self._billed: list[Bill] | None = None
        """The bills, while nothing more was used."""

    @property
    def spent_usd(self) -> Decimal:
        """What everything with a known price cost so far; cheap to ask again."""
        return _cost_usd(self._bills())

    def observe(self, event: SessionEvent) -> None:
        """Count what responses, transcriptions and subagents used; all other events are none of its business."""
        match event:
            case UsageEvent():
                self._add(AGENT, self.model, _usage(event))
            case TranscriptionUsageEvent():
                received = TokenCount(event.input_text, event.input_audio)
                written = TokenCount(event.output_text)
                self.transcribed(seconds=event.seconds, usage=ResponseUsage(input=received, output=written))
            case SubAgentUsageEvent(agent_name=source, model=model):
                counts = (event.input_text, event.cached_text, event.output_text)
                self.chatted(source, model, ResponseUsage(*map(TokenCount, counts)))

    def transcribed(self, *, seconds: float | None = None, usage: ResponseUsage = _NOTHING) -> None:
        """Count a transcription of the user's speech: by `seconds` where the provider gives them, else by tokens."""
        used = self._consumption(TRANSCRIPTION, self.transcription_model or "unknown")
        if seconds is not None:
            # The shortest decimal that reads as this float is what the provider wrote.
            used.seconds += Decimal(repr(seconds))
        elif usage != _NOTHING:
            used.usage += usage
        else:
            used.unmeasured += 1

    def chatted(self, source: str, model: str, usage: ResponseUsage) -> None:
        """Count the tokens of a chat model that worked for a subagent or another `source`."""
        self._add(source, model, usage)

    def report(self) -> UsageReport:
        """The bill so far."""
        bills = self._bills()
        items = tuple(item for bill in bills for item in bill.items)
        gaps = [gap for bill in bills for gap in bill.gaps]
        priced = {model: price for _, model in self._used if (price := self._prices.find(model)) is not None}
        remarks = [f"{model}: {price.remark}" for model, price in priced.items() if price.remark]
        sources = tuple(_source(used) for used in self._used.values())
        return UsageReport(
            **{name: sum(getattr(source, name) for source in sources) for name in TokenTotals.model_fields},
            sources=sources,
            items=items,
            cost_usd=_cost_usd(bills),
            is_complete=not gaps,
            notes=tuple(dict.fromkeys((*gaps, *remarks))),
            prices_as_of=min((price.as_of for price in priced.values()), default=None),
        )

    def _add(self, source: str, model: str, usage: ResponseUsage) -> None:
        self._consumption(source, model).usage += usage

    def _consumption(self, source: str, model: str) -> Consumption:
        """What is about to grow."""
        self._billed = None
        return self._used.setdefault((source, model), Consumption(source, model))

    def _bills(self) -> list[Bill]:
        if self._billed is None:
            self._billed = [bill_for(used, self._prices.find(used.model)) for used in self._used.values()]
        return self._billed


def _cost_usd(bills: list[Bill]) -> Decimal:
    return sum((item.cost_usd or Decimal(0) for bill in bills for item in bill.items), Decimal(0))


def _usage(event: UsageEvent) -> ResponseUsage:
    return ResponseUsage(
        input=TokenCount(event.input_text, event.input_audio, event.input_image),
        cached=TokenCount(event.cached_text, event.cached_audio, event.cached_image),
        output=TokenCount(event.output_text, event.output_audio),
    )


def _source(used: Consumption) -> SourceUsage:
    tokens = {
        f"{way}_{kind.name}": getattr(getattr(used.usage, way), kind.name)
        for way in ("input", "cached", "output")
        for kind in fields(TokenCount)
    }
    counted = {name: tokens[name] for name in TokenTotals.model_fields}
    return SourceUsage(**counted, source=used.source, model=used.model, seconds=used.seconds)
