"""Every code of an error, of a close frame and of HTTP: what it means before, during and at the end of a session."""

import itertools

import pytest

from custom_components.rtvoice.engine.conversation.facts import Rejection
from custom_components.rtvoice.engine.conversation.values import ProviderFault
from custom_components.rtvoice.engine.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    ConnectionLostError,
    QuotaExceededError,
    RateLimitedError,
    SessionExpiredError,
)
from custom_components.rtvoice.engine.providers.openai.faults import (
    PLAIN,
    Redactor,
    ends_account,
    ends_session,
    error_of_close,
    error_of_fault,
    error_of_status,
    fault_of,
    rejection_of,
)

AUTH, QUOTA, CONFIG, LIMIT = AuthenticationError, QuotaExceededError, ConfigurationError, RateLimitedError
FAILED, LOST, EXPIRED = ConnectionFailedError, ConnectionLostError, SessionExpiredError

# code -> error while a session is set up, error that ends one, whether an event alone ends it, whether a failed
# response ends it
CODES = {
    "invalid_api_key": (AUTH, AUTH, True, True),
    "insufficient_permissions": (AUTH, AUTH, True, True),
    "account_deactivated": (AUTH, AUTH, True, True),
    "insufficient_quota": (QUOTA, QUOTA, True, True),
    "credit_balance_exhausted": (QUOTA, QUOTA, True, True),
    "billing_hard_limit_reached": (QUOTA, QUOTA, True, True),
    "missing_model": (CONFIG, CONFIG, True, False),
    "invalid_model": (CONFIG, CONFIG, True, False),
    "model_not_found": (CONFIG, CONFIG, True, False),
    "model_load_error": (CONFIG, CONFIG, True, False),
    "beta_api_shape_disabled": (CONFIG, CONFIG, True, False),
    "DeploymentNotFound": (CONFIG, CONFIG, True, False),
    "OperationNotSupported": (CONFIG, CONFIG, True, False),
    "OpperationNotSupported": (CONFIG, CONFIG, True, False),
    "session_expired": (FAILED, EXPIRED, True, False),
    "rate_limit_exceeded": (LIMIT, LIMIT, False, False),
    "inference_rate_limit_exceeded": (LIMIT, LIMIT, False, False),
    "rate_limit_error": (LIMIT, LIMIT, False, False),
    "session_limit_reached": (LIMIT, LIMIT, False, False),
    "server_error": (FAILED, LOST, False, False),
    "something_new": (FAILED, LOST, False, False),
    None: (FAILED, LOST, False, False),
}

# Errors of one request, which never end a session.
REQUESTS = {
    "conversation_already_has_active_response": Rejection.ALREADY_RESPONDING,
    "response_cancel_not_active": Rejection.NOTHING_TO_CANCEL,
    "input_audio_buffer_commit_empty": Rejection.EMPTY_INPUT,
    "unsupported_content_type": Rejection.ITEM_GONE,
    "item_truncate_invalid_item_id": Rejection.ITEM_GONE,
    "item_retrieve_invalid_item_id": Rejection.ITEM_GONE,
    "item_delete_invalid_item_id": Rejection.ITEM_GONE,
    "item_not_found": Rejection.ITEM_GONE,
    "cannot_update_voice": Rejection.OTHER,
    "unknown_parameter": Rejection.OTHER,
    "invalid_value": Rejection.OTHER,
    "missing_required_parameter": Rejection.OTHER,
    "invalid_type": Rejection.OTHER,
    "invalid_json": Rejection.OTHER,
    "invalid_event": Rejection.OTHER,
}

# The codes of close frames: what they mean alone, while a session is set up and when there is one.
CLOSES = {
    None: (FAILED, LOST),
    1000: (FAILED, LOST),
    1001: (FAILED, LOST),
    1005: (FAILED, LOST),
    1006: (FAILED, LOST),
    1008: (AUTH, LOST),
    1011: (FAILED, LOST),
    1012: (FAILED, LOST),
    1013: (FAILED, LOST),
    1015: (FAILED, LOST),
    3000: (AUTH, AUTH),
    4000: (CONFIG, LOST),
    4004: (CONFIG, LOST),
}

STATUSES = {
    400: CONFIG,
    401: AUTH,
    402: QUOTA,
    403: AUTH,
    404: CONFIG,
    405: CONFIG,
    410: CONFIG,
    418: FAILED,
    426: CONFIG,
    429: LIMIT,
    500: FAILED,
    502: FAILED,
    503: FAILED,
    504: FAILED,
}


def fault(code: str | None) -> ProviderFault:
    return ProviderFault(code, f"About {code}")


@pytest.mark.parametrize("code", CODES)
def test_a_code(code) -> None:
    setting_up, established, ends, ends_by_response = CODES[code]
    assert type(error_of_fault(fault(code), established=False)) is setting_up
    assert type(error_of_fault(fault(code), established=True)) is established
    assert ends_session(fault(code), None) is ends
    assert ends_account(fault(code)) is ends_by_response


@pytest.mark.parametrize("code", [code for code in CODES if code is not None])
def test_a_type_in_the_place_of_a_code(code) -> None:
    told = fault_of({"type": code, "code": None, "message": "Oops"}, PLAIN)
    # Azure's codes are no types.
    assert told.code == (code if code.islower() else None)


@pytest.mark.parametrize("code", REQUESTS)
def test_a_code_of_a_request(code) -> None:
    assert rejection_of(fault(code)) is REQUESTS[code]
    assert not ends_session(fault(code), None)
    assert not ends_account(fault(code))


def test_a_truncation_behind_the_end_is_known_by_its_words() -> None:
    words = ProviderFault("invalid_value", "Audio content of 9250ms is already shorter than 57340ms")
    assert rejection_of(words) is Rejection.ITEM_GONE


@pytest.mark.parametrize("code", ["model_not_found", "invalid_model"])
def test_a_model_that_a_request_names_does_not_end_a_session(code) -> None:
    assert not ends_session(fault(code), "u-1")
    assert not ends_session(ProviderFault(code, "", "session.audio.input.transcription.model"), None)


@pytest.mark.parametrize("code", CLOSES)
def test_a_close_frame(code) -> None:
    for established, kind in zip((False, True), CLOSES[code], strict=True):
        assert type(error_of_close(code, "", None, established=established)) is kind


@pytest.mark.parametrize("close", CLOSES)
def test_a_close_frame_after_an_error(close) -> None:
    """What the error says wins, wherever it says something."""
    for code, (number, established) in itertools.product(CODES, enumerate((False, True))):
        says_nothing = code in (None, "something_new")
        error = error_of_close(close, "", fault(code), established=established)
        assert type(error) is (CLOSES[close] if says_nothing else CODES[code])[number]
        assert f"About {code}" in str(error)


@pytest.mark.parametrize("close", CLOSES)
def test_a_close_frame_that_gives_the_reason_itself(close) -> None:
    for code, (number, established) in itertools.product(filter(None, CODES), enumerate((False, True))):
        error = error_of_close(close, f"invalid_request_error.{code}", None, established=established)
        assert type(error) is (CLOSES[close] if code == "something_new" else CODES[code])[number]


@pytest.mark.parametrize("status", STATUSES)
def test_a_status(status) -> None:
    error = error_of_status(status)
    assert type(error) is STATUSES[status]
    assert str(status) in str(error)


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_status_that_wins_over_the_code(status) -> None:
    for code in CODES:
        no_credit = status == 429 and CODES[code][0] is QUOTA
        error = error_of_status(status, fault(code), retry_after_s=9)
        assert type(error) is (QUOTA if no_credit else STATUSES[status])
        assert str(error) == f"About {code}"
        if status == 429 and not no_credit:
            assert error.retry_after_s == 9


@pytest.mark.parametrize("status", [400, 404, 418, 500, 503])
def test_a_code_that_tells_more_than_the_status(status) -> None:
    for code in CODES:
        says_nothing = code in (None, "something_new")
        told = STATUSES[status] if says_nothing else CODES[code][0]
        assert type(error_of_status(status, fault(code))) is told


def test_how_long_to_wait_is_handed_on() -> None:
    told = fault_of({"code": "rate_limit_exceeded", "message": "Please try again in 3s"}, PLAIN)
    assert told.retry_after_s == 3
    assert error_of_fault(told, established=False).retry_after_s == 3
    assert error_of_close(1013, "", told, established=True).retry_after_s == 3
    assert error_of_status(429, told).retry_after_s == 3
    assert error_of_status(429, told, retry_after_s=5).retry_after_s == 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key sk-proj-abc, ok", "key sk-…, ok"),
        ("Bearer abc.def rest", "Bearer … rest"),
        ("token eyJhbGciOi.eyJhdWQi.c2ln rest", "token eyJ… rest"),
        ("given my-secret.", "given …."),
    ],
)
def test_keys_and_tokens_are_taken_out(text, shown) -> None:
    assert Redactor("my-secret")(text) == shown


def test_keys_are_taken_out_of_all_that_a_fault_says() -> None:
    error = {"type": "x", "code": "about sk-proj-abc", "message": "my-secret", "param": "session.my-secret"}
    assert fault_of(error, Redactor("my-secret")) == ProviderFault("about sk-…", "…", "session.…")
