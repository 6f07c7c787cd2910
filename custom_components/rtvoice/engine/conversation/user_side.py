"""Facts about what the user does: turns by voice, and the place they take in the conversation."""

from typing import assert_never

from ..events import UserStartedSpeakingEvent, UserStoppedSpeakingEvent
from .effects import Effect, HoldInput, KeepTurn, Publish
from .facts import ItemAdded, ItemDeleted, ItemTruncated, SpeechStarted, SpeechStopped, TurnCommitted
from .parts import Parts
from .values import ItemKind, PlayoutPosition

type TurnFact = SpeechStarted | SpeechStopped | TurnCommitted
type ItemFact = ItemAdded | ItemTruncated | ItemDeleted

_MESSAGES = (ItemKind.USER_MESSAGE, ItemKind.AGENT_MESSAGE)


def on_turn(parts: Parts, fact: TurnFact, position: PlayoutPosition, now_s: float) -> list[Effect]:
    """The provider hears the user begin and end."""
    match fact:
        case SpeechStarted():
            effects = parts.interrupt(position, now_s, cancel=not parts.settings.capabilities.interrupts_by_itself)
            effects += parts.tools.cancel_interruptible()
            return [*effects, *parts.turns.started(), HoldInput(), Publish(UserStartedSpeakingEvent())]
        case SpeechStopped():
            effects = parts.turns.stopped(now_s - fact.ended_ago_s, now_s)
            return [*effects, Publish(UserStoppedSpeakingEvent())]
        case TurnCommitted():
            parts.items.ensure(fact.item_id, ItemKind.USER_MESSAGE, now_s, fact.previous_item_id)
            return [KeepTurn(fact.item_id, parts.turns.silent_for_s(now_s))]
    assert_never(fact)


def on_item(parts: Parts, fact: ItemFact, now_s: float) -> list[Effect]:
    """Items take their place; what we cut or deleted ourselves is known already."""
    match fact:
        case ItemAdded():
            if fact.kind in _MESSAGES:
                item = parts.items.ensure(fact.item_id, fact.kind, now_s, fact.previous_item_id)
                item.text = item.text or fact.text
        case ItemTruncated():
            pass
        case ItemDeleted():
            parts.items.retract(fact.item_id)
        case _:
            assert_never(fact)
    return []
