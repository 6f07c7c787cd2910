"""Vendors of realtime speech-to-speech sessions."""

from .openai.http import redirect_guard
from .openai.provider import CompatibleProvider, OpenAIProvider

__all__ = ["CompatibleProvider", "OpenAIProvider", "redirect_guard"]
