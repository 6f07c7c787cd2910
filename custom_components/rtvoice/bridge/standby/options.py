"""What a satellite is set to be woken by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ...const import CONF_WAKE_CUES, CONF_WAKE_ENGINE, CONF_WAKE_INTERRUPTS, CONF_WAKE_WORD


@dataclass(frozen=True, slots=True)
class WakeOptions:
    """Which wake word there is, and what it does."""

    engine: str
    """The `wake_word` entity that hears it."""
    wake_word_id: str | None
    """None: the engine's own."""
    interrupts: bool
    """Whether it silences the agent."""
    cues: bool
    """Whether sounds tell what becomes of the session that it begins."""

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self | None:
        """From the data of a subentry; None where there is no wake word."""
        if not (engine := data.get(CONF_WAKE_ENGINE)):
            return None
        return cls(
            engine=engine,
            wake_word_id=data.get(CONF_WAKE_WORD) or None,
            interrupts=bool(data.get(CONF_WAKE_INTERRUPTS, True)),
            cues=bool(data.get(CONF_WAKE_CUES, True)),
        )
