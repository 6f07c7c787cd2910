"""What a session uses, and what that costs."""

from .budget import Budget
from .meter import AGENT, TRANSCRIPTION, UsageMeter
from .prices import ModelPrice, PriceList, TokenRates
from .report import LineItem, SourceUsage, TokenTotals, UsageKind, UsageReport
from .table import PRICES

__all__ = [
    "AGENT",
    "PRICES",
    "TRANSCRIPTION",
    "Budget",
    "LineItem",
    "ModelPrice",
    "PriceList",
    "SourceUsage",
    "TokenRates",
    "TokenTotals",
    "UsageKind",
    "UsageMeter",
    "UsageReport",
]
