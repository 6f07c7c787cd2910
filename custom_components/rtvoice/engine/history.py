"""The conversation so far, for tools and subagents that want to know it."""

from collections.abc import Callable

from .results import ConversationTurn


class ConversationHistory:
    """A view of what was said; always up to date."""

    def __init__(self, turns: Callable[[], tuple[ConversationTurn, ...]]) -> None:
        self._turns = turns

    @property
    def turns(self) -> tuple[ConversationTurn, ...]:
        """What was said, as far as it was heard."""
        return self._turns()

    def format(self) -> str:
        """Return one line a turn: `[USER]: …` or `[ASSISTANT]: …`."""
        lines = [
            f"[{turn.role.upper()}]: {turn.transcript}{' <INTERRUPTED>' if turn.interrupted else ''}"
            for turn in self.turns
        ]
        return "\n".join(lines) or "(no conversation yet)"
