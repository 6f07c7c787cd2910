"""What a session leaves behind."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from .errors import EndReason
from .usage import UsageReport


class ConversationTurn(BaseModel):
    """What one party said, as far as it was heard."""

    model_config = ConfigDict(frozen=True)

    role: Literal["user", "assistant"]
    transcript: str
    """What was heard; empty where it was not written down."""
    interrupted: bool = False
    started_at: datetime | None = None
    item_id: str = ""


class AgentResult(BaseModel):
    """What came of a session."""

    model_config = ConfigDict(frozen=True)

    turns: list[ConversationTurn]
    recording_path: Path | None = None
    """The recording, if there is one."""
    duration_seconds: float = 0.0
    usage: UsageReport = UsageReport()
    end_reason: EndReason = EndReason.STOPPED
