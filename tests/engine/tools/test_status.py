import enum
import logging
from collections.abc import Callable

import pytest
from pydantic import BaseModel

from custom_components.rtvoice.engine.conversation.values import ToolCall
from custom_components.rtvoice.engine.tools import Inject, Tools
from custom_components.rtvoice.engine.tools.status import StatusSource


class Room(enum.Enum):
    KITCHEN = "kitchen"


class Trip(BaseModel):
    city: str
    days: int = 2


def tools_with(status: StatusSource | None) -> Tools:
    tools = Tools()

    @tools.action("Look", status=status)
    def look(room: Room, share: float = 0.5, bus: Inject[Tools | None] = None) -> None: ...

    return tools


def trip_tools(status: StatusSource) -> Tools:
    tools = Tools()

    @tools.action("Go", param_model=Trip, status=status)
    def look(trip: Trip) -> None: ...

    return tools


def look(arguments: str) -> ToolCall:
    return ToolCall("c1", "look", arguments)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("Looking", "Looking"),
        ("{{Looking}} at the {room}, {share:.0%}", "{Looking} at the kitchen, 50%"),
        (lambda room: f"In the {room.value}", "In the kitchen"),
        (lambda share, other=1: f"{share} {other}", "0.5 1"),
        (lambda **values: ",".join(values), "room,share"),
        (lambda: "Looking", "Looking"),
        (None, None),
    ],
)
def test_status_is_made_from_arguments(status: StatusSource | None, text: str | None) -> None:
    assert tools_with(status).status_of(look('{"room": "kitchen"}')) == text


def test_status_of_a_model() -> None:
    assert trip_tools("To {city} for {days}").status_of(look('{"city": "Rome"}')) == "To Rome for 2"
    assert trip_tools(lambda trip: f"To {trip.city}").status_of(look('{"city": "Rome"}')) == "To Rome"


@pytest.mark.parametrize("status", ["{city}", "{}", "{0}", "{room.name}", "{room", "{share:{room}}", "{bus}"])
def test_bad_templates_are_refused(status: str) -> None:
    with pytest.raises(ValueError, match="Tool 'look'"):
        tools_with(status)


def test_bad_functions_are_refused() -> None:
    with pytest.raises(ValueError, match="asks for 'city'"):
        tools_with(lambda city: city)
    with pytest.raises(ValueError, match="must take the param_model"):
        trip_tools(lambda: "x")


def test_no_status_for_calls_that_cannot_run() -> None:
    tools = tools_with("{room}")
    assert tools.status_of(look("{")) is None
    assert tools.status_of(look('{"room": "attic"}')) is None
    assert tools.status_of(ToolCall("c1", "other", "{}")) is None


def test_failing_status_is_logged_without_arguments(caplog: pytest.LogCaptureFixture) -> None:
    def failing(room: Room) -> str:
        raise KeyError(room.value)

    caplog.set_level(logging.WARNING)
    assert tools_with(failing).status_of(look('{"room": "kitchen"}')) is None
    assert "The status of tool look failed: KeyError" in caplog.text
    assert "kitchen" not in caplog.text


def test_status_that_is_no_text() -> None:
    wrong: Callable[..., str] = lambda: 3  # type: ignore[assignment,return-value]  # noqa: E731 - the mistake under test
    assert tools_with(wrong).status_of(look('{"room": "kitchen"}')) is None
