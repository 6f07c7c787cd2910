"""Facts about what the user does: turns by voice, and the place they take in the conversation."""

from typing import assert_never

from ..events import UserStartedSpeakingEvent, UserStoppedSpeakingEvent
from .effects import DeleteItem, Effect, HoldInput, KeepTurn, MarkSpeechEnd, Publish
from .facts import (
    ItemAdded,
    ItemDeleted,
    ItemTruncated,
    SpeechStarted,
    SpeechStopped,
    TurnCommitted,
    UserTranscriptFinished,
)
from .interruption import GO_ON
from .items import Item
from .parts import Parts
from .responses import Purpose, Wanted
from .values import ItemKind, PlayoutPosition
from .words import UserWords, user_words

type TurnFact = SpeechStarted | SpeechStopped | TurnCommitted
type ItemFact = ItemAdded | ItemTruncated | ItemDeleted

_MESSAGES = (ItemKind.USER_MESSAGE, ItemKind.AGENT_MESSAGE)


def on_turn(parts: Parts, fact: TurnFact, position: PlayoutPosition, now_s: float) -> list[Effect]:
    """The provider hears the user begin and end."""
    match fact:
        case SpeechStarted():
            parts.floor.last_cut = None
            effects = parts.interrupt(position, now_s, cancel=not parts.settings.capabilities.interrupts_by_itself)
            parts.interruption.by_speech(fact.item_id, parts.floor.last_cut)
            effects += parts.tools.cancel_interruptible()
            return [*effects, *parts.turns.started(now_s), HoldInput(), Publish(UserStartedSpeakingEvent())]
        case SpeechStopped():
            effects = parts.turns.stopped(now_s - fact.ended_ago_s, now_s, answers=parts.settings.answers_turns)
            return [MarkSpeechEnd(fact.ended_ago_s), *effects, Publish(UserStoppedSpeakingEvent())]
        case TurnCommitted():
            parts.items.ensure(fact.item_id, ItemKind.USER_MESSAGE, now_s, fact.previous_item_id)
            parts.turns.taken()
            # Nobody tells when the next turn begins that the user ends: it is all that is heard from now on.
            hold: list[Effect] = [HoldInput()] if parts.settings.push_to_talk else []
            return [KeepTurn(fact.item_id), *hold]
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


def on_user_words(parts: Parts, fact: UserWords, now_s: float) -> list[Effect]:
    """What the user said is known; if it was nothing, the agent goes on with what it was saying."""
    effects = user_words(parts.items, fact, now_s)
    cut = parts.interruption.words(fact.item_id, fact.text) if isinstance(fact, UserTranscriptFinished) else None
    if cut is not None and not parts.floor.busy:
        effects += _go_on(parts, cut, fact.item_id)
    return effects


def _go_on(parts: Parts, cut: Item, noise_item_id: str) -> list[Effect]:
    """Forget the noise and its answer, and have the agent go on."""
    parts.items.retract(noise_item_id)
    effects: list[Effect] = [DeleteItem(noise_item_id)] if parts.settings.capabilities.deletes else []
    if parts.turns.awaiting_answer:
        parts.interruption.discard_answer()
    elif parts.responses.active is not None and not parts.responses.is_silenced(parts.responses.active):
        effects += parts.responses.cancel(parts.responses.active)
    instructions = parts.instructed(GO_ON.format(heard=cut.heard_text)) if cut.heard_text else None
    parts.responses.want_first(Wanted(Purpose.TURN, instructions))
    return effects
