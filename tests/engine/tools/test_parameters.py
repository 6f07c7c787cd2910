import enum
import inspect
import json
import typing
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial, wraps
from typing import Annotated, Any, Literal, Optional, TypedDict, Union

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, model_validator

from custom_components.rtvoice.engine.errors import ToolArgumentsError
from custom_components.rtvoice.engine.tools.parameters import Parameters, from_model, from_signature, signature_of

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For busy machines."""

type Check = Callable[[dict[str, Any]], None]
type City = Annotated[str, "A city"]
type Forest = Annotated[list[Forest], "Trees all the way down"]


class Mode(enum.Enum):
    HEAT = "heat"
    COOL = "cool"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Lamp(BaseModel):
    name: str
    brightness: int = Field(default=100, ge=0, le=100)


@dataclass
class Point:
    x: int
    y: int = 0


class Options(TypedDict, total=False):
    fast: bool


def parameters_of(function: Callable[..., object], hidden: Sequence[str] = ()) -> Parameters:
    return from_signature(list(signature_of(function).parameters.values()), hidden, __name__)


def keywords(function: Callable[..., object], **arguments: object) -> dict[str, object]:
    parameters = parameters_of(function)
    return parameters.keywords(parameters.parse(json.dumps(arguments)))


def properties(function: Callable[..., object]) -> dict[str, Any]:
    found: dict[str, Any] = parameters_of(function).schema["properties"]
    return found


def test_b19_schema_is_complete(check_schema: Check) -> None:
    def tool(
        mode: Mode,
        level: Level,
        unit: Literal["C", "F"],
        lamps: list[Lamp],
        names: Sequence[str],
        point: Point,
        options: Options,
        when: date,
        how: int | str,
        share: Annotated[float, "A share", Field(ge=0, le=1)] = 0.5,
        maybe: Optional[int] = None,  # noqa: UP045 - the old spelling must work
    ) -> None: ...

    schema = parameters_of(tool).schema
    check_schema(schema)
    found = schema["properties"]
    assert schema["required"] == ["mode", "level", "unit", "lamps", "names", "point", "options", "when", "how"]
    assert found["mode"] == {"type": "string", "enum": ["heat", "cool"]}
    assert found["level"] == {"type": "integer", "enum": [1, 2]}
    assert found["unit"] == {"type": "string", "enum": ["C", "F"]}
    assert found["lamps"]["items"]["properties"]["brightness"] == {
        "type": "integer",
        "minimum": 0,
        "maximum": 100,
        "default": 100,
    }
    assert found["names"] == {"type": "array", "items": {"type": "string"}}
    assert found["point"]["required"] == ["x"]
    assert found["options"]["properties"] == {"fast": {"type": "boolean"}}
    assert found["when"] == {"type": "string", "format": "date"}
    assert found["how"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert found["share"] == {"type": "number", "description": "A share", "minimum": 0, "maximum": 1, "default": 0.5}
    assert found["maybe"] == {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}


def test_descriptions_are_found_everywhere() -> None:
    def tool(
        city: City,
        other: City | None,
        names: list[Annotated[str, "A name"]],
        old: Annotated[Union[int, None], 3, "A number", "ignored"],  # noqa: UP007 - the old spelling must work
        inner: dict[str, Annotated[int, Field(description="A count")]],
        forest: Forest,
        plain: Annotated[int, 3],
        bare=1,
    ) -> None: ...

    found = properties(tool)
    assert found["city"] == {"type": "string", "description": "A city"}
    assert found["other"]["anyOf"][0] == {"type": "string", "description": "A city"}
    assert found["names"]["items"]["description"] == "A name"
    assert found["old"]["description"] == "A number"
    assert found["inner"]["additionalProperties"]["description"] == "A count"
    assert found["forest"]["description"] == "Trees all the way down"
    assert found["plain"] == {"type": "integer"}
    assert found["bare"] == {"default": 1}


def test_parameters_may_be_called_anything() -> None:
    def tool(copy: int, model_config: int, json: int, _hidden: int, self_: int, p0: int = 7) -> None: ...

    arguments = {"copy": 1, "model_config": 2, "json": 3, "_hidden": 4, "self_": 5, "p0": 6}
    assert keywords(tool, **arguments) == arguments
    assert properties(tool).keys() == arguments.keys()


def test_own_default_is_left_to_the_function() -> None:
    missing = object()

    def tool(
        a: int | None = missing,  # type: ignore[assignment]  # a default under test
        b: list[int] = [],  # noqa: B006 - a default under test
        *,
        c: int = Field(default=3),
        d: Annotated[int, Field(default=4)],
    ) -> None: ...

    assert keywords(tool) == {"c": 3, "d": 4}
    assert keywords(tool, a=1, b=["2"]) == {"a": 1, "b": [2], "c": 3, "d": 4}
    parsed = parameters_of(tool)
    assert parsed.values(parsed.parse("{}"))["b"] == []


def test_json_of_a_model_is_read_leniently() -> None:
    def tool(a: int, b: bool, c: Mode, d: date, e: set[int], f: Lamp) -> None: ...

    assert keywords(tool, a="5", b="true", c="heat", d="2026-01-02", e=[1, 1], f={"name": "x"}) == {
        "a": 5,
        "b": True,
        "c": Mode.HEAT,
        "d": date(2026, 1, 2),
        "e": {1},
        "f": Lamp(name="x"),
    }


def test_iterables_are_lists() -> None:
    def tool(
        a: Iterable[int], b: Collection[Annotated[str, "A name"]], c: typing.Iterable, d: Collection | None
    ) -> None: ...

    found = properties(tool)
    assert found["a"] == {"type": "array", "items": {"type": "integer"}}
    assert found["b"] == {"type": "array", "items": {"type": "string", "description": "A name"}}
    assert found["c"] == {"type": "array", "items": {}}
    assert keywords(tool, a=["1"], b=[], c=[{}], d=None) == {"a": [1], "b": [], "c": [{}], "d": None}
    with pytest.raises(ToolArgumentsError, match=r"a\.0: "):
        keywords(tool, a=["x"], b=[], c=[], d=[])


def test_b18_wrong_fields_are_named() -> None:
    def tool(lamps: list[Lamp], level: Level, city: str) -> None: ...

    with pytest.raises(ToolArgumentsError) as caught:
        keywords(tool, lamps=[{"name": "a"}, {"name": "b", "brightness": 200}], level=7, extra=1)
    lines = str(caught.value).split("; ")
    assert [line.split(":")[0] for line in lines] == ["extra", "lamps.1.brightness", "level", "city"]
    assert "100" in lines[1]


@pytest.mark.parametrize("text", ["{", "[1]", "3", "null", '{"a": "\ud800"}', "[" * 10_000, '{"a": 1} x', "\x00"])
def test_bad_json_is_said(text: str) -> None:
    def tool(a: str = "") -> None: ...

    with pytest.raises(ToolArgumentsError, match="arguments: "):
        parameters_of(tool).parse(text)


def test_blank_arguments_are_none() -> None:
    def tool() -> None: ...

    parameters = parameters_of(tool)
    assert parameters.schema == {"type": "object", "properties": {}, "additionalProperties": False}
    assert parameters.keywords(parameters.parse(" ")) == {}


def test_complaints_are_bounded() -> None:
    def tool(a: list[int]) -> None: ...

    with pytest.raises(ToolArgumentsError, match="and 90 more"):
        keywords(tool, a=["x"] * 100)


def test_hidden_names_are_ignored() -> None:
    def tool(a: int) -> None: ...

    parameters = parameters_of(tool, hidden=["bus"])
    assert parameters.schema["properties"].keys() == {"a"}
    assert parameters.keywords(parameters.parse('{"a": 1, "bus": "evil"}')) == {"a": 1}
    assert parameters.values(parameters.parse('{"a": 1, "bus": "evil"}')) == {"a": 1}


def test_functions_that_cannot_be_called_by_name() -> None:
    def positional(a: int, /) -> None: ...
    def many(*a: int) -> None: ...
    def named(**a: int) -> None: ...

    for function in (positional, many, named):
        with pytest.raises(ValueError, match="'a' cannot be given by name"):
            signature_of(function)


def test_annotations_that_cannot_be_evaluated() -> None:
    def tool(a: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821 - the mistake under test
    def nested(a: list["Missing"]) -> None: ...  # type: ignore[name-defined]  # noqa: F821, UP037 - the mistake under test

    with pytest.raises(ValueError, match="Missing"):
        signature_of(tool)
    with pytest.raises(ValueError, match="Missing"):
        parameters_of(nested)


def test_strings_as_annotations() -> None:
    def tool(a: "list[Lamp]", b: list["Lamp"]) -> None: ...  # noqa: UP037 - the old spelling must work

    assert keywords(tool, a=[], b=[{"name": "x"}]) == {"a": [], "b": [Lamp(name="x")]}


def test_types_without_a_schema() -> None:
    class Bus:
        pass

    def foreign(bus: Bus) -> None: ...
    def callback(a: Callable[[int], str]) -> None: ...

    with pytest.raises(ValueError, match="Inject"):
        parameters_of(foreign)
    with pytest.raises(ValueError, match="JSON schema"):
        parameters_of(callback)


def test_wrapped_functions_and_partials() -> None:
    def tool(a: int, b: str) -> None: ...

    @wraps(tool)
    def wrapped(*args: object, **kwargs: object) -> None: ...

    assert properties(wrapped).keys() == {"a", "b"}
    assert properties(partial(tool, 1)).keys() == {"b"}


def model_parameters(function: Callable[..., object]) -> Parameters:
    return from_model(Lamp, list(inspect.signature(function).parameters.values()))


def test_whole_model_goes_to_one_parameter(check_schema: Check) -> None:
    def tool(lamp: Annotated[Lamp, "x"], retries: int = 3) -> None: ...
    def lenient(lamp) -> None: ...

    parameters = model_parameters(tool)
    check_schema(parameters.schema)
    parsed = parameters.parse('{"name": "x", "brightness": "5"}')
    assert parameters.keywords(parsed) == {"lamp": Lamp(name="x", brightness=5)}
    assert parameters.values(parsed) == {"name": "x", "brightness": 5}
    assert model_parameters(lenient).receiver == "lamp"


def test_functions_that_do_not_take_the_model() -> None:
    def none() -> None: ...
    def two(a: Lamp, b: Lamp) -> None: ...
    def more(a: Lamp, b: int) -> None: ...
    def unclear(a: int, b: int) -> None: ...

    for function in (none, two, unclear):
        with pytest.raises(ValueError, match="exactly one"):
            model_parameters(function)
    with pytest.raises(ValueError, match="'b' is neither"):
        model_parameters(more)


def test_validators_of_the_model_speak() -> None:
    class Range(BaseModel):
        low: int
        high: int

        @model_validator(mode="after")
        def ordered(self) -> Range:
            if self.low > self.high:
                raise ValueError("low is above high")
            return self

    def tool(given: Range) -> None: ...

    parameters = from_model(Range, list(inspect.signature(tool).parameters.values()))
    with pytest.raises(ToolArgumentsError, match="low is above high"):
        parameters.parse('{"low": 2, "high": 1}')


TYPES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers(-(2**53), 2**53)),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (str, st.text(max_size=8)),
    (bool, st.booleans()),
    (Mode, st.sampled_from(Mode)),
    (Level, st.sampled_from(Level)),
    (Literal["a", 1], st.sampled_from(["a", 1])),
    (Lamp, st.builds(Lamp, name=st.text(max_size=8), brightness=st.integers(0, 100))),
    (Point, st.builds(Point, st.integers(-9, 9), st.integers(-9, 9))),
    (Annotated[int, "A number", Field(ge=3, le=9)], st.integers(3, 9)),
]


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[Any, Any]:
    kind, values = draw(st.sampled_from(TYPES))
    shape = draw(st.integers(0, 5))
    if shape == 1:
        return kind | None, draw(values | st.none())
    if shape == 2:
        return list[kind], draw(st.lists(values, max_size=3))
    if shape == 3:
        return dict[str, kind], draw(st.dictionaries(st.text(max_size=3), values, max_size=3))
    if shape == 4:
        return tuple[kind, int], (draw(values), draw(st.integers(0, 9)))
    if shape == 5:
        return tuple[kind, ...], tuple(draw(st.lists(values, max_size=3)))
    return kind, draw(values)


@UNHURRIED
@given(st.lists(typed_values(), max_size=4), st.booleans())
def test_what_fits_the_schema_reaches_the_function_as_it_was(
    check_schema: Check, fits: Callable[[Any, dict[str, Any]], bool], arguments: list[tuple[Any, Any]], defaults: bool
) -> None:
    parameters = from_signature(
        [
            inspect.Parameter(
                f"a{index}", inspect.Parameter.KEYWORD_ONLY, annotation=hint, **({"default": value} if defaults else {})
            )
            for index, (hint, value) in enumerate(arguments)
        ],
        [],
        __name__,
    )
    check_schema(parameters.schema)
    sent = {
        f"a{index}": TypeAdapter(hint).dump_python(value, mode="json") for index, (hint, value) in enumerate(arguments)
    }
    assert fits(sent, parameters.schema)
    for index, (_, value) in enumerate(arguments):
        if defaults and "default" in (schema := parameters.schema["properties"][f"a{index}"]):
            assert fits(schema["default"], {**schema, "$defs": parameters.schema.get("$defs", {})}), value
    assert parameters.keywords(parameters.parse(json.dumps(sent))) == {
        f"a{index}": value for index, (_, value) in enumerate(arguments)
    }


@UNHURRIED
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    def tool(a: int = 0) -> None: ...

    with suppress(ToolArgumentsError):
        assert parameters_of(tool).parse(text) is not None
