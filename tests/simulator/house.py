"""A house as Home Assistant's Assist API describes it, for the tests of the home brain."""

from typing import Any

INSTRUCTIONS = """You are a voice assistant for Home Assistant.
When controlling Home Assistant always call the intent tools.
You are in area Kitchen (floor Ground) and all generic commands like 'turn on the lights' should target this area.
Static Context: An overview of the areas and the devices in this smart home:
- names: Bedroom Blinds
  domain: cover
  areas: Bedroom
- names: Bedroom Light
  domain: light
  areas: Bedroom
- names: Ceiling Light
  domain: light
  areas: Kitchen
- names: Counter Light, Worktop
  domain: light
  areas: Kitchen
- names: Coffee Machine
  domain: switch
  areas: Kitchen
- names: Front Door
  domain: lock
  areas: Hallway
- names: Garage Door
  domain: cover
  areas: Garage
- names: Hallway Thermostat
  domain: climate
  areas: Hallway
- names: Living Room Lamp
  domain: light
  areas: Living Room
- names: Living Room Temperature
  domain: sensor
  areas: Living Room
- names: 'Movie Night'
  domain: scene
- names: Desk Fan
  domain: fan
  areas: Office
- names: Television
  domain: media_player
  areas: Living Room
"""


def function(name: str, *keys: str, **more: Any) -> dict[str, Any]:
    """A tool with text parameters, or those given."""
    properties: dict[str, Any] = {key: {"type": "string"} for key in keys}
    parameters = {"type": "object", "properties": properties | more}
    return {"type": "function", "name": name, "description": name, "parameters": parameters}


MANY = {"type": "array", "items": {"type": "string"}}
NUMBER = {"type": "integer"}
WHERE = ("name", "area", "floor")
TOOLS = [
    function("homeassistant__GetLiveContext", "name", "area", domain={"anyOf": [{"type": "string"}, MANY]}),
    function("intent__HassTurnOn", *WHERE, domain=MANY, device_class=MANY),
    function("intent__HassTurnOff", *WHERE, domain=MANY, device_class=MANY),
    function("intent__HassSetPosition", *WHERE, domain=MANY, position=NUMBER),
    function("light__HassLightSet", *WHERE, domain=MANY, brightness=NUMBER),
    function("climate__HassClimateSetTemperature", *WHERE, temperature={"type": "number"}),
    function("fan__HassFanSetSpeed", *WHERE, domain=MANY, percentage=NUMBER),
    function("media_player__HassMediaPause", *WHERE, domain=MANY),
    function("media_player__HassMediaUnpause", *WHERE, domain=MANY),
    function("media_player__HassMediaNext", *WHERE, domain=MANY),
    function("media_player__HassMediaPlayerMute", *WHERE, domain=MANY),
    function("media_player__HassMediaPlayerUnmute", *WHERE, domain=MANY),
    function("media_player__HassSetVolume", *WHERE, domain=MANY, volume_level=NUMBER),
    function("llm__GetDateTime"),
    function("script__water_the_garden"),
]
