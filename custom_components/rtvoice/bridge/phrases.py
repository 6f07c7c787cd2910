"""Sentences that a person may say, written as Assist's sentence templates."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import probatio
from hassil import Intents, recognize
from hassil.intents import WildcardSlotList
from hassil.parse_expression import parse_sentence
from hassil.parser import ParseError

_KEY: Final = "key"
_LIST_NAME: Final = re.compile(r"\{([^{}:]+)(?::[^{}]*)?\}")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")  # noqa: RUF001 - as they are written in East Asia


@dataclass(frozen=True, slots=True)
class Match:
    """What was recognised."""

    key: str
    slots: Mapping[str, Any]
    """What was said in place of each `{name}`."""


class Phrases:
    """Recognises templates in what was said, whatever its case and punctuation.

    A template must fit all that was said, or one whole sentence of it. `{name}` stands for any words.
    """

    def __init__(self, templates: Mapping[str, Iterable[str]], language: str) -> None:
        """`templates` by the key that a match then has."""
        written = {key: list(sentences) for key, sentences in templates.items()}
        data = [{"sentences": sentences, "metadata": {_KEY: key}} for key, sentences in written.items()]
        self._intents = Intents.from_dict({"language": language, "intents": {"Phrase": {"data": data}}})
        for sentences in written.values():
            for name in _LIST_NAME.findall(" ".join(sentences)):
                self._intents.slot_lists[name] = WildcardSlotList(name)

    def find(self, text: str) -> Match | None:
        """The first template that fits."""
        for candidate in _candidates(text):
            if (found := recognize(candidate, self._intents)) is not None and found.intent_metadata is not None:
                slots = {name: entity.value for name, entity in found.entities.items()}
                return Match(found.intent_metadata[_KEY], slots)
        return None


def template(value: str) -> str:
    """Validate a template. Raises Invalid."""
    if not re.search(r"\w", value):
        raise probatio.Invalid("A sentence needs words")
    try:
        parse_sentence(value)
    except ParseError as err:
        raise probatio.Invalid(f"No valid sentence template: {err}") from err
    return value


def _candidates(text: str) -> Iterator[str]:
    """All of it, then its sentences; nothing without a word."""
    sentences = _SENTENCE_END.split(text)
    return (part.strip() for part in dict.fromkeys((text, *sentences)) if re.search(r"\w", part))
