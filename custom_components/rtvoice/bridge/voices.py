"""The voices that are offered."""

from collections.abc import Mapping
from typing import Any, Final

from yarl import URL

from ..const import CONF_BASE_URL, CONF_DIALECT, DIALECT_XAI
from ..engine.options import AssistantVoice

_BEST = (AssistantVoice.MARIN, AssistantVoice.CEDAR)
_WITHOUT_REALTIME = {AssistantVoice.FABLE, AssistantVoice.ONYX, AssistantVoice.NOVA}

VOICES: Final = tuple(
    dict.fromkeys(voice.value for voice in (*_BEST, *AssistantVoice) if voice not in _WITHOUT_REALTIME)
)
"""OpenAI's, the best ones first."""
XAI_VOICES: Final = ("eve", "ara", "leo", "rex", "sal")

_XAI_HOST: Final = "api.x.ai"


def voices_of(account: Mapping[str, Any]) -> tuple[str, ...]:
    """The voices that an account is known to have. No provider lists them, and servers of one's own may have others."""
    is_xais = account.get(CONF_DIALECT) == DIALECT_XAI or URL(account.get(CONF_BASE_URL) or "").host == _XAI_HOST
    return XAI_VOICES if is_xais else VOICES
