"""What a session leaves behind."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from .errors import EndReason


class ConversationTurn(BaseModel):
    """What one party said, as far as it was heard."""

    model_config = ConfigDict(frozen=True)

    role: Literal["user", "assistant"]
    transcript: str
    """What was heard; empty where it was not written down."""
    interrupted: bool = False
    started_at: datetime | None = None
    item_id: str = ""


class Usage(BaseModel):
    """Tokens of a session by kind; `cached_*` are part of `input_*`."""

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


class AgentResult(BaseModel):
    """What came of a session."""

    model_config = ConfigDict(frozen=True)

    turns: list[ConversationTurn]
    recording_path: Path | None = None
    """The recording, if there is one."""
    duration_seconds: float = 0.0
    usage: Usage = Usage()
    end_reason: EndReason = EndReason.STOPPED
