"""How long a provider wants to be left alone."""

import pytest

from custom_components.rtvoice.engine.conversation import facts
from custom_components.rtvoice.engine.providers.openai.codec import Decoder
from custom_components.rtvoice.engine.providers.openai.waiting import retry_after, wait_in


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Rate limit reached for gpt-realtime on requests per min. Please try again in 1.5s. Visit …", 1.5),
        ("Please try again in 20ms.", 0.02),
        ("Please try again in 6m0s", 360),
        ("Please try again in 1h2m3.5s.", 3723.5),
        ("Try again in 26 seconds.", 26),
        ("Please retry after 1 second", 1),
        ("please retry in 2 minutes 5 secs, thank you", 125),
        ("Please retry after 250 milliseconds", 0.25),
        ("Please retry after 2 hours", 7200),
        ("Please try again later", None),
        ("Please try again in a while", None),
        ("Please try again in 5 moons", None),
        ("Limit: 200 / min. Used 30s", None),
        ("", None),
    ],
)
def test_words(message, seconds) -> None:
    assert wait_in(message) == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "17", "retry-after-ms": "16500"}, 16.5),
        ({"Retry-After": "17", "retry-after-ms": "soon"}, 17),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "²"}, None),
        ({}, None),
    ],
)
def test_headers(headers, seconds) -> None:
    assert retry_after(headers) == seconds


def limit(name: str, remaining: int | None, reset_seconds: float) -> dict:
    left = {} if remaining is None else {"remaining": remaining}
    return {"name": name, "limit": 100, "reset_seconds": reset_seconds, **left}


def failed(code: str = "rate_limit_exceeded", message: str = "Slow down") -> dict:
    error = {"type": "x", "code": code, "message": message}
    details = {"type": "failed", "error": error}
    return {"type": "response.done", "response": {"id": "resp_1", "status": "failed", "status_details": details}}


@pytest.mark.parametrize(
    ("limits", "message", "seconds"),
    [
        ([limit("requests", 0, 12.5), limit("tokens", 40, 60)], "Slow down", 12.5),
        ([limit("requests", 0, 12.5), limit("tokens", 0, 60)], "Slow down", 60),
        ([limit("requests", 3, 12.5), limit("tokens", 40, 0.5)], "Slow down", 12.5),
        ([limit("requests", None, 12.5)], "Slow down", 12.5),
        ([limit("requests", 0, 12.5)], "Please try again in 2s", 2),
        ([limit("requests", 0, 0)], "Slow down", None),
        ([limit("requests", 0, float("nan"))], "Slow down", None),
        ([], "Slow down", None),
        (None, "Slow down", None),
        (None, "Please try again in 2s", 2),
    ],
)
@pytest.mark.parametrize("code", ["rate_limit_exceeded", "inference_rate_limit_exceeded"])
def test_a_response_that_failed_for_a_limit_says_how_long_to_wait(code, limits, message, seconds) -> None:
    decoder = Decoder()
    assert decoder.decode({"type": "rate_limits.updated", "rate_limits": limits}) is None
    fact = decoder.decode(failed(code, message))
    assert isinstance(fact, facts.ResponseFinished)
    assert fact.fault.retry_after_s == seconds


def test_the_latest_news_of_limits_count() -> None:
    decoder = Decoder()
    for seconds in (60, 3):
        decoder.decode({"type": "rate_limits.updated", "rate_limits": [limit("requests", 0, seconds)]})
    assert decoder.decode(failed()).fault.retry_after_s == 3


def test_a_request_that_was_refused_for_a_limit_says_it_too() -> None:
    decoder = Decoder()
    decoder.decode({"type": "rate_limits.updated", "rate_limits": [limit("requests", 0, 7)]})
    rejected = decoder.decode({"type": "error", "error": {"code": "rate_limit_exceeded", "message": "Slow down"}})
    assert rejected.fault.retry_after_s == 7


@pytest.mark.parametrize("code", ["server_error", "insufficient_quota", None])
def test_other_failures_say_nothing_of_it(code) -> None:
    decoder = Decoder()
    decoder.decode({"type": "rate_limits.updated", "rate_limits": [limit("requests", 0, 7)]})
    assert decoder.decode(failed(code, "Please try again in 2s")).fault.retry_after_s is None
