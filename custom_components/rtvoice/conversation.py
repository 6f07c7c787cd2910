"""The conversation entity of an agent: typed text, answered in writing, and what it has heard, answered aloud."""

from collections.abc import AsyncGenerator
from dataclasses import replace
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
)
from homeassistant.const import CONF_LLM_HASS_API, MATCH_ALL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import intent, llm
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bridge.assist.caller import Caller
from .bridge.assist.turn import PADDING
from .bridge.budget import async_check_budget
from .bridge.compose import async_brief
from .bridge.deltas import Delta
from .bridge.errors import engine_errors, failed
from .bridge.history import history_of
from .bridge.parties import Agent
from .bridge.prompt import Occasion
from .bridge.runtime import RtvoiceConfigEntry, Runtime
from .bridge.typed import TypedTurn
from .const import DOMAIN
from .entity import PartyEntity, async_add_to_agents

PARALLEL_UPDATES = 0


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
        claimed = self.runtime.exchanges.claim(self._agent, user_input, chat_log.conversation_id)
        if claimed is None:
            await self._async_answer_in_writing(user_input, chat_log)
            return
        exchange, turn = claimed
        _begin(chat_log, exchange.instructions, exchange.api)
        answer = exchange.async_answer(turn, user_input.extra_system_prompt or "")
        try:
            answered = await self._async_tell(chat_log, answer)
        finally:
            exchange.async_remember(chat_log)
        if not answered:
            raise failed(turn.last_error or "no answer")

    async def _async_answer_in_writing(self, user_input: ConversationInput, chat_log: ChatLog) -> None:
        async_check_budget(self._agent, self.runtime.ledger)
        occasion = Occasion(
            user_input.as_llm_context(DOMAIN),
            # From a satellite the text was spoken, and the answer will be.
            spoken=user_input.satellite_id is not None,
            conversation_id=chat_log.conversation_id,
            extra=user_input.extra_system_prompt or "",
        )
        briefing = await async_brief(self.hass, self._agent, occasion)
        _begin(chat_log, briefing.instructions, briefing.toolbox.api)
        history = list(history_of(chat_log.content[:-1]))
        caller = Caller.of(user_input)
        provider, ledger = self.runtime.provider, self.runtime.ledger
        turn = TypedTurn(self.hass, provider, self._agent, briefing, history, caller=caller, ledger=ledger)
        if not await self._async_tell(chat_log, turn.async_stream(user_input.text)):
            raise failed(turn.last_error or "no answer")

    async def _async_tell(self, chat_log: ChatLog, answer: AsyncGenerator[Delta]) -> bool:
        """Let the chat log know an answer; whether it ends in words."""
        answered = False
        try:
            async for content in chat_log.async_add_delta_content_stream(self.entity_id, answer):
                answered = isinstance(content, AssistantContent) and bool(content.content and content.content.strip())
        finally:
            await answer.aclose()
            _clean(chat_log)
        return answered


def _begin(chat_log: ChatLog, instructions: str, api: llm.APIInstance | None) -> None:
    """Show in the chat log what the agent is told, and remember where this turn's content begins."""
    chat_log.llm_api = api
    chat_log.llm_input_provided_index = len(chat_log.content)
    chat_log.content[0] = SystemContent(content=instructions)
    chat_log.async_trace({"messages": list(chat_log.content), "tools": api.tools if api else None})


def _clean(chat_log: ChatLog) -> None:
    """Take out what made satellites begin to play, which is no part of what was said."""
    start = chat_log.llm_input_provided_index
    for index, content in enumerate(chat_log.content[start:], start):
        if isinstance(content, AssistantContent) and content.content and content.content.startswith(PADDING):
            chat_log.content[index] = replace(content, content=content.content.strip())
