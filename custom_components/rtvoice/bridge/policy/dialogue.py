"""What was said in a conversation, in order, as far as a policy may rely on it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ...engine import ConversationTurn
from ...engine.events import (
    AgentStoppedEvent,
    SessionEvent,
    TranscriptionUsageEvent,
    UserTranscriptCompletedEvent,
    UserTranscriptFailedEvent,
)

_REMEMBERED: Final = 50
_TYPED: Final = "typed-"
"""How the engine calls messages that were sent to it rather than spoken."""


@dataclass(frozen=True, slots=True)
class Words:
    """What one party said in one turn."""

    key: str
    """Nothing else that was said has it."""
    by_user: bool
    text: str | None
    """None: not written down yet."""


class Dialogue:
    """The turns of one conversation, which may span several sessions.

    Only the user's own turns are the user's: in a spoken session, messages that were sent to the agent are not, since
    automations send them, and tools can start automations.
    """

    def __init__(self) -> None:
        self._past: tuple[Words, ...] = ()
        self._session = 0
        self._typed = False
        self._turns: Callable[[], Sequence[ConversationTurn]] = tuple
        self._earlier = 0
        self._latest: tuple[ConversationTurn, ...] = ()
        self._written: dict[str, str] = {}
        self._heard = False
        self._news = asyncio.Event()

    def follow(self, turns: Callable[[], Sequence[ConversationTurn]], *, typed: bool) -> None:
        """Go on with another session, which has not begun; `typed` where the user writes instead of speaking."""
        self._past = self.words()[-_REMEMBERED:]
        self._session += 1
        self._turns, self._typed, self._latest, self._written = turns, typed, (), {}
        # What is replayed of former sessions was judged there.
        self._earlier = len(turns())

    def receive(self, event: SessionEvent) -> bool:
        """Take in an event of the session; whether a turn of the user is complete now."""
        match event:
            case AgentStoppedEvent():
                # The engine forgets its turns soon.
                self._look()
                return False
            case UserTranscriptCompletedEvent(transcript=text, item_id=item_id):
                self._written[item_id] = text
                self._heard = True
            case UserTranscriptFailedEvent(item_id=item_id) | TranscriptionUsageEvent(item_id=item_id):
                self._written.setdefault(item_id, "")
                # Also where it was noise, somebody has tried to find words in it.
                self._heard = self._heard or isinstance(event, TranscriptionUsageEvent)
            case _:
                return False
        self._news.set()
        return True

    def words(self) -> tuple[Words, ...]:
        """All that was said, in the conversation's order."""
        self._look()
        return (*self._past, *(self._said(turn) for turn in self._latest if self._counts(turn)))

    @property
    def unheard(self) -> bool:
        """Whether the user has spoken, and none of it was written down."""
        return not self._heard and any(words.by_user for words in self.words())

    async def async_wait(self, timeout_s: float) -> bool:
        """Wait until another turn of the user is complete; False if that takes too long."""
        self._news.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _look(self) -> None:
        # All turns are made anew for whoever looks, so only those do who need them. The engine has none any more of a
        # session that has ended.
        self._latest = tuple(self._turns()[self._earlier :]) or self._latest

    def _counts(self, turn: ConversationTurn) -> bool:
        return turn.role == "assistant" or self._typed or not turn.item_id.startswith(_TYPED)

    def _said(self, turn: ConversationTurn) -> Words:
        by_user = turn.role == "user"
        text = self._written.get(turn.item_id) if by_user else turn.transcript
        return Words(f"{self._session}:{turn.item_id}", by_user, text)
