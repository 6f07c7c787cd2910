"""A broken link made anew, and a long session moved to a fresh one: nothing said is lost, nothing is said twice."""

from .effects import AddItem, CommitInput, Effect, HoldInput, OpenInput, RecallTurn, RollOver
from .facts import Timer
from .items import Item
from .parts import Parts
from .responses import Purpose, Wanted
from .values import ItemKind, NewItem

ROLLOVER_BEFORE_S = 300.0
"""How long before the provider's limit a session begins to look for a quiet moment to move."""
RETRY_S = 60.0

CONTINUE = (
    "The connection broke while you were speaking. The user has heard everything up to these words: “{heard}”. "
    "Go on from there in mid-sentence, without repeating anything and without mentioning the interruption."
)


class Recovery:
    """What has to be made good once there is a link again."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._cut_off = False
        self._owed = False
        self._due = False
        self._begun = False

    def lost(self, now_s: float) -> list[Effect]:
        """Remember what was going on. What has arrived is still played to its end."""
        parts = self._parts
        self._cut_off = parts.responses.cut_off() or self._cut_off
        self._owed = parts.turns.cut_off(now_s) or self._owed
        parts.floor.forget_withheld()
        return [
            *parts.floor.finish(),
            *parts.remote.cut_off(now_s),
            *parts.responses.watch(now_s),
            *parts.deadlines.disarm(Timer.TURN_ANSWER, Timer.USER_SPEECH, Timer.ROLLOVER, Timer.REMOTE_CALL),
            *parts.inactivity.follow(quiet=False, now_s=now_s),
        ]

    def ready(self, now_s: float) -> list[Effect]:
        """Tell the provider all that it has to know, then let it hear."""
        parts = self._parts
        effects: list[Effect] = [AddItem(item) for item in self._earlier(now_s)]
        if self._begun:
            for item in parts.items.told():
                effects += _retold(item)
            effects += parts.tools.recall()
            self._make_good()
        self._begun = True
        self._due = False
        rollover_s = max(1.0, parts.settings.capabilities.session_s - ROLLOVER_BEFORE_S)
        return [*effects, *self._open(), *parts.deadlines.arm(Timer.ROLLOVER, rollover_s, now_s)]

    def roll_over_soon(self) -> None:
        """Move to a fresh link at the next quiet moment."""
        self._due = True

    def settle(self) -> list[Effect]:
        """Move, if it is time to and quiet."""
        if not (self._due and self._parts.quiet):
            return []
        self._due = False
        return [RollOver()]

    def _open(self) -> list[Effect]:
        """Let the provider hear, also what it had not made a turn of when the link broke."""
        parts = self._parts
        if not parts.settings.push_to_talk:
            return [OpenInput()]
        return [OpenInput(), HoldInput(), *([CommitInput()] if parts.turns.take_untaken() else [])]

    def _earlier(self, now_s: float) -> tuple[NewItem, ...]:
        """What was said before this session."""
        history = self._parts.settings.history
        for item in history:
            if item.item_id is not None:
                self._parts.items.ensure(item.item_id, item.kind, now_s).earlier = True
        return history

    def _make_good(self) -> None:
        """Ask for the answer that was cut off or is owed."""
        parts = self._parts
        last = parts.items.messages()[-1:]
        if self._cut_off and last and last[0].kind is ItemKind.AGENT_MESSAGE and last[0].received_text:
            instructions = parts.instructed(CONTINUE.format(heard=last[0].received_text))
            parts.responses.want_first(Wanted(Purpose.ASKED, instructions))
        elif self._cut_off or self._owed:
            parts.responses.want_first(Wanted(Purpose.TURN))
        self._cut_off = self._owed = False


def _retold(item: Item) -> list[Effect]:
    item.replayed = True
    item.compacted = False
    text = item.received_text
    if text:
        return [AddItem(NewItem(item.kind, text, item_id=item.item_id))]
    return [RecallTurn(item.item_id)] if item.kind is ItemKind.USER_MESSAGE else []
