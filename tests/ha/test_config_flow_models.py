"""Which models are offered, and in which order."""

import pytest

from custom_components.rtvoice.flows.models import PREFERRED, realtime_models


def test_the_cheap_reasoning_model_leads_and_retiring_ones_come_last() -> None:
    assert realtime_models(
        (
            "gpt-realtime",
            "gpt-realtime-2025-08-28",
            "gpt-realtime-mini-2025-12-15",
            "gpt-4o-realtime-preview",
            "gpt-realtime-3",
            "gpt-realtime-2.1",
            "gpt-realtime-2.1-mini",
            "gpt-realtime-2.1-mini",
        )
    ) == (
        "gpt-realtime-2.1-mini",
        "gpt-realtime-2.1",
        "gpt-realtime-3",
        "gpt-realtime",
        "gpt-realtime-2025-08-28",
        "gpt-realtime-mini-2025-12-15",
        "gpt-4o-realtime-preview",
    )


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gpt-realtime-whisper", "gpt-realtime-translate", "realtime-transcribe", "whisper-1", ""]
)
def test_models_for_other_purposes_are_left_out(model: str) -> None:
    assert realtime_models((model,)) == ()


def test_models_of_other_vendors_are_recognised_in_any_case() -> None:
    assert realtime_models(("Qwen3-Omni-Flash-Realtime", "llama")) == ("Qwen3-Omni-Flash-Realtime",)


def test_the_preferred_models_are_realtime_models() -> None:
    assert realtime_models(reversed(PREFERRED)) == PREFERRED
