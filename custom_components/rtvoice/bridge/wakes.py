"""Somebody has said a wake word: who answers, when several satellites have heard it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from homeassistant.components.wake_word import WakeWord
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN

SAME_WORDS_S: Final = 2.0
"""Satellites that hear the same words wake within this time of each other."""

type Woken = Callable[[str | None], bool]
"""Told by a place with the name of the wake word, where it has one; whether it is answered here and not elsewhere.

Raises HomeAssistantError with the reason if it cannot be answered.
"""

type Interrupt = Callable[[str | None, float | None], Awaitable[None]]
"""Silences the agent that speaks at a place: told with the wake word, and since how many seconds the user has spoken.

Raises HomeAssistantError if that is too late.
"""


@dataclass(frozen=True, slots=True)
class WakeWords:
    """The wake words that may be chosen at a place, of which one is listened for."""

    available: tuple[WakeWord, ...] = ()
    chosen_id: str | None = None
    """None: none was chosen; which one it is then is the engine's own affair."""


_LAST: Final[HassKey[dict[str, tuple[str, float]]]] = HassKey(f"{DOMAIN}_wakes")


@callback
def async_answers(hass: HomeAssistant, wake_word: str | None, satellite_id: str) -> bool:
    """Whether this satellite is the one that answers: the first that heard these words, whatever account it is of."""
    last = hass.data.setdefault(_LAST, {})
    now_s = hass.loop.time()
    # Engines write the words themselves, or the name of a model of them.
    word = (wake_word or "").casefold().replace("_", " ")
    first, at_s = last.get(word, ("", float("-inf")))
    if first != satellite_id and now_s - at_s < SAME_WORDS_S:
        return False
    last[word] = (satellite_id, now_s)
    return True
