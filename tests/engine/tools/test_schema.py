import enum
import warnings
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel

from custom_components.rtvoice.engine.tools.schema import object_schema

type Check = Callable[[dict[str, Any]], None]
type Json = dict[str, Json] | list[Json] | str | None


class Colour(enum.Enum):
    """A colour."""

    RED = "red"
    BLUE = "blue"


class Size(BaseModel):
    width: int
    title: str = "untitled"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]


class Node(BaseModel):
    """A node."""

    size: Size
    children: list[Node] = []


class Kitchen(BaseModel):
    colour: Colour = Colour.RED
    size: Size | None = Field(default=None, description="How big", title="Size!")
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    node: Node | None = None
    point: tuple[int, str] = (1, "a")
    pair: tuple[int, int] = (1, 2)
    nothing: tuple[()] = ()
    series: tuple[float, ...] = ()
    tags: set[str] = set()
    anything: dict = {}
    sizes: dict[str, Size] = {}
    bare: list = []
    free: Json = None
    default: dict[str, Any] = {"title": "kept", "discriminator": "kept"}


def test_whole_schema(check_schema: Check) -> None:
    schema = object_schema(Kitchen)
    check_schema(schema)
    size = {
        "type": "object",
        "properties": {"width": {"type": "integer"}, "title": {"type": "string", "default": "untitled"}},
        "required": ["width"],
        "additionalProperties": False,
    }
    properties = schema["properties"]
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["pet"]
    assert properties["colour"] == {
        "type": "string",
        "enum": ["red", "blue"],
        "description": "A colour.",
        "default": "red",
    }
    assert properties["size"] == {"anyOf": [size, {"type": "null"}], "default": None, "description": "How big"}
    assert [member["properties"]["kind"]["const"] for member in properties["pet"]["oneOf"]] == ["cat", "dog"]
    assert properties["point"]["items"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert properties["pair"]["items"] == {"type": "integer"}
    assert properties["nothing"] == {"type": "array", "minItems": 0, "maxItems": 0, "items": {}, "default": []}
    assert properties["series"]["items"] == {"type": "number"}
    assert properties["tags"]["uniqueItems"] is True
    assert properties["anything"]["additionalProperties"] is True
    assert properties["sizes"]["additionalProperties"] == size
    assert properties["bare"]["items"] == {}
    assert properties["default"]["default"] == {"title": "kept", "discriminator": "kept"}
    assert schema["$defs"].keys() == {"Json", "Node"}
    assert schema["$defs"]["Node"]["properties"]["size"] == size


def test_recursive_root_is_an_object(check_schema: Check) -> None:
    schema = object_schema(Node)
    check_schema(schema)
    assert schema["description"] == "A node."
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert schema["$defs"].keys() == {"Node"}


def test_model_without_fields(check_schema: Check) -> None:
    class Empty(BaseModel):
        pass

    schema = object_schema(Empty)
    check_schema(schema)
    assert schema == {"type": "object", "properties": {}, "additionalProperties": False}


def test_model_that_allows_more_says_so() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        a: int

    assert object_schema(Open)["additionalProperties"] is True


def test_property_named_like_a_keyword_is_kept(check_schema: Check) -> None:
    class Book(BaseModel):
        title: str
        properties: list[str]
        items: int
        discriminator: bool

    schema = object_schema(Book)
    check_schema(schema)
    assert schema["properties"].keys() == {"title", "properties", "items", "discriminator"}
    assert schema["required"] == ["title", "properties", "items", "discriminator"]


@pytest.mark.parametrize("default", [object(), b"\xff", float("inf"), float("nan"), {1: object()}, len, 1 << 80])
def test_default_that_json_cannot_carry_is_left_out(default: object, check_schema: Check) -> None:
    class Odd(BaseModel):
        a: Any = default

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema = object_schema(Odd)
    check_schema(schema)
    assert schema["properties"]["a"] == {}
    assert "required" not in schema


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(ValueError, match="object"):
        object_schema(RootModel[list[int]])


def test_schema_that_json_cannot_carry_is_refused() -> None:
    class Odd(BaseModel):
        a: float = Field(json_schema_extra={"examples": [float("nan")]})

    with pytest.raises(ValueError, match="JSON"):
        object_schema(Odd)
