"""The bill adds up, to the last digit, and says where it cannot."""

from datetime import date
from decimal import Decimal

from custom_components.rtvoice.engine.conversation.values import ResponseUsage, TokenCount
from custom_components.rtvoice.engine.events import AgentStartingEvent, UsageEvent
from custom_components.rtvoice.engine.usage import (
    PRICES,
    LineItem,
    ModelPrice,
    TokenRates,
    UsageKind,
    UsageMeter,
    UsageReport,
)

LARGE, MINI, TRANSCRIBE = "gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-transcribe"

TURN = UsageEvent(
    input_text=1500,
    input_audio=800,
    input_image=200,
    cached_text=1000,
    cached_audio=300,
    cached_image=50,
    output_text=120,
    output_audio=400,
)


def costs(report: UsageReport) -> dict[str, Decimal | None]:
    return {item.kind.value: item.cost_usd for item in report.items}


def test_a_turn_costs_what_it_costs_by_hand() -> None:
    meter = UsageMeter(LARGE)
    meter.observe(TURN)
    report = meter.report()
    assert costs(report) == {
        "text_input": Decimal("0.002"),  # (1500 - 1000) * 4 / 1e6
        "text_cached": Decimal("0.0004"),  # 1000 * 0.40 / 1e6
        "text_output": Decimal("0.00288"),  # 120 * 24 / 1e6
        "audio_input": Decimal("0.016"),  # (800 - 300) * 32 / 1e6
        "audio_cached": Decimal("0.00012"),  # 300 * 0.40 / 1e6
        "audio_output": Decimal("0.0256"),  # 400 * 64 / 1e6
        "image_input": Decimal("0.00075"),  # (200 - 50) * 5 / 1e6
        "image_cached": Decimal("0.000025"),  # 50 * 0.50 / 1e6
    }
    assert report.cost_usd == meter.spent_usd == Decimal("0.047775")
    assert (report.is_complete, report.notes, report.prices_as_of) == (True, (), date(2026, 11, 23))


def test_the_same_turn_on_the_small_model() -> None:
    meter = UsageMeter(MINI)
    meter.observe(TURN)
    # 500*0.6 + 1000*0.06 + 120*2.4 + 500*10 + 300*0.3 + 400*20 + 150*0.8 + 50*0.08 = 13 862 millionths
    assert meter.report().cost_usd == Decimal("0.013862")


def test_a_spoken_minute_costs_what_the_rule_of_thumb_says() -> None:
    """A minute listened to is 600 tokens, a minute spoken 1200: about 0.019 and 0.077 USD."""
    listened, spoken = UsageMeter(LARGE), UsageMeter(LARGE)
    listened.observe(UsageEvent(input_audio=600))
    spoken.observe(UsageEvent(output_audio=1200))
    assert (listened.spent_usd, spoken.spent_usd) == (Decimal("0.0192"), Decimal("0.0768"))


def test_turns_add_up_and_tokens_are_in_the_report() -> None:
    meter = UsageMeter(LARGE)
    for _ in range(1000):
        meter.observe(TURN)
    report = meter.report()
    assert report.cost_usd == Decimal("47.775")
    assert (report.input_text, report.cached_audio, report.output_audio) == (1_500_000, 300_000, 400_000)
    assert report.total == 1000 * (1500 + 800 + 200 + 120 + 400)
    assert report.items[0] == LineItem(
        source="agent",
        model=LARGE,
        kind=UsageKind.TEXT_INPUT,
        quantity=Decimal(500_000),
        rate_usd=Decimal(4),
        cost_usd=Decimal(2),
    )


def test_all_other_events_cost_nothing() -> None:
    meter = UsageMeter(LARGE)
    meter.observe(AgentStartingEvent())
    assert meter.report() == UsageReport()


def test_transcription_is_paid_by_the_minute() -> None:
    meter = UsageMeter(LARGE, TRANSCRIBE)
    for seconds in (0.1, 0.2, 29.7):
        meter.transcribed(seconds=seconds)
    report = meter.report()
    assert report.transcription_minutes == Decimal("0.5")
    assert costs(report) == {"seconds": Decimal("0.00225")}
    assert report.is_complete


def test_transcription_is_paid_by_tokens_where_the_model_counts_them() -> None:
    meter = UsageMeter(LARGE, "gpt-4o-mini-transcribe")
    meter.transcribed(usage=ResponseUsage(input=TokenCount(text=40, audio=260), output=TokenCount(text=20)))
    report = meter.report()
    assert report.cost_usd == Decimal("0.000475")  # 300 * 1.25 / 1e6 + 20 * 5 / 1e6
    assert report.is_complete
    assert report.notes == (
        "gpt-4o-mini-transcribe: the price is that of the last listing before the model was deprecated",
    )


def test_time_is_estimated_from_tokens_where_only_time_has_a_price() -> None:
    meter = UsageMeter(LARGE, "whisper-1")
    meter.transcribed(usage=ResponseUsage(input=TokenCount(audio=600)))
    meter.transcribed(seconds=60)
    report = meter.report()
    assert costs(report) == {"seconds": Decimal("0.012")}
    assert not report.is_complete
    assert "whisper-1: the time was estimated from audio tokens" in report.notes


def test_a_transcription_without_usage_is_noted() -> None:
    meter = UsageMeter(LARGE, TRANSCRIBE)
    meter.transcribed()
    meter.transcribed()
    report = meter.report()
    assert (report.cost_usd, report.is_complete) == (0, False)
    assert report.notes == ("gpt-transcribe: 2 transcription(s) came without usage",)


def test_transcription_by_an_unnamed_model_is_no_reason_to_fail() -> None:
    meter = UsageMeter(LARGE)
    meter.transcribed(seconds=30)
    report = meter.report()
    assert costs(report) == {"seconds": None}
    assert report.notes == ("unknown: the price is not known",)


def test_subagents_are_sources_of_their_own() -> None:
    """C10: what subagents use is counted."""
    chat = ModelPrice(
        text=TokenRates(input=Decimal("0.25"), cached=Decimal("0.025"), output=Decimal(2)),
        as_of=date(2026, 10, 1),
        source="my contract",
    )
    meter = UsageMeter(LARGE, prices=PRICES.replaced({"chat-small": chat}))
    meter.observe(UsageEvent(output_audio=1000))
    usage = ResponseUsage(input=TokenCount(text=10_000), cached=TokenCount(text=8000), output=TokenCount(text=500))
    meter.chatted("researcher", "chat-small", usage)
    meter.chatted("researcher", "chat-small", usage)
    meter.chatted("planner", "chat-small", usage)
    report = meter.report()
    # 2000*0.25 + 8000*0.025 + 500*2 = 1700 millionths each
    assert report.cost_usd == Decimal("0.0691")
    assert [(each.source, each.model, each.total) for each in report.sources] == [
        ("agent", LARGE, 1000),
        ("researcher", "chat-small", 21_000),
        ("planner", "chat-small", 10_500),
    ]
    assert report.total == 32_500
    assert report.prices_as_of == date(2026, 10, 1)


def test_a_model_without_a_price_is_counted_but_not_priced() -> None:
    """C10: what has no price makes the bill incomplete, and is not taken for free."""
    meter = UsageMeter("house-model", TRANSCRIBE)
    meter.observe(TURN)
    meter.transcribed(seconds=60)
    report = meter.report()
    assert report.input_text == 1500
    assert report.cost_usd == Decimal("0.0045")
    assert not report.is_complete
    assert report.notes == ("house-model: the price is not known",)
    assert costs(report)["audio_output"] is None


def test_a_kind_without_a_price_is_named() -> None:
    text_only = ModelPrice(text=TokenRates(input=Decimal(1)), as_of=date(2026, 10, 1), source="my contract")
    meter = UsageMeter("house-model", prices=PRICES.replaced({"house-model": text_only}))
    meter.observe(UsageEvent(input_text=1000, cached_text=400, input_audio=5, output_text=1))
    report = meter.report()
    # Without a price of their own, cached tokens cost what others do.
    assert report.cost_usd == Decimal("0.001")
    assert report.notes == (
        "house-model: the price of text output is not known",
        "house-model: the price of audio input is not known",
    )


def test_more_cached_than_received_is_never_a_rebate() -> None:
    meter = UsageMeter(LARGE)
    meter.observe(UsageEvent(input_text=100, input_audio=900, cached_text=500))
    report = meter.report()
    assert costs(report) == {"text_cached": Decimal("0.00004"), "audio_input": Decimal("0.0288")}
    assert not report.is_complete
    assert "more cached tokens" in report.notes[0]


def test_a_session_that_goes_on_with_another_model_has_both_on_its_bill() -> None:
    meter = UsageMeter(LARGE)
    meter.observe(UsageEvent(output_text=1_000_000))
    meter.model = MINI
    meter.observe(UsageEvent(output_text=1_000_000))
    report = meter.report()
    assert [(each.model, each.output_text) for each in report.sources] == [(LARGE, 1_000_000), (MINI, 1_000_000)]
    assert report.cost_usd == Decimal("26.40")


def test_the_report_survives_json() -> None:
    meter = UsageMeter(LARGE, TRANSCRIBE)
    meter.observe(TURN)
    meter.transcribed(seconds=12.5)
    report = meter.report()
    assert report.model_dump(mode="json")["cost_usd"] == 0.0487125
    assert UsageReport.model_validate_json(report.model_dump_json()) == report
