"""Somebody has said a wake word: who answers, when several satellites have heard it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from homeassistant.components.assist_pipeline.const import DATA_LAST_WAKE_UP
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
    """Whether this satellite is the one that answers: the first that heard these words, whatever account it is of.

    Satellites of other integrations, whose words Assist pipelines answer, count as well.
    """
    last = hass.data.setdefault(_LAST, {})
    now_s = hass.loop.time()
    word = _plain(wake_word or "")
    first, at_s = last.get(word, ("", float("-inf")))
    if first != satellite_id and now_s - at_s < SAME_WORDS_S:
        return False
    theirs = _pipelines(hass)
    heard_s = [their_s for words, their_s in theirs.items() if _plain(words) == word and their_s != at_s]
    if any(now_s - their_s < SAME_WORDS_S for their_s in heard_s):
        return False
    last[word] = (satellite_id, now_s)
    if word:
        same = [words for words in theirs if _plain(words) == word]
        theirs.update(dict.fromkeys([*same, *_spellings(word)], now_s))
    return True


def _pipelines(hass: HomeAssistant) -> dict[str, float]:
    """When Assist pipelines were woken last, by the words as they spell them; by it they let only one answer.

    It is not made for others. Where it is kept otherwise, they and our satellites know nothing of each other.
    """
    known = hass.data.get(DATA_LAST_WAKE_UP)
    return known if isinstance(known, dict) else {}


def _plain(wake_word: str) -> str:
    """Engines write the words themselves, or the name of a model of them."""
    return wake_word.casefold().replace("_", " ")


def _spellings(word: str) -> tuple[str, ...]:
    """As the words may come from a satellite that nobody has heard them from yet."""
    return word, word.title(), word.capitalize(), word.replace(" ", "_")
