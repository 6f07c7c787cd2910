"""When OpenAI will shut down models that people still use."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from ..const import CONF_MODEL, CONF_PROVIDER, CONF_TRANSCRIPTION_MODEL, PROVIDER_OPENAI

# From OpenAI's page on deprecations; dated snapshots go with their model.
_SHUTDOWNS: Final = (
    (re.compile(r"gpt-realtime(-mini)?(-\d{4}-\d{2}-\d{2})?"), date(2027, 1, 20)),
    (
        re.compile(r"whisper-1|gpt-4o-(mini-)?transcribe(-\d{4}-\d{2}-\d{2})?|gpt-4o-transcribe-diarize"),
        date(2027, 2, 26),
    ),
)


def shutdown_date(model: str) -> date | None:
    """The day on which OpenAI shuts a model down; None if no day is known."""
    return next((day for pattern, day in _SHUTDOWNS if pattern.fullmatch(model)), None)


def retiring_models(account: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, date]:
    """Of an agent's models those that will be shut down, with the day, the nearest first.

    Only those of OpenAI itself: Azure has dates of its own, and other servers use these names for their own models.
    """
    if account[CONF_PROVIDER] != PROVIDER_OPENAI:
        return {}
    models = filter(None, (options.get(CONF_MODEL), options.get(CONF_TRANSCRIPTION_MODEL)))
    known = {model: day for model in models if (day := shutdown_date(model)) is not None}
    return dict(sorted(known.items(), key=lambda item: item[1]))
