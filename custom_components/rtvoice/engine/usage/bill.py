"""The lines of the bill for what one source used of one model."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from ..conversation.values import ResponseUsage
from .prices import ModelPrice, TokenRates
from .report import LineItem, UsageKind

_AUDIO_TOKENS_PER_S = 10
"""User audio is one token per 100 ms (OpenAI's guide to realtime costs)."""

_PER_MILLION = -6


@dataclass(slots=True)
class Consumption:
    """What one source used of one model so far."""

    source: str
    model: str
    usage: ResponseUsage = ResponseUsage()
    seconds: Decimal = Decimal(0)
    unmeasured: int = 0
    """How many transcriptions came without any word of what they cost."""


@dataclass(slots=True)
class Bill:
    """Lines, and what keeps them from being exact."""

    items: list[LineItem] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


def bill_for(used: Consumption, price: ModelPrice | None) -> Bill:
    """Price a consumption; unknown prices are lines without a cost, and gaps."""
    bill = Bill()
    if price is not None and price.minute is not None and not _has_token_rates(price) and used.usage.input.audio:
        quantities = {UsageKind.SECONDS: used.seconds + Decimal(used.usage.input.audio) / _AUDIO_TOKENS_PER_S}
        bill.gaps.append(f"{used.model}: the time was estimated from audio tokens")
    else:
        quantities = {kind: Decimal(count) for kind, count in _token_quantities(used.usage)}
        quantities[UsageKind.SECONDS] = used.seconds
    bill.items = [_line(used, kind, quantity, price) for kind, quantity in quantities.items() if quantity]
    bill.gaps += [_gap(item, price) for item in bill.items if item.cost_usd is None]
    if used.unmeasured:
        bill.gaps.append(f"{used.model}: {used.unmeasured} transcription(s) came without usage")
    if _cached_beyond_input(used.usage):
        bill.gaps.append(f"{used.model}: more cached tokens than input tokens of their kind; billed as input")
    return bill


def _token_quantities(usage: ResponseUsage) -> Iterator[tuple[UsageKind, int]]:
    for kind in ("text", "audio", "image"):
        taken: int = getattr(usage.input, kind)
        # The provider counts cached tokens among the input tokens.
        cached: int = min(getattr(usage.cached, kind), taken)
        yield UsageKind(f"{kind}_input"), taken - cached
        yield UsageKind(f"{kind}_cached"), cached
        yield UsageKind(f"{kind}_output"), getattr(usage.output, kind)


def _line(used: Consumption, kind: UsageKind, quantity: Decimal, price: ModelPrice | None) -> LineItem:
    rate = None if price is None else _rate(kind, price)
    if rate is None:
        cost = None
    elif kind is UsageKind.SECONDS:
        cost = quantity * rate / 60
    else:
        cost = (quantity * rate).scaleb(_PER_MILLION)
    return LineItem(source=used.source, model=used.model, kind=kind, quantity=quantity, rate_usd=rate, cost_usd=cost)


def _rate(kind: UsageKind, price: ModelPrice) -> Decimal | None:
    if kind is UsageKind.SECONDS:
        return price.minute
    of_what, direction = kind.value.split("_")
    rates: TokenRates = getattr(price, of_what)
    match direction:
        case "input":
            return rates.input
        case "cached":
            return rates.input if rates.cached is None else rates.cached
        case _:
            return rates.output


def _gap(item: LineItem, price: ModelPrice | None) -> str:
    if price is None:
        return f"{item.model}: the price is not known"
    return f"{item.model}: the price of {item.kind.value.replace('_', ' ')} is not known"


def _has_token_rates(price: ModelPrice) -> bool:
    return price.audio.input is not None


def _cached_beyond_input(usage: ResponseUsage) -> bool:
    return any(getattr(usage.cached, kind) > getattr(usage.input, kind) for kind in ("text", "audio", "image"))
