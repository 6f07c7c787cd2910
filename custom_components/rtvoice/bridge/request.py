"""What is wanted of a session."""

from dataclasses import dataclass

from homeassistant.core import Context

from ..engine import ConversationTurn, Cues, Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """How a session begins, and what of the agent's options it changes."""

    context: Context
    message: str | None = None
    """The agent says this first, in these words."""
    prompt: str | None = None
    """The agent opens in its own words, following this."""
    instructions: str = ""
    """Added to the agent's own."""
    voice: str | None = None
    speech_speed: float | None = None
    inactivity_timeout_s: float | None = None
    record: bool | None = None
    """Whether to record the session; None: as the agent is set."""
    tools: Tools | None = None
    """Offered in place of the agent's own."""
    history: tuple[ConversationTurn, ...] = ()
    """What was said before, elsewhere."""
    cues: Cues | None = None
    """Sounds that tell what the session does."""
    listens: bool = True
    """False: the session says its message, hears nothing, and ends."""
