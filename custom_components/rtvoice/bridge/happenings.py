"""What triggers hear of sessions."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from homeassistant.core import Context
from homeassistant.util.signal_type import SignalType

from ..const import DOMAIN
from .parties import Agent
from .venue import Venue


class HappeningType(StrEnum):
    """What can trigger an automation."""

    SESSION_STARTED = "session_started"
    SESSION_ENDED = "session_ended"
    USER_STARTED_SPEAKING = "user_started_speaking"
    ASSISTANT_STARTED_SPEAKING = "assistant_started_speaking"
    USER_SAID = "user_said"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened in a session."""

    type: HappeningType
    session_id: str
    agent: Agent
    venue: Venue
    context: Context
    text: str | None = None
    """What the user said, or why the session ended."""


SIGNAL_HAPPENING: Final[SignalType[Happening]] = SignalType(f"{DOMAIN}_happening")
"""Sent once for each, whoever takes part."""
