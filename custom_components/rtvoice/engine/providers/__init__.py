"""Vendors of realtime speech-to-speech sessions."""

from .openai.azure import AzureOpenAIProvider
from .openai.http import redirect_guard
from .openai.provider import CompatibleProvider, OpenAIProvider

__all__ = ["AzureOpenAIProvider", "CompatibleProvider", "OpenAIProvider", "redirect_guard"]
