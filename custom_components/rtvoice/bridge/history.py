"""What a chat log remembers of a conversation, as the engine takes it."""

from collections.abc import Iterable, Sequence
from typing import Final

from homeassistant.components.conversation import AssistantContent, ChatLog, UserContent
from homeassistant.components.conversation.chat_log import DATA_CHAT_LOGS, Content
from homeassistant.core import HomeAssistant, callback

from ..engine import ConversationTurn

MAX_HISTORY: Final = 100
"""Entries of the chat log, tool calls and their results included."""


def history_of(content: Sequence[Content]) -> Iterable[ConversationTurn]:
    """What was said, as far back as it is worth replaying."""
    for entry in content[-MAX_HISTORY:]:
        if isinstance(entry, UserContent):
            yield ConversationTurn(role="user", transcript=entry.content)
        elif isinstance(entry, AssistantContent) and entry.content:
            yield ConversationTurn(role="assistant", transcript=entry.content)


@callback
def async_chat_log(hass: HomeAssistant, conversation_id: str) -> ChatLog | None:
    """The log of a conversation, if anything was said in it; to read, not to write in."""
    return hass.data.get(DATA_CHAT_LOGS, {}).get(conversation_id)
