import enum
import json
from collections import deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from custom_components.rtvoice.engine.tools.result import ActionResult, bounded, to_text

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For busy machines."""


class Room(BaseModel):
    name: str
    lamps: list[int] = []


@dataclass
class Reading:
    value: float
    at: datetime


class Mode(enum.Enum):
    HEAT = "heat"


class Power(enum.StrEnum):
    ON = "on"


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Odd:
    def __str__(self) -> str:
        return "odd one"


def test_none_is_ok() -> None:
    assert to_text(None) == "OK"


def test_text_is_told_as_it_is() -> None:
    assert to_text('{"küche": 1}') == '{"küche": 1}'
    assert to_text("") == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"ort": "Köln"}, '{"ort":"Köln"}'),
        ([1, 2.5, True, None], "[1,2.5,true,null]"),
        ((1, 2), "[1,2]"),
        (deque([1]), "[1]"),
        (Room(name="Küche"), '{"name":"Küche","lamps":[]}'),
        ({"rooms": [Room(name="a", lamps=[1])]}, '{"rooms":[{"name":"a","lamps":[1]}]}'),
        (Reading(1.5, datetime(2026, 1, 2, tzinfo=UTC)), '{"value":1.5,"at":"2026-01-02T00:00:00Z"}'),
        (Mode.HEAT, '"heat"'),
        (Power.ON, '"on"'),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), '"2026-01-02T03:04:00Z"'),
        (date(2026, 1, 2), '"2026-01-02"'),
        (timedelta(minutes=1), '"PT1M"'),
        (True, "true"),
        (3, "3"),
        (1 << 80, str(1 << 80)),
        (float("nan"), "null"),
        (Decimal("1.10"), '"1.10"'),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (MappingProxyType({"a": MappingProxyType({"b": 1})}), '{"a":{"b":1}}'),
        ({"o": Odd()}, '{"o":"odd one"}'),
        (b"ab", "b'ab'"),
        (Odd(), "odd one"),
        (Room, str(Room)),
        (Reading, str(Reading)),
        (Broken(), "<Broken>"),
        ([Broken()], "<list>"),
    ],
)
def test_value_becomes_text(value: object, text: str) -> None:
    assert to_text(value) == text


def test_c2_nested_bytes_and_circles_do_not_raise() -> None:
    circle: list[object] = []
    circle.append(circle)
    assert to_text(circle) == "[[...]]"
    assert json.loads(to_text({"raw": b"\xff"})) == {"raw": "_w=="}


def test_lone_surrogates_do_not_break_the_message_to_the_provider() -> None:
    assert to_text("a\ud800b") == "a?b"
    to_text({"a": "\ud800"}).encode()


@UNHURRIED
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    )
)
def test_json_comes_back_as_it_was(value: object) -> None:
    if isinstance(value, list | dict):
        assert json.loads(to_text(value)) == value
    to_text(value).encode()


def test_long_output_is_cut_with_a_note() -> None:
    assert bounded("a" * 100, 100) == "a" * 100
    cut = bounded("a" * 101, 100)
    assert len(cut) == 100
    assert cut.startswith("aaaa")
    assert cut.endswith("[cut, 101 characters in all]")


@UNHURRIED
@given(st.text(), st.integers(min_value=0, max_value=60))
def test_output_never_exceeds_its_limit(text: str, limit: int) -> None:
    assert len(bounded(text, limit)) <= limit


def test_action_results() -> None:
    assert ActionResult.success(3, respond=False, instruction="be short") == ActionResult(3, True, False, "be short")
    assert ActionResult.fail("no such room") == ActionResult("no such room", False, None, None)
