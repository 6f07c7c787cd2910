"""What tools take, as the model is told of it."""

from collections.abc import Iterator
from unittest.mock import patch

import probatio
import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import llm
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rtvoice.bridge.toolbox.parameters import kept_schema
from simulator import ScriptedBrain

from .house import async_build_house
from .test_tools_actions import offered, use

ROOM = probatio.Optional("room", description="Where.")
ROOMS = probatio.In(["kitchen", "attic"])


@pytest.fixture
def described() -> Iterator[list[probatio.Schema]]:
    """The schemas that are described from now on."""
    done: list[probatio.Schema] = []
    describe = probatio.to_openapi

    def note(schema: probatio.Schema, **options: object) -> object:
        done.append(schema)
        return describe(schema, **options)

    with patch("probatio.to_openapi", note):
        yield done


def test_a_schema_of_the_same_parts_is_described_once(described: list[probatio.Schema]) -> None:
    first = kept_schema(probatio.Schema({ROOM: ROOMS}), llm.selector_serializer)
    assert first == {
        "type": "object",
        "properties": {"room": {"type": "string", "enum": ["kitchen", "attic"], "description": "Where."}},
        "additionalProperties": False,
    }
    first["properties"] = {}
    again = probatio.Optional("room", description="Where.")
    assert again is not ROOM
    assert kept_schema(probatio.Schema({again: ROOMS}), llm.selector_serializer)["properties"].keys() == {"room"}
    assert len(described) == 1


@pytest.mark.parametrize(
    ("schema", "serializer"),
    [
        (probatio.Schema({ROOM: probatio.In(["kitchen", "cellar"])}), llm.selector_serializer),
        (probatio.Schema({probatio.Optional("room", description="Which."): ROOMS}), llm.selector_serializer),
        (probatio.Schema({probatio.Required("room", description="Where."): ROOMS}), llm.selector_serializer),
        (probatio.Schema({probatio.Optional("room", None, "attic", "Where."): ROOMS}), llm.selector_serializer),
        (probatio.Schema({ROOM: ROOMS, probatio.Optional("name"): cv.string}), llm.selector_serializer),
        (probatio.Schema({ROOM: ROOMS}, extra=probatio.ALLOW_EXTRA), llm.selector_serializer),
        (probatio.Schema({ROOM: ROOMS}), lambda value: {"type": "string"} if value is ROOMS else probatio.UNSUPPORTED),
    ],
)
def test_other_parts_are_described_anew(
    schema: probatio.Schema, serializer: object, described: list[probatio.Schema]
) -> None:
    known = kept_schema(probatio.Schema({ROOM: ROOMS}), llm.selector_serializer)
    described.clear()
    assert kept_schema(schema, serializer) != known
    assert len(described) == 1


async def test_the_second_session_describes_nothing_anew(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, described: list[probatio.Schema]
) -> None:
    await async_build_house(hass)
    await use(hass, brain)
    first = offered(brain)
    assert described
    described.clear()
    await use(hass, brain)
    assert described == []
    assert offered(brain) == first
    assert len(first) > 5
