"""The bill of a session."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer

type Exact = Annotated[Decimal, PlainSerializer(float, when_used="json")]
"""Exact in Python; in JSON a number, as those who read it expect."""


class UsageKind(StrEnum):
    """What is paid for. Tokens that were cached are no input here: each token is in one kind only."""

    TEXT_INPUT = "text_input"
    TEXT_CACHED = "text_cached"
    TEXT_OUTPUT = "text_output"
    AUDIO_INPUT = "audio_input"
    AUDIO_CACHED = "audio_cached"
    AUDIO_OUTPUT = "audio_output"
    IMAGE_INPUT = "image_input"
    IMAGE_CACHED = "image_cached"
    IMAGE_OUTPUT = "image_output"
    SECONDS = "seconds"
    """Seconds of audio that were written down; their rate is per minute."""


class TokenTotals(BaseModel):
    """Tokens by kind; `cached_*` are part of `input_*`."""

    model_config = ConfigDict(frozen=True)

    input_text: int = 0
    input_audio: int = 0
    input_image: int = 0
    cached_text: int = 0
    cached_audio: int = 0
    cached_image: int = 0
    output_text: int = 0
    output_audio: int = 0

    @property
    def total(self) -> int:
        """All tokens in and out."""
        return self.input_text + self.input_audio + self.input_image + self.output_text + self.output_audio


class SourceUsage(TokenTotals):
    """What one consumer used of one model: the agent, its transcription, or a subagent."""

    source: str
    model: str
    seconds: Exact = Decimal(0)
    """Seconds of audio that were written down, where the provider counts them."""


class LineItem(BaseModel):
    """One line of the bill."""

    model_config = ConfigDict(frozen=True)

    source: str
    model: str
    kind: UsageKind
    quantity: Exact
    """Tokens or seconds."""
    rate_usd: Exact | None
    """Per million tokens, or per minute; None where the price is not known."""
    cost_usd: Exact | None


class UsageReport(TokenTotals):
    """What a session used and what that costs; the tokens are those of all sources together."""

    sources: tuple[SourceUsage, ...] = ()
    items: tuple[LineItem, ...] = ()
    cost_usd: Exact = Decimal(0)
    """The sum of all lines whose price is known, not rounded."""
    is_complete: bool = True
    """Whether every line has a price and none was estimated; if not, `notes` say what is missing."""
    notes: tuple[str, ...] = ()
    prices_as_of: date | None = None
    """The day of the oldest price used."""

    @property
    def transcription_minutes(self) -> Decimal:
        """Minutes of audio that were written down, where the provider counts them."""
        return sum((source.seconds for source in self.sources), Decimal(0)) / 60
