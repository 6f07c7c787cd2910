"""The words of both parties, as they become known."""

from typing import assert_never

from ..events import (
    AssistantTranscriptChunkReceivedEvent,
    AssistantTranscriptCompletedEvent,
    AssistantTranscriptDeltaEvent,
    TranscriptionUsageEvent,
    UserTranscriptChunkReceivedEvent,
    UserTranscriptCompletedEvent,
    UserTranscriptFailedEvent,
)
from .effects import DropTurn, Effect, Publish
from .facts import (
    TranscriptDelta,
    TranscriptFinished,
    UserTranscriptDelta,
    UserTranscriptFailed,
    UserTranscriptFinished,
)
from .items import Item, Items
from .values import ItemKind

type UserWords = UserTranscriptDelta | UserTranscriptFinished | UserTranscriptFailed


def agent_words(
    items: Items, fact: TranscriptDelta | TranscriptFinished, item: Item, *, silenced: bool
) -> list[Effect]:
    """Take note of what the agent says; what comes after an interruption is not told to observers."""
    match fact:
        case TranscriptDelta():
            items.append_text(item, fact.content_index, fact.text)
            return [] if silenced else _delta(fact)
        case TranscriptFinished():
            items.finish_text(item, fact.content_index, fact.text)
            return [] if silenced else [_completed(fact, item)]
    assert_never(fact)


def user_words(items: Items, fact: UserWords, now_s: float) -> list[Effect]:
    """Take note of what the user said, whenever that is known."""
    item = items.ensure(fact.item_id, ItemKind.USER_MESSAGE, now_s)
    match fact:
        case UserTranscriptDelta():
            items.append_text(item, 0, fact.text)
            return [Publish(UserTranscriptChunkReceivedEvent(fact.text, fact.item_id))]
        case UserTranscriptFinished():
            items.finish_text(item, 0, fact.text.strip())
            told: list[Effect] = [Publish(UserTranscriptCompletedEvent(item.text, fact.item_id))] if item.text else []
            return [DropTurn(fact.item_id), *told, Publish(_usage(fact))]
        case UserTranscriptFailed():
            return [Publish(UserTranscriptFailedEvent(fact.item_id, fact.fault.message))]
    assert_never(fact)


def _usage(fact: UserTranscriptFinished) -> TranscriptionUsageEvent:
    used = fact.usage
    return TranscriptionUsageEvent(fact.item_id, fact.seconds, used.input.text, used.input.audio, used.output.text)


def _delta(fact: TranscriptDelta) -> list[Effect]:
    effects: list[Effect] = [
        Publish(AssistantTranscriptDeltaEvent(fact.text, fact.item_id, fact.output_index, fact.content_index))
    ]
    if not fact.spoken:
        effects.append(Publish(AssistantTranscriptChunkReceivedEvent(fact.text, fact.item_id)))
    return effects


def _completed(fact: TranscriptFinished, item: Item) -> Publish:
    text = fact.text or item.text
    return Publish(AssistantTranscriptCompletedEvent(text, fact.item_id, fact.output_index, fact.content_index))
