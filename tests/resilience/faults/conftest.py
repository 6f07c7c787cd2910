"""Time that is short enough for tests."""

import pytest

from custom_components.rtvoice.engine.conversation import conversation, responses, turns
from custom_components.rtvoice.engine.session import session, supervisor

WATCHDOG_S = 3.0
"""In place of 10 to 300 seconds, where it is about what watchdogs do."""
DEVICE_STOP_S = 1.0
"""In place of 5 seconds."""


def shorten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have reconnections, and devices that do not close, not take as long as they may."""
    monkeypatch.setattr(supervisor, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(supervisor, "RATE_LIMIT_WAIT_S", 0.2)
    monkeypatch.setattr(session, "DEVICE_STOP_S", DEVICE_STOP_S)


def alert(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have watchdogs not take as long either. What is slow for another reason must not be tried with that."""
    monkeypatch.setattr(turns, "TURN_ANSWER_S", WATCHDOG_S)
    monkeypatch.setattr(turns, "USER_SPEECH_S", WATCHDOG_S)
    monkeypatch.setattr(responses, "RESPONSE_REQUEST_S", WATCHDOG_S)
    monkeypatch.setattr(responses, "RESPONSE_PROGRESS_S", WATCHDOG_S)
    monkeypatch.setattr(conversation, "RESPONSE_PROGRESS_S", WATCHDOG_S)


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that waits does so briefly."""
    shorten(monkeypatch)
