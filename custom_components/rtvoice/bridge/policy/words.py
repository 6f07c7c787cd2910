"""Yes, no and spoken digits in what a user said."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise
from typing import Final

from .vocabulary import BETWEEN, DIGITS, FILLERS, NO, QUESTION_MARKS, REPEATS, SPOKEN_ZERO, YES, YES_PAIRS

_LONGEST_YES: Final = 8
"""Words; whoever says more than that also says something else."""
_LAST_CYRILLIC: Final = 0x052F
_TOKEN: Final = re.compile(r"\d|[^\W\d_]+")


class Answer(Enum):
    """What a user's words mean as the answer to a question for leave."""

    YES = auto()
    NO = auto()
    UNCLEAR = auto()


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits said one after the other, and where in the text."""

    digits: str
    start: int
    end: int


def answer_in(text: str) -> Answer:
    """Understand an answer. Any word of refusal refuses; only a short text that begins with a yes is one."""
    words = _TOKEN.findall(_plain(text))
    if NO.intersection(words):
        return Answer.NO
    if QUESTION_MARKS.intersection(text) or len(words) > _LONGEST_YES:
        return Answer.UNCLEAR
    told = [word for word in words if word not in FILLERS]
    if told[:1] and told[0] in YES:
        return Answer.YES
    pairs = [f"{first} {second}" for first, second in pairwise(words)]
    return Answer.YES if YES_PAIRS.intersection(pairs[:2]) else Answer.UNCLEAR


def digit_runs(text: str) -> list[DigitRun]:
    """The digits in a text, as numerals or as words, with anything that is no other word between them."""
    runs: list[DigitRun] = []
    digits, start, end, times = "", 0, 0, 1
    tokens = list(_TOKEN.finditer(text))
    for index, token in enumerate(tokens):
        word = _plain(token[0])
        digit = _digit(word, digits, tokens[index + 1 :])
        if digit is not None:
            start = start if digits else token.start()
            digits, end, times = digits + digit * times, token.end(), 1
        elif word in REPEATS:
            times = REPEATS[word]
        elif word not in BETWEEN and digits:
            runs.append(DigitRun(digits, start, end))
            digits, times = "", 1
    return [*runs, DigitRun(digits, start, end)] if digits else runs


def has_words(name: str) -> bool:
    """Whether there is anything in a name that can be said."""
    return _TOKEN.search(name) is not None


def names(text: str, name: str) -> bool:
    """Whether a text speaks of something of this name: two of three of its words are in it, and all of its numbers."""
    wanted = _words_of(name)
    said = _plain(text)
    found = sum(_is_in(word, said) for word in wanted)
    numbers = {run.digits for run in digit_runs(name)}
    return bool(wanted) and 3 * found >= 2 * len(wanted) and numbers <= {run.digits for run in digit_runs(text)}


def names_all(text: str, things: Iterable[str]) -> bool:
    """Whether a text speaks of every one of these."""
    return all(names(text, thing) for thing in things)


def _digit(word: str, before: str, after: Sequence[re.Match[str]]) -> str | None:
    if word.isdecimal():
        return str(unicodedata.digit(word))
    if word in SPOKEN_ZERO:
        follows = bool(after) and (after[0][0].isdecimal() or _plain(after[0][0]) in DIGITS)
        return "0" if before or follows else None
    return DIGITS.get(word)


def _is_in(word: str, said: str) -> bool:
    """Whether a word is in a text: where letters are Latin, Greek or Cyrillic, as a word or the beginning of one.

    What is written in other letters may stand behind an article, or behind no space at all.
    """
    if word[0].isdecimal():
        # How it is said does not matter; that it is the same number is looked at beside.
        return True
    if ord(word[0]) > _LAST_CYRILLIC:
        return word in said
    return re.search(rf"(?<![^\W\d_]){re.escape(word)}", said) is not None


def _words_of(name: str) -> list[str]:
    words = _TOKEN.findall(_plain(name))
    return [word for word in words if len(word) > 2] or words


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
