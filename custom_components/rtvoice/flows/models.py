"""Which of an account's models can hold a spoken conversation."""

import re
from collections.abc import Iterable
from typing import Final

from ..bridge.retirement import shutdown_date
from ..engine.options import RealtimeModel

PREFERRED: Final = (
    RealtimeModel.GPT_REALTIME_2_1_MINI,
    RealtimeModel.GPT_REALTIME_2_1,
    RealtimeModel.GPT_REALTIME_2,
    RealtimeModel.GPT_REALTIME_1_5,
)
"""OpenAI's models, best first: the cheapest that reasons leads."""

# These are gone already.
_PREVIEW = re.compile(r".*-realtime-preview.*")
_OTHER_PURPOSES = ("transcribe", "translate", "whisper")


def realtime_models(models: Iterable[str]) -> tuple[str, ...]:
    """Those that look like speech-to-speech models, best first.

    OpenAI's preferred models lead in the order of PREFERRED, models that will be shut down come last; between them
    the account's own order stands.
    """
    return tuple(sorted(filter(_looks_realtime, dict.fromkeys(models)), key=_rank))


def _looks_realtime(model: str) -> bool:
    name = model.lower()
    return "realtime" in name and not any(purpose in name for purpose in _OTHER_PURPOSES)


def _rank(model: str) -> int:
    if model in PREFERRED:
        return PREFERRED.index(RealtimeModel(model))
    return len(PREFERRED) + bool(shutdown_date(model) or _PREVIEW.fullmatch(model))
