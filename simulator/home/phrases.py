"""What can be said: sentence patterns, and a house's words for the slots in them.

A pattern has words, `[optional]` parts, `(either|or)`, and `<slots>`; a digit at the end of a slot's name tells two of
the same kind apart. The same patterns make the recogniser's grammar and the expressions that text is read by.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from .house import House, number_words, spoken
from .toolbox import Toolbox

SWITCHABLE = ("light", "switch", "fan", "media_player", "climate", "humidifier", "input_boolean", "automation", "siren")
READABLE = (*SWITCHABLE, "sensor", "binary_sensor", "cover", "lock", "weather", "vacuum", "valve", "person")

_QUANTITY = "(temperature|humidity)"
PATTERNS: dict[str, tuple[str, ...]] = {
    "switch": (
        "(turn|switch) <onoff> [the|my] <thing1> [and [the|my] <thing2>]",
        "(turn|switch) the <one> <onoff>",
    ),
    "two": (
        "(turn|switch) <onoff1> [the|my] <thing1> and (turn|switch) <onoff2> [the|my] <thing2>",
        "(turn|switch) <onoff1> [the|my] <thing1> and <openclose1> [the] <cover1>",
        "(turn|switch) <onoff1> [the|my] <thing1> and <lockunlock1> [the] <lock1>",
        "<openclose1> [the] <cover1> and (turn|switch) <onoff1> [the|my] <thing1>",
        "<openclose1> [the] <cover1> and <lockunlock1> [the] <lock1>",
        "<lockunlock1> [the] <lock1> and (turn|switch) <onoff1> [the|my] <thing1>",
        "<lockunlock1> [the] <lock1> and <openclose1> [the] <cover1>",
    ),
    "brightness": ("(set|dim|change|turn) [the|my] <light> [brightness] to <number> percent",),
    "brightness_of": ("set the brightness of [the] <light> to <number> percent",),
    "speed": ("(set|change) [the] <fan> [speed] to <number> percent",),
    "temperature": (
        "(set|change) [the] temperature [in the <area>] to <number> [degrees]",
        "(set|change) [the] <area> temperature to <number> [degrees]",
        "(set|change) [the] <climate> to <number> [degrees]",
    ),
    "cover": ("<openclose> [the] <cover1> [and [the] <cover2>]",),
    "position": ("(set|change|move) [the] <cover> to <number> percent",),
    "lock": ("<lockunlock> [the] <lock>",),
    "volume": (
        "(set|change|turn) [the] <media> [volume] to <number> percent",
        "set the volume of [the] <media> to <number> percent",
    ),
    "media": ("<playback> [the] <media>", "(skip|next) (song|track)"),
    "scene": ("(activate|start|turn on) [the] <scene>",),
    "script": ("(run|start) [the] <script>",),
    "hand_off": ("ask [the] <subagent> to (turn|switch) <onoff> [the|my] <thing>",),
    "ask_state": (
        "is [the] <any> <state>",
        "what is the (state|brightness|value|position|volume) of [the] <any>",
        "what is [the] <sensor>",
    ),
    "ask_lights": (
        "are [the] <area> lights <lightstate>",
        "are [the] lights in the <area> <lightstate>",
        "(what|which) lights are <lightstate> [in the <area>]",
    ),
    "ask_quantity": (
        f"what is the {_QUANTITY} [in the <area>]",
        f"what is the <area> {_QUANTITY}",
        "how (warm|cold|hot) is it [in the <area>]",
    ),
    "ask_time": ("what time is it [now]", "what is the time"),
    "ask_date": ("what day is it [today]", "what is the date [today]"),
    "story": ("[please] tell me a [long] story",),
    "joke": ("tell me a joke",),
    "hello": ("(hello|hi|good morning|good evening) [there]",),
    "thanks": ("thank you [very much]", "thanks [a lot]"),
    "bye": ("(goodbye|bye bye|bye|good night)",),
    "yes": ("yes [please|do it]", "(do it|go ahead|i confirm)"),
    "no": ("no [thanks|thank you]",),
    "stop": ("stop [it|talking|please]", "(cancel|never mind|be quiet)"),
    "help": ("what can you do", "help [me]"),
}
HARMLESS = frozenset({"story", "joke", "hello", "thanks", "bye", "stop", "help", "ask_time", "ask_date"})
"""Patterns that change nothing and tell nothing of the house."""

_FIXED: dict[str, tuple[str, ...]] = {
    "onoff": ("on", "off"),
    "openclose": ("open", "close"),
    "lockunlock": ("lock", "unlock"),
    "playback": ("play", "pause", "resume", "mute", "unmute"),
    "state": ("on", "off", "open", "closed", "locked", "unlocked", "playing"),
    "lightstate": ("on", "off"),
    "number": tuple(number_words(number) for number in range(101)),
}
_TOKEN = re.compile(r"<(?P<slot>[a-z]+)(?P<index>\d*)>|(?P<sign>[\[\]()|])|(?P<word>[a-z']+)")


@dataclass(frozen=True, slots=True)
class Intent:
    """A sentence that was understood: its pattern and what stood in the slots, in spoken form."""

    kind: str
    slots: dict[str, str]
    text: str

    def all(self, slot: str) -> list[str]:
        """What stood in the slots of one kind, in order."""
        return [value for name, value in sorted(self.slots.items()) if name.rstrip("12") == slot]


class Phrases:
    """The sentences that make sense in one house with one set of tools."""

    def __init__(self, house: House, toolbox: Toolbox) -> None:
        self.house = house
        self._slots = {
            **_FIXED,
            **_house_slots(house),
            "script": tuple(toolbox.scripts),
            "subagent": tuple(toolbox.subagents),
        }

    def understand(self, text: str) -> Intent | None:
        """What a typed or recognised sentence wants, None when it is none of ours."""
        words = spoken(text)
        for polite in ("please ", "can you ", "could you ", "okay ", "hey "):
            words = words.removeprefix(polite)
        words = words.removesuffix(" please")
        for kind, pattern in self._expressions:
            if match := pattern.fullmatch(f"{words} "):
                slots = {name: value.strip() for name, value in match.groupdict().items() if value}
                return Intent(kind, slots, words)
        return None

    @cached_property
    def grammar(self) -> str:
        """The sentences as a JSGF grammar."""
        rules = [f"<{name}> = {' | '.join(values)};" for name, values in self._slots.items() if values]
        sentences = [re.sub(r"<([a-z]+)\d*>", r"<\1>", pattern) for _, pattern in self._usable]
        return "\n".join(
            [
                "#JSGF V1.0;",
                "grammar house;",
                f"public <sentence> = [please] ({' | '.join(sentences)}) [please];",
                *rules,
                "",
            ]
        )

    @cached_property
    def words(self) -> set[str]:
        """All words of the grammar."""
        return set(
            re.findall(r"[a-z']+", re.sub(r"<[a-z]+>|^#.*|^grammar.*|public", " ", self.grammar, flags=re.MULTILINE))
        )

    @cached_property
    def _usable(self) -> list[tuple[str, str]]:
        """Patterns whose slots have words in this house; optional parts that have none are left out."""
        usable = []
        for kind, patterns in PATTERNS.items():
            for pattern in patterns:
                kept = self._without_empty_options(pattern)
                if all(self._slots.get(name) for name in re.findall(r"<([a-z]+)\d*>", kept)):
                    usable.append((kind, kept))
        return usable

    def _without_empty_options(self, pattern: str) -> str:
        empty = [name for name, values in self._slots.items() if not values]
        for name in empty:
            pattern = re.sub(rf"\[[^\[\]]*<{name}\d*>[^\[\]]*\]", "", pattern)
        return pattern

    @cached_property
    def _expressions(self) -> list[tuple[str, re.Pattern[str]]]:
        return [(kind, re.compile(self._expression(pattern))) for kind, pattern in self._usable]

    def _expression(self, pattern: str) -> str:
        parts = []
        for match in _TOKEN.finditer(pattern):
            if match["word"]:
                parts.append(f"{match['word']} ")
            elif match["slot"]:
                longest_first = sorted(self._slots[match["slot"]], key=len, reverse=True)
                choices = "|".join(re.escape(value) for value in longest_first)
                parts.append(f"(?P<{match['slot']}{match['index']}>(?:{choices}) )")
            else:
                parts.append({"[": "(?:", "(": "(?:", "]": ")?", ")": ")", "|": "|"}[match["sign"]])
        return "".join(parts)


def _house_slots(house: House) -> dict[str, tuple[str, ...]]:
    areas = tuple(dict.fromkeys(spoken(area) for area in house.areas))
    lit = tuple(area for area in areas if any(area in map(spoken, light.areas) for light in house.of("light")))
    groups = [f"{area} {noun}" for area in lit for noun in ("lights", "light")]
    groups += [f"lights in the {area}" for area in lit]
    things = (*house.names(*SWITCHABLE), *groups)
    lights = (*house.names("light"), *groups)
    return {
        "thing": tuple(dict.fromkeys((*things, *(("lights", "all lights", "all the lights") if lit else ())))),
        "one": tuple(dict.fromkeys((*things, *(("lights",) if lit else ())))),
        "light": tuple(dict.fromkeys(lights)),
        "area": areas,
        "climate": house.names("climate"),
        "cover": house.names("cover", "valve"),
        "lock": house.names("lock"),
        "media": house.names("media_player"),
        "fan": house.names("fan"),
        "scene": house.names("scene"),
        "sensor": house.names("sensor", "weather"),
        "any": house.names(*READABLE),
    }
