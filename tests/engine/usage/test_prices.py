"""The price list is data: dated, sourced, and replaceable."""

from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from custom_components.rtvoice.engine.options import RealtimeModel, TranscriptionModel
from custom_components.rtvoice.engine.usage import PRICES, ModelPrice, PriceList, TokenRates

OWN = ModelPrice(text=TokenRates(input=Decimal(1), output=Decimal(2)), as_of=date(2026, 1, 2), source="my contract")


@pytest.mark.parametrize("model", [*RealtimeModel, *TranscriptionModel])
def test_every_model_we_name_has_a_price(model: str) -> None:
    assert PRICES.find(model) is not None


@pytest.mark.parametrize("price", PRICES.models.values(), ids=PRICES.models)
def test_prices_say_when_and_where_they_were_listed(price: ModelPrice) -> None:
    """C10: the day is part of the data, not the day on which somebody looks."""
    assert price.as_of == date(2026, 11, 23)
    assert price.source.startswith("https://developers.openai.com/")


@pytest.mark.parametrize(
    ("model", "audio", "text", "image"),
    [
        ("gpt-realtime-2.1", "32 0.40 64", "4 0.40 24", "5 0.50"),
        ("gpt-realtime-2", "32 0.40 64", "4 0.40 24", "5 0.50"),
        ("gpt-realtime-1.5", "32 0.40 64", "4 0.40 16", "5 0.50"),
        ("gpt-realtime", "32 0.40 64", "4 0.40 16", "5 0.50"),
        ("gpt-realtime-2.1-mini", "10 0.30 20", "0.60 0.06 2.40", "0.80 0.08"),
        ("gpt-realtime-mini", "10 0.30 20", "0.60 0.06 2.40", "0.80 0.08"),
    ],
)
def test_realtime_models_cost_what_was_listed(model: str, audio: str, text: str, image: str) -> None:
    price = PRICES.find(model)
    assert price is not None
    for rates, listed in ((price.audio, audio), (price.text, text), (price.image, image)):
        known = [rate for rate in (rates.input, rates.cached, rates.output) if rate is not None]
        assert known == [Decimal(number) for number in listed.split()]


@pytest.mark.parametrize(
    ("model", "minute"),
    [
        ("gpt-transcribe", "0.0045"),
        ("gpt-live-transcribe", "0.017"),
        ("gpt-realtime-whisper", "0.017"),
        ("whisper-1", "0.006"),
        ("gpt-4o-transcribe", "0.006"),
        ("gpt-4o-mini-transcribe", "0.003"),
        ("gpt-4o-transcribe-diarize", "0.006"),
    ],
)
def test_transcription_models_cost_what_was_listed(model: str, minute: str) -> None:
    price = PRICES.find(model)
    assert price is not None
    assert price.minute == Decimal(minute)


def test_a_dated_snapshot_costs_what_its_model_costs() -> None:
    assert PRICES.find("gpt-realtime-mini-2025-12-15") is PRICES.find("gpt-realtime-mini")
    assert PRICES.find("gpt-realtime-2025-08-28") is PRICES.find("gpt-realtime")


@pytest.mark.parametrize("model", ["grok-voice-latest", "", "gpt-4o-realtime-preview", "gpt-realtime-2.1-nano"])
def test_other_models_have_no_price(model: str) -> None:
    assert PRICES.find(model) is None


def test_prices_can_be_replaced_and_added() -> None:
    prices = PRICES.replaced({"gpt-realtime-2.1": OWN, "house-model": OWN, "house-model-2026-02-03": OWN})
    assert prices.find("gpt-realtime-2.1") is prices.find("house-model") is OWN
    assert prices.find("gpt-transcribe") is PRICES.find("gpt-transcribe")
    assert PRICES.find("house-model") is None


def test_an_own_price_of_a_snapshot_beats_that_of_its_model() -> None:
    snapshot = OWN.model_copy(update={"source": "another contract"})
    prices = PriceList(models={"house-model": OWN, "house-model-2026-02-03": snapshot})
    assert prices.find("house-model-2026-02-03") is snapshot
    assert prices.find("house-model-2026-02-04") is OWN


def test_prices_are_read_from_plain_data_and_checked() -> None:
    prices = PriceList.model_validate(
        {"models": {"m": {"text": {"input": "0.25"}, "as_of": "2026-11-01", "source": "web"}}}
    )
    price = prices.find("m")
    assert price is not None
    assert price.text.input == Decimal("0.25")
    with pytest.raises(ValidationError):
        TokenRates(input=Decimal(-1))
