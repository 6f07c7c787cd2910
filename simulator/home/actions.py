"""From what the user wants to the tool calls that do it."""

from collections.abc import Callable

from simulator.plan import Call

from .house import Entity, House, number_words, spoken
from .phrases import SWITCHABLE, Intent
from .toolbox import Toolbox

_NUMBERS = {number_words(number): number for number in range(101)}
_PLAYBACK = {
    "play": "HassMediaUnpause",
    "resume": "HassMediaUnpause",
    "pause": "HassMediaPause",
    "mute": "HassMediaPlayerMute",
    "unmute": "HassMediaPlayerUnmute",
}


def calls_for(intent: Intent, house: House, toolbox: Toolbox) -> list[Call] | None:
    """The calls that an intent needs, in order; None when the tools for it are missing, [] when it needs none."""
    builder = _BUILDERS.get(intent.kind)
    if builder is None:
        return []
    calls = builder(_Request(intent, house, toolbox))
    known = [call for call in calls if call is not None]
    return known if known and len(known) == len(calls) else None


class _Request:
    """What is wanted, the house it is wanted in, and the tools for it."""

    def __init__(self, intent: Intent, house: House, toolbox: Toolbox) -> None:
        self.slots = intent.slots
        self.intent = intent
        self.house = house
        self.toolbox = toolbox
        self.call = toolbox.call
        self.script = toolbox.script

    @property
    def number(self) -> int:
        return _NUMBERS[self.slots["number"]]

    @property
    def area(self) -> str | None:
        return self.house.area(self.slots.get("area", ""))

    def named(self, slot: str, *domains: str) -> dict[str, str]:
        """Arguments that name the entity in a slot."""
        entity = self.house.named(self.slots[slot], *domains)
        return self.arguments(entity) if entity else {"name": self.slots[slot]}

    def arguments(self, entity: Entity) -> dict[str, str]:
        where = {"area": entity.areas[0]} if self.house.is_ambiguous(entity) and entity.areas else {}
        return {"name": entity.name, **where, "domain": entity.domain}

    def targets(self, phrase: str, *domains: str) -> list[dict[str, str]]:
        """Arguments for one thing, or for the lights of one area or of all."""
        if entity := self.house.named(phrase, *domains):
            return [self.arguments(entity)]
        if phrase in ("lights", "all lights", "all the lights"):
            areas = [self.house.here] if self.house.here and phrase == "lights" else _lit_areas(self.house)
            return [{"area": area, "domain": "light"} for area in areas]
        words = phrase.removeprefix("lights in the ").removesuffix(" lights").removesuffix(" light")
        area = self.house.area(words)
        return [{"area": area, "domain": "light"}] if area else []


type _Builder = Callable[[_Request], list[Call | None]]


def _switch(request: _Request) -> list[Call | None]:
    tool = "HassTurnOn" if request.slots["onoff"] == "on" else "HassTurnOff"
    things = request.intent.all("thing") or request.intent.all("one")
    targets = [target for thing in things for target in request.targets(thing, *SWITCHABLE)]
    return [request.call(tool, **target) for target in targets]


def _two(request: _Request) -> list[Call | None]:
    """Two wishes in one sentence."""
    slots = request.slots
    calls: list[Call | None] = []
    for verb, thing in (("onoff", "thing"), ("openclose", "cover"), ("lockunlock", "lock")):
        for index in ("1", "2"):
            if f"{verb}{index}" in slots and f"{thing}{index}" in slots:
                part = {verb: slots[f"{verb}{index}"], thing: slots[f"{thing}{index}"]}
                intent = Intent(_KIND_OF_VERB[verb], part, request.intent.text)
                calls += _BUILDERS[intent.kind](_Request(intent, request.house, request.toolbox))
    return calls


def _brightness(request: _Request) -> list[Call | None]:
    targets = request.targets(request.slots["light"], "light")
    return [request.call("HassLightSet", **target, brightness=request.number) for target in targets]


def _temperature(request: _Request) -> list[Call | None]:
    climates = request.house.of("climate")
    where: dict[str, str] = {}
    if "climate" in request.slots:
        where = request.named("climate", "climate")
    elif request.area:
        where = {"area": request.area}
    elif len(climates) == 1:
        where = request.arguments(climates[0])
    return [request.call("HassClimateSetTemperature", **where, temperature=request.number)]


def _cover(request: _Request) -> list[Call | None]:
    tool = "HassTurnOn" if request.slots["openclose"] == "open" else "HassTurnOff"
    targets = [target for cover in request.intent.all("cover") for target in request.targets(cover, "cover", "valve")]
    return [request.call(tool, **target) for target in targets]


def _position(request: _Request) -> list[Call | None]:
    return [request.call("HassSetPosition", **request.named("cover", "cover", "valve"), position=request.number)]


def _speed(request: _Request) -> list[Call | None]:
    return [request.call("HassFanSetSpeed", **request.named("fan", "fan"), percentage=request.number)]


def _lock(request: _Request) -> list[Call | None]:
    tool = "HassTurnOn" if request.slots["lockunlock"] == "lock" else "HassTurnOff"
    return [request.call(tool, **request.named("lock", "lock"))]


def _volume(request: _Request) -> list[Call | None]:
    return [request.call("HassSetVolume", **request.named("media", "media_player"), volume_level=request.number)]


def _media(request: _Request) -> list[Call | None]:
    if "playback" not in request.slots:
        return [request.call("HassMediaNext")]
    return [request.call(_PLAYBACK[request.slots["playback"]], **request.named("media", "media_player"))]


def _scene(request: _Request) -> list[Call | None]:
    return [request.call("HassTurnOn", **request.named("scene", "scene"))]


def _script(request: _Request) -> list[Call | None]:
    return [request.script(request.slots["script"])]


def _hand_off(request: _Request) -> list[Call | None]:
    _, _, task = request.intent.text.partition(" to ")
    return [request.toolbox.hand_off(request.slots["subagent"], task)]


def _ask_state(request: _Request) -> list[Call | None]:
    return [request.call("GetLiveContext", **request.named("any" if "any" in request.slots else "sensor"))]


def _ask_lights(request: _Request) -> list[Call | None]:
    return [request.call("GetLiveContext", area=request.area, domain="light")]


def _ask_quantity(request: _Request) -> list[Call | None]:
    return [request.call("GetLiveContext", area=request.area)]


def _ask_clock(request: _Request) -> list[Call | None]:
    return [call] if (call := request.call("GetDateTime")) else []


def _lit_areas(house: House) -> list[str]:
    first = [light.areas[0] for light in house.of("light") if light.areas]
    return sorted(dict.fromkeys(first), key=spoken)


_KIND_OF_VERB = {"onoff": "switch", "openclose": "cover", "lockunlock": "lock"}
_BUILDERS: dict[str, _Builder] = {
    "switch": _switch,
    "two": _two,
    "brightness": _brightness,
    "brightness_of": _brightness,
    "speed": _speed,
    "temperature": _temperature,
    "cover": _cover,
    "position": _position,
    "lock": _lock,
    "volume": _volume,
    "media": _media,
    "scene": _scene,
    "script": _script,
    "hand_off": _hand_off,
    "ask_state": _ask_state,
    "ask_lights": _ask_lights,
    "ask_quantity": _ask_quantity,
    "ask_time": _ask_clock,
    "ask_date": _ask_clock,
}
