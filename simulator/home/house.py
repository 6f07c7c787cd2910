"""The house as the agent's instructions describe it: entities with their names, domains, areas and states."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

_NEVER_ALONE = ("light", "lights", "temperature", "humidity")
_FIELD = re.compile(r"^(?P<indent>\s*)(?P<dash>- )?(?P<key>\w+):(?: (?P<value>.*))?$")
_HERE = re.compile(r"You are in area (?P<area>[^(.]+?)(?: \(floor [^)]*\))? and all generic")


@dataclass(slots=True)
class Entity:
    """One entity, as `GetLiveContext` and the static overview list it."""

    names: list[str] = field(default_factory=list)
    domain: str = ""
    areas: list[str] = field(default_factory=list)
    state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The first of its names."""
        return self.names[0]


class House:
    """What there is to talk about."""

    def __init__(self, entities: list[Entity], here: str | None = None) -> None:
        self.entities = entities
        self.here = here
        """The area of the satellite."""

    @classmethod
    def from_instructions(cls, instructions: str) -> House:
        """Read the overview of devices that Home Assistant puts into an agent's instructions."""
        here = _HERE.search(instructions)
        return cls(read_entities(instructions), here["area"].strip() if here else None)

    @cached_property
    def areas(self) -> list[str]:
        """All areas, by every name they have."""
        names = {area: None for entity in self.entities for area in entity.areas}
        return list(names)

    def of(self, *domains: str) -> list[Entity]:
        """The entities of these domains."""
        return [entity for entity in self.entities if entity.domain in domains]

    def named(self, phrase: str, *domains: str) -> Entity | None:
        """The entity that is called like this, with or without its area in front."""
        return next((entity for entity, name in self._called(*domains) if name == phrase), None)

    def names(self, *domains: str) -> tuple[str, ...]:
        """All ways to call the entities of these domains."""
        return tuple(dict.fromkeys(name for _, name in self._called(*domains)))

    def _called(self, *domains: str) -> list[tuple[Entity, str]]:
        return [pair for pair in self._all_names if not domains or pair[0].domain in domains]

    @cached_property
    def _all_names(self) -> list[tuple[Entity, str]]:
        full = [(entity, name) for entity in self.entities for name in _full_names(entity)]
        short = [(entity, name) for entity in self.entities for name in _short_names(entity)]
        count = Counter([name for _, name in short] + [name for _, name in full])
        return full + [(entity, name) for entity, name in short if count[name] == 1]

    def area(self, phrase: str) -> str | None:
        """The area that is called like this."""
        return next((area for area in self.areas if spoken(area) == phrase), None)

    def is_ambiguous(self, entity: Entity) -> bool:
        """Whether another entity has the same name."""
        return sum(entity.name in other.names for other in self.entities) > 1


def _full_names(entity: Entity) -> list[str]:
    """What an entity is called, with and without the area that its name leaves out."""
    names = [spoken(name) for name in entity.names]
    with_area = [f"{spoken(area)} {name}" for area in entity.areas for name in names if spoken(area) not in name]
    return [name for name in dict.fromkeys(names + with_area) if name]


def _short_names(entity: Entity) -> list[str]:
    """What is left of an entity's names without its area in front; a light is never just called light."""
    areas = [f"{spoken(area)} " for area in entity.areas]
    names = [spoken(name) for name in entity.names]
    short = [name.removeprefix(area) for area in areas for name in names if name.startswith(area)]
    return [name for name in dict.fromkeys(short) if name and name not in _NEVER_ALONE]


def read_entities(text: str) -> list[Entity]:
    """The entities in a text with a YAML list of them as Home Assistant writes it; other lines are skipped."""
    entities: list[Entity] = []
    attributes: dict[str, str] | None = None
    for line in _joined(text):
        match = _FIELD.match(line)
        if not match:
            continue
        key, value = match["key"], _unquoted(match["value"] or "")
        if match["dash"] and key == "names":
            entities.append(Entity(names=_parts(value)))
            attributes = None
        elif not entities:
            continue
        elif attributes is not None and len(match["indent"]) > 2:
            attributes[key] = value
        elif match["indent"]:
            attributes = entities[-1].attributes if key == "attributes" else None
            _set(entities[-1], key, value)
    return [entity for entity in entities if entity.names and entity.domain]


def spoken(text: str) -> str:
    """A name or sentence in lower case, numbers and signs as words, without accents and punctuation."""
    text = (
        unicodedata.normalize("NFKC", text)
        .lower()
        .replace("\u2019", "'")
        .replace("%", " percent ")
        .replace("°c", " degrees ")
        .replace("°", " degrees ")
    )
    text = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    text = re.sub(r"(\d+)\.0\b", r"\1", text)
    text = re.sub(r"\d+", lambda match: f" {number_words(int(match[0]))} ", text)
    return " ".join(re.sub(r"[^a-z' ]+", " ", text).split())


def number_words(number: int) -> str:
    """A number in English words."""
    if number < 20:
        return _SMALL[number]
    if number < 100:
        return _TENS[number // 10] + (f" {_SMALL[number % 10]}" if number % 10 else "")
    if number < 1_000:
        return f"{_SMALL[number // 100]} hundred" + (f" {number_words(number % 100)}" if number % 100 else "")
    return " ".join(_SMALL[int(digit)] for digit in str(number))


_SMALL = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def _set(entity: Entity, key: str, value: str) -> None:
    match key:
        case "domain":
            entity.domain = value
        case "state":
            entity.state = value
        case "areas":
            entity.areas = _parts(value)


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1].replace("''", "'")
    return value


def _joined(text: str) -> list[str]:
    """Lines, with those that YAML has wrapped put together again."""
    lines: list[str] = []
    for line in text.splitlines():
        wrapped = line.startswith("    ") and not _FIELD.match(line)
        if wrapped and lines:
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return lines
