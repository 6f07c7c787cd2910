"""The voices that are offered."""

from typing import Final

from ..engine.options import AssistantVoice

_BEST = (AssistantVoice.MARIN, AssistantVoice.CEDAR)
_WITHOUT_REALTIME = {AssistantVoice.FABLE, AssistantVoice.ONYX, AssistantVoice.NOVA}

VOICES: Final = tuple(
    dict.fromkeys(voice.value for voice in (*_BEST, *AssistantVoice) if voice not in _WITHOUT_REALTIME)
)
"""OpenAI's, the best ones first."""
