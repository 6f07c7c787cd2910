"""Reading a house, and what can be said in it."""

import pytest

from simulator.home.actions import calls_for
from simulator.home.house import House, number_words, read_entities, spoken
from simulator.home.phrases import Phrases
from simulator.home.toolbox import Toolbox
from tests.simulator.house import INSTRUCTIONS, TOOLS

WRAPPED = """- names: 'Anna''s Lamp, Reading Light'
  domain: light
  state: 'on'
  areas: Living Room, Lounge
  attributes:
    brightness: '128'
    media_title: A very long title that does not fit into one line and is therefore
      wrapped by YAML
- names: Nowhere
- names: Heater
  domain: climate
"""


def test_the_overview_is_read_as_home_assistant_writes_it():
    lamp, heater = read_entities(f"Some text: with a colon\n{WRAPPED}And text after it.")
    assert lamp.names == ["Anna's Lamp", "Reading Light"]
    assert (lamp.domain, lamp.state, lamp.areas) == ("light", "on", ["Living Room", "Lounge"])
    assert lamp.attributes["media_title"].endswith("therefore wrapped by YAML")
    assert heater.name == "Heater"


def test_a_house_knows_where_it_is_asked():
    house = House.from_instructions(INSTRUCTIONS)
    assert house.here == "Kitchen"
    assert house.areas == ["Bedroom", "Kitchen", "Hallway", "Garage", "Living Room", "Office"]
    assert House.from_instructions("Be kind.").entities == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Küche 2!", "kuche two"),
        ("40%", "forty percent"),
        ("21.0°", "twenty one degrees"),
        ("Anna’s", "anna's"),  # noqa: RUF001  people type it
    ],
)
def test_text_becomes_words(text, words):
    assert spoken(text) == words


def test_numbers_become_words():
    assert [number_words(number) for number in (0, 15, 42, 100, 345, 2_026)] == [
        "zero",
        "fifteen",
        "forty two",
        "one hundred",
        "three hundred forty five",
        "two zero two six",
    ]


def phrases(*entities, here="Den"):
    lines = [f"- names: {name}\n  domain: {domain}\n  areas: {area}\n" for name, domain, area in entities]
    where = f"You are in area {here} and all generic commands like 'turn on the lights' should target this area.\n"
    return Phrases(House.from_instructions(where + "".join(lines)), Toolbox(TOOLS))


def meant(made, text):
    intent = made.understand(text)
    return [dict(call.arguments) for call in calls_for(intent, made.house, Toolbox(TOOLS)) or ()] if intent else None


def test_names_may_leave_out_their_area_where_that_is_clear():
    made = phrases(("Den Radio", "media_player", "Den"), ("Den Fan", "fan", "Den"), ("Hall Fan", "fan", "Hall"))
    assert meant(made, "turn on the radio") == [{"name": "Den Radio", "domain": ["media_player"]}]
    assert meant(made, "turn on the fan") is None


def test_one_name_in_two_areas_is_told_apart_by_the_area():
    made = phrases(("Lamp", "light", "Den"), ("Lamp", "light", "Hall"))
    assert meant(made, "turn on the hall lamp") == [{"name": "Lamp", "area": "Hall", "domain": ["light"]}]


def test_several_thermostats_leave_the_choice_to_the_house():
    made = phrases(("Den Heating", "climate", "Den"), ("Hall Heating", "climate", "Hall"))
    assert meant(made, "set the temperature to 20 degrees") == [{"temperature": 20}]


def test_an_empty_house_still_tells_stories():
    made = Phrases(House([]), Toolbox([]))
    assert made.understand("tell me a story").kind == "story"
    assert made.understand("turn on the lights") is None
    assert "<thing>" not in made.grammar


def test_calls_need_their_tools():
    made = phrases(("Lamp", "light", "Den"))
    intent = made.understand("turn on the lamp")
    assert calls_for(intent, made.house, Toolbox([])) is None
    assert calls_for(made.understand("hello"), made.house, Toolbox([])) == []
    assert Toolbox([]).script("water the garden") is None
