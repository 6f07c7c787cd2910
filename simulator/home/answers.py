"""What the agent says: about what its tools did and told, and to what needs no tool."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .house import Entity, read_entities, spoken
from .phrases import Intent
from .toolbox import read_json, short_name

NOT_UNDERSTOOD = "Sorry, I did not understand that."
NO_TOOL = "Sorry, I cannot do that in this house."
GREETING = "Hello! How can I help you?"
STORY = (
    "Once upon a time there was a small house at the edge of a great forest. In it lived an old clockmaker and her "
    "grey cat. Every evening she lit a lamp in the window, so that travellers would find their way home. One winter "
    "night the wind blew the lamp out, and the whole forest went dark. The cat ran through the deep snow to the "
    "village and woke the baker. The baker woke the miller, and the miller woke everybody else. Soon a long row of "
    "lanterns came up the hill, and nobody was lost that night. Since then every window in the village has a lamp of "
    "its own, and the cat gets a fish on every birthday. And that is the end of the story."
)
SMALL_TALK = {
    "story": STORY,
    "joke": "Why did the light bulb go to school? It wanted to be brighter.",
    "hello": GREETING,
    "thanks": "You are welcome.",
    "bye": "Goodbye!",
    "no": "Okay, I will not do it.",
    "stop": "Okay.",
    "help": "I can switch lights and devices, set temperatures, and tell you how things are at home.",
}

_VERBS = {"HassTurnOn": "turned on", "HassTurnOff": "turned off"}
_BY_DOMAIN = {
    ("cover", "HassTurnOn"): "opened",
    ("cover", "HassTurnOff"): "closed",
    ("valve", "HassTurnOn"): "opened",
    ("valve", "HassTurnOff"): "closed",
    ("lock", "HassTurnOn"): "locked",
    ("lock", "HassTurnOff"): "unlocked",
    ("scene", "HassTurnOn"): "activated",
}
_OTHER_VERBS = {
    "HassMediaPause": "paused",
    "HassMediaUnpause": "resumed",
    "HassMediaPlayerMute": "muted",
    "HassMediaPlayerUnmute": "unmuted",
}
_AS_SAID = {"heat": "heating", "cool": "cooling"}


@dataclass(frozen=True, slots=True)
class Result:
    """A tool call and what came of it."""

    tool: str
    arguments: dict[str, Any]
    output: str

    @property
    def failure(self) -> str | None:
        """Why it failed, None when it did not."""
        value = read_json(self.output)
        if isinstance(value, str):
            return value if value.lower().startswith(("error", "failed")) else None
        if not isinstance(value, dict):
            return None
        if value.get("error"):
            return str(value.get("error_text") or value["error"])
        if value.get("response_type") == "error":
            speech = value.get("speech", {}).get("plain", {}).get("speech")
            return str(speech or value.get("data", {}).get("code") or "it did not work")
        failed = value.get("data", {}).get("failed") if isinstance(value.get("data"), dict) else None
        return "it did not answer" if failed else None

    @property
    def leave(self) -> str | None:
        """What the user has to confirm before the tool does anything, None when nothing has to be."""
        value = read_json(self.output)
        wanted = value.get("confirmation_required") if isinstance(value, dict) and value.get("token") else None
        return None if wanted is None else str(wanted)

    @property
    def entities(self) -> list[Entity]:
        """The entities that a look at the house found."""
        value = read_json(self.output)
        text = value.get("result", "") if isinstance(value, dict) else value
        return read_entities(str(text))


def answer(intent: Intent | None, results: Sequence[Result], now: datetime) -> str:
    """What to say after the tools have returned."""
    if leaves := [result.leave for result in results if result.leave]:
        return f"I need your word for this: {_listed(leaves)}. Shall I do it?"
    teller = _TELLERS.get(intent.kind) if intent else None
    if intent and teller:
        failures = [result.failure for result in results if result.failure]
        return (
            f"Sorry, I could not find that out: {_sentence(failures[0])}" if failures else teller(intent, results, now)
        )
    return _report(results)


def clock(now: datetime) -> str:
    """The time as a person would say it."""
    return f"It is {now.hour % 12 or 12}:{now.minute:02d} {'AM' if now.hour < 12 else 'PM'}."


def _report(results: Sequence[Result]) -> str:
    done = [_deed(result) for result in results if not result.failure]
    undone = [(_target(result), result.failure) for result in results if result.failure]
    parts = [f"I {_listed(_grouped(done))}."] if done else []
    for target, reason in undone:
        parts.append(f"{'But' if done else 'Sorry,'} I could not change {target}: {_sentence(reason or '')}")
    return " ".join(parts) or "Done."


def _deed(result: Result) -> tuple[str, str, str]:
    """Verb, target and what follows it."""
    name = short_name(result.tool)
    domain = _first(result.arguments.get("domain"))
    verb = _BY_DOMAIN.get((domain, name)) or _VERBS.get(name) or _OTHER_VERBS.get(name)
    if verb:
        return verb, _target(result), ""
    for key, unit in (
        ("brightness", "percent"),
        ("temperature", "degrees"),
        ("position", "percent"),
        ("volume_level", "percent"),
        ("percentage", "percent"),
    ):
        if key in result.arguments:
            target = _target(result) if "name" in result.arguments or key == "brightness" else _place_of(result, key)
            return "set", target, f" to {result.arguments[key]:g} {unit}"
    if name == "HassMediaNext":
        return "skipped", "to the next track", ""
    return "ran", spoken(name.replace("_", " ")), ""


def _grouped(deeds: Sequence[tuple[str, str, str]]) -> list[str]:
    groups: dict[tuple[str, str], list[str]] = {}
    for verb, target, rest in deeds:
        groups.setdefault((verb, rest), []).append(target)
    return [f"{verb} {_listed(targets)}{rest}" for (verb, rest), targets in groups.items()]


def _target(result: Result) -> str:
    arguments = result.arguments
    if name := arguments.get("name"):
        return f"the {str(name).lower()}"
    noun = "lights" if _first(arguments.get("domain")) == "light" or "brightness" in arguments else "devices"
    return f"the {str(arguments['area']).lower()} {noun}" if arguments.get("area") else "it"


def _place_of(result: Result, quantity: str) -> str:
    area = result.arguments.get("area")
    return f"the {quantity} in the {str(area).lower()}" if area else f"the {quantity}"


def _tell_state(intent: Intent, results: Sequence[Result], now: datetime) -> str:  # noqa: ARG001  one of several alike
    asked = intent.slots.get("any") or intent.slots.get("sensor", "")
    entities = [entity for result in results for entity in result.entities]
    if not entities:
        return f"I could not find the {asked}."
    sentences = [f"the {entity.name.lower()} is {describe(entity)}." for entity in entities]
    wanted = intent.slots.get("state")
    yes = wanted and all(entity.state == wanted for entity in entities)
    start = f"{'Yes' if yes else 'No'}, " if wanted else ""
    first = sentences[0] if start else sentences[0][0].upper() + sentences[0][1:]
    return " ".join([start + first, *(sentence[0].upper() + sentence[1:] for sentence in sentences[1:])])


def _tell_lights(intent: Intent, results: Sequence[Result], now: datetime) -> str:  # noqa: ARG001  one of several alike
    wanted = intent.slots["lightstate"]
    lights = [entity for result in results for entity in result.entities if entity.domain == "light"]
    matching = [f"the {entity.name.lower()}" for entity in lights if entity.state == wanted]
    which = f"{_listed(matching)} {'is' if len(matching) == 1 else 'are'} {wanted}." if matching else ""
    if not intent.text.startswith("are"):
        return which[0].upper() + which[1:] if which else f"No lights are {wanted}."
    if which and len(matching) == len(lights):
        return f"Yes, they are {wanted}."
    return f"Only some of them: {which}" if which else f"No, they are not {wanted}."


def _tell_quantity(intent: Intent, results: Sequence[Result], now: datetime) -> str:  # noqa: ARG001  one of several alike
    quantity = "humidity" if "humidity" in intent.text else "temperature"
    place = f" in the {intent.slots['area']}" if "area" in intent.slots else ""
    for entity in (entity for result in results for entity in result.entities):
        if value := _measured(entity, quantity):
            whose = place or f" of the {entity.name.lower()}"
            return f"The {quantity}{whose} is {value} {'percent' if quantity == 'humidity' else 'degrees'}."
    return f"I do not know the {quantity}{place}."


def _measured(entity: Entity, quantity: str) -> str | None:
    if entity.domain == "sensor" and entity.attributes.get("device_class") == quantity:
        return entity.state
    return entity.attributes.get(f"current_{quantity}")


def _tell_time(intent: Intent, results: Sequence[Result], now: datetime) -> str:  # noqa: ARG001  one of several alike
    value = read_json(results[0].output) if results else {}
    told = value.get("time") if isinstance(value, dict) else None
    return clock(datetime.strptime(told, "%H:%M:%S") if told else now)  # noqa: DTZ007  only its clock face is read


def _tell_date(intent: Intent, results: Sequence[Result], now: datetime) -> str:  # noqa: ARG001  one of several alike
    value = read_json(results[0].output) if results else {}
    told = value.get("date") if isinstance(value, dict) else None
    day = datetime.strptime(told, "%Y-%m-%d") if told else now  # noqa: DTZ007  only its date is read
    return f"Today is {day:%A}, {day:%B} {day.day}."


def describe(entity: Entity) -> str:
    """An entity's state in words."""
    attributes = entity.attributes
    state = _AS_SAID.get(entity.state, entity.state.replace("_", " "))
    if entity.domain == "light" and entity.state == "on" and "brightness_pct" in attributes:
        return f"on at {attributes['brightness_pct']} percent"
    if entity.domain == "climate" and "current_temperature" in attributes:
        target = f", set to {attributes['temperature']}" if attributes.get("temperature") else ""
        return f"{state} at {attributes['current_temperature']} degrees{target}"
    unit = attributes.get("unit_of_measurement", "")
    words = {"%": "percent", "°C": "degrees", "°F": "degrees"}.get(unit, unit)
    return f"{state} {words}".strip()


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _sentence(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _first(value: Any) -> str:
    if isinstance(value, list):
        return str(value[0]) if value else ""
    return str(value or "")


def _tell_result(intent: Intent, results: Sequence[Result], now: datetime) -> str:  # noqa: ARG001  one of several alike
    told = (read_json(result.output) for result in results)
    return " ".join(str(value["result"]) for value in told if isinstance(value, dict) and "result" in value) or "Done."


type _Teller = Callable[[Intent, Sequence[Result], datetime], str]
_TELLERS: dict[str, _Teller] = {
    "ask_state": _tell_state,
    "ask_lights": _tell_lights,
    "ask_quantity": _tell_quantity,
    "ask_time": _tell_time,
    "ask_date": _tell_date,
    "hand_off": _tell_result,
}
