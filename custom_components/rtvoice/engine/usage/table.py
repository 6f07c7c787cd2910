"""The list prices of OpenAI's realtime and transcription models."""

from datetime import date
from decimal import Decimal

from .prices import ModelPrice, PriceList, TokenRates

_AS_OF = date(2026, 11, 23)
_SOURCE = "https://developers.openai.com/api/docs/models/"
_LAST_LISTED = "the price is that of the last listing before the model was deprecated"


def _rates(of_input: str, of_cached: str | None = None, of_output: str | None = None) -> TokenRates:
    return TokenRates(
        input=Decimal(of_input),
        cached=None if of_cached is None else Decimal(of_cached),
        output=None if of_output is None else Decimal(of_output),
    )


def _large(name: str, text_output: str, remark: str = "") -> ModelPrice:
    return ModelPrice(
        text=_rates("4", "0.40", text_output),
        audio=_rates("32", "0.40", "64"),
        image=_rates("5", "0.50"),
        as_of=_AS_OF,
        source=_SOURCE + name,
        remark=remark,
    )


def _mini(name: str, remark: str = "") -> ModelPrice:
    return ModelPrice(
        text=_rates("0.60", "0.06", "2.40"),
        audio=_rates("10", "0.30", "20"),
        image=_rates("0.80", "0.08"),
        as_of=_AS_OF,
        source=_SOURCE + name,
        remark=remark,
    )


def _timed(name: str, minute: str, tokens: TokenRates | None = None, remark: str = "") -> ModelPrice:
    """A transcription model; where it counts tokens, text and audio cost the same."""
    rates = tokens or TokenRates()
    return ModelPrice(
        text=rates, audio=rates, minute=Decimal(minute), as_of=_AS_OF, source=_SOURCE + name, remark=remark
    )


PRICES = PriceList(
    models={
        "gpt-realtime-2.1": _large("gpt-realtime-2.1", "24"),
        "gpt-realtime-2": _large("gpt-realtime-2", "24"),
        "gpt-realtime-1.5": _large("gpt-realtime-1.5", "16"),
        "gpt-realtime": _large("gpt-realtime", "16", _LAST_LISTED),
        "gpt-realtime-2.1-mini": _mini("gpt-realtime-2.1-mini"),
        "gpt-realtime-mini": _mini("gpt-realtime-mini", _LAST_LISTED),
        "gpt-transcribe": _timed("gpt-transcribe", "0.0045"),
        "gpt-live-transcribe": _timed("gpt-live-transcribe", "0.017"),
        "gpt-realtime-whisper": _timed("gpt-realtime-whisper", "0.017"),
        "whisper-1": _timed("whisper-1", "0.006", remark=_LAST_LISTED),
        "gpt-4o-transcribe": _timed("gpt-4o-transcribe", "0.006", _rates("2.50", None, "10"), _LAST_LISTED),
        "gpt-4o-mini-transcribe": _timed("gpt-4o-mini-transcribe", "0.003", _rates("1.25", None, "5"), _LAST_LISTED),
        "gpt-4o-transcribe-diarize": _timed("gpt-4o-transcribe-diarize", "0.006", remark=_LAST_LISTED),
    }
)
"""USD as listed on the day in `as_of`; override with `PriceList.replaced`."""
