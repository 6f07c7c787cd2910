"""Subagents: agents that work in text on what a voice agent gives them, each with a chat model of its own."""

from .chat import ChatAnswer, ChatMessage, ChatModel, ModelMessage, SystemMessage, ToolMessage, UserMessage
from .liaison import Liaison
from .openai_chat import OpenAIChatModel
from .results import Checkpoint, SubAgentResult, SubAgentStatus
from .subagent import SubAgent
from .tools import SubAgentTools

__all__ = [
    "ChatAnswer",
    "ChatMessage",
    "ChatModel",
    "Checkpoint",
    "Liaison",
    "ModelMessage",
    "OpenAIChatModel",
    "SubAgent",
    "SubAgentResult",
    "SubAgentStatus",
    "SubAgentTools",
    "SystemMessage",
    "ToolMessage",
    "UserMessage",
]
