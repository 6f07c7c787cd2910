"""The conversation entity of an agent: typed text, answered in writing."""

from collections.abc import Iterable
from typing import Literal, override

from homeassistant.components import conversation
from homeassistant.components.conversation import (
    AssistantContent,
    ChatLog,
    ConversationEntity,
    ConversationEntityFeature,
    ConversationInput,
    ConversationResult,
    SystemContent,
    UserContent,
)
from homeassistant.const import CONF_LLM_HASS_API, MATCH_ALL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import intent
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge.budget import async_check_budget
from .bridge.compose import Briefing, async_brief
from .bridge.errors import engine_errors, failed
from .bridge.parties import Agent
from .bridge.prompt import Occasion
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .bridge.typed import TypedTurn
from .const import DOMAIN
from .engine import ConversationTurn
from .entity import PartyEntity, async_add_to_agents

PARALLEL_UPDATES = 0

MAX_HISTORY = 100
"""Entries of the chat log, tool calls and their results included."""


async def async_setup_entry(
    hass: HomeAssistant, entry: RtvoiceConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the conversation entities of all agents."""
    async_add_to_agents(entry, async_add_entities, _conversations)


def _conversations(runtime: Runtime, agent: Agent) -> list[Entity]:
    return [AgentConversation(runtime, agent)]


class AgentConversation(PartyEntity, ConversationEntity):
    """An agent that one can write to, from Assist, automations and pipelines."""

    _attr_supports_streaming = True

    def __init__(self, runtime: Runtime, agent: Agent) -> None:
        super().__init__(runtime, agent)
        self._agent = agent
        if agent.subentry.data.get(CONF_LLM_HASS_API):
            self._attr_supported_features = ConversationEntityFeature.CONTROL

    @property
    @override
    def supported_languages(self) -> list[str] | Literal["*"]:
        """All: the model speaks what it is spoken to in."""
        return MATCH_ALL

    @override
    async def _async_handle_message(self, user_input: ConversationInput, chat_log: ChatLog) -> ConversationResult:
        """Answer a message; what goes wrong is the answer then."""
        try:
            with engine_errors():
                await self._async_answer(user_input, chat_log)
        except HomeAssistantError as err:
            response = intent.IntentResponse(language=user_input.language)
            response.async_set_error(intent.IntentResponseErrorCode.UNKNOWN, str(err))
            return ConversationResult(response, chat_log.conversation_id)
        return conversation.async_get_result_from_chat_log(user_input, chat_log)

    async def _async_answer(self, user_input: ConversationInput, chat_log: ChatLog) -> None:
        async_check_budget(self._agent, self.runtime.ledger)
        occasion = Occasion(
            user_input.as_llm_context(DOMAIN),
            # From a satellite the text was spoken, and the answer will be.
            spoken=user_input.satellite_id is not None,
            conversation_id=chat_log.conversation_id,
            extra=user_input.extra_system_prompt or "",
        )
        briefing = await async_brief(self.hass, self._agent, occasion)
        _note(chat_log, briefing)
        history = list(_history(chat_log))
        turn = TypedTurn(self.hass, self.runtime.provider, self._agent, briefing, history, ledger=self.runtime.ledger)
        stream = turn.async_stream(user_input.text)
        answered = False
        async for content in chat_log.async_add_delta_content_stream(self.entity_id, stream):
            answered = isinstance(content, AssistantContent) and bool(content.content)
        if not answered:
            raise failed(turn.last_error or "no answer")


def _note(chat_log: ChatLog, briefing: Briefing) -> None:
    """Show in the chat log what the agent is told, and remember where this turn's content begins."""
    api = briefing.toolbox.api
    chat_log.llm_api = api
    chat_log.llm_input_provided_index = len(chat_log.content)
    chat_log.content[0] = SystemContent(content=briefing.instructions)
    chat_log.async_trace({"messages": list(chat_log.content), "tools": api.tools if api else None})


def _history(chat_log: ChatLog) -> Iterable[ConversationTurn]:
    """What was said before the message that is to be answered now, as far back as it is worth replaying."""
    for content in chat_log.content[:-1][-MAX_HISTORY:]:
        if isinstance(content, UserContent):
            yield ConversationTurn(role="user", transcript=content.content)
        elif isinstance(content, AssistantContent) and content.content:
            yield ConversationTurn(role="assistant", transcript=content.content)
