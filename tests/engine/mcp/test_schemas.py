import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.rtvoice.engine.mcp.schemas import object_schema

STRING = {"type": "string"}


def schema(raw: object) -> dict:
    return object_schema(raw)[0]


def member(raw: object) -> object:
    return schema({"type": "object", "properties": {"x": raw}})["properties"]["x"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"type": "object"}, {"type": "object", "properties": {}}),
        ({"properties": {"x": STRING}}, {"type": "object", "properties": {"x": STRING}}),
        ({"type": ["null", "object"], "properties": {}}, {"type": "object", "properties": {}}),
        ({"type": "object", "properties": None, "required": "x"}, {"type": "object", "properties": {}}),
        ({"type": "Object", "required": ["x", 1]}, {"type": "object", "properties": {}, "required": ["x"]}),
        (
            {"type": "object", "$schema": "s", "$id": "i", "additionalProperties": False},
            {"type": "object", "properties": {}, "additionalProperties": False},
        ),
    ],
)
def test_roots_become_objects(raw, expected) -> None:
    assert object_schema(raw) == (expected, ())


@pytest.mark.parametrize(
    ("raw", "odd"),
    [
        (None, "it has no schema"),
        ([], "its schema is no object"),
        ({"type": "array"}, "its arguments are no object"),
        ({"anyOf": [{"type": "string"}], "type": "string"}, "its arguments are no object"),
    ],
)
def test_what_is_no_object_takes_nothing(raw, odd) -> None:
    assert object_schema(raw) == ({"type": "object", "properties": {}}, (odd,))


def test_unions_and_intersections_at_the_root_become_one_object() -> None:
    first = {"type": "object", "properties": {"a": STRING, "b": STRING}, "required": ["a", "b"]}
    second = {"properties": {"a": {"type": "integer"}, "c": STRING}, "required": ["a", "c"]}
    assert schema({"oneOf": [first, second, {"type": "null"}]}) == {
        "type": "object",
        "properties": {"a": {"anyOf": [STRING, {"type": "integer"}]}, "b": STRING, "c": STRING},
        "required": ["a"],
    }
    assert schema({"allOf": [first, second], "required": ["d"]})["required"] == ["d", "a", "b", "c"]
    assert set(schema({"properties": {"z": STRING}, "anyOf": [first]})["properties"]) == {"a", "b", "z"}


def test_a_reference_at_the_root_is_resolved_and_recursion_ends() -> None:
    raw = {
        "$ref": "#/$defs/Node",
        "$defs": {
            "Node": {
                "type": "object",
                "description": "A node",
                "properties": {"next": {"$ref": "#/$defs/Node"}},
                "required": ["next"],
            }
        },
    }
    assert schema(raw) == {
        "type": "object",
        "description": "A node",
        "properties": {"next": {"$ref": "#/$defs/Node"}},
        "required": ["next"],
        "$defs": raw["$defs"],
    }
    assert schema({"$ref": "#"}) == {"type": "object", "properties": {}}
    assert schema({"allOf": [{"$ref": "#/definitions/a~1b"}], "definitions": {"a/b": {"properties": {"x": STRING}}}})[
        "properties"
    ] == {"x": STRING}


@pytest.mark.parametrize("reference", ["#/$defs/none", "http://elsewhere/schema", 7, "#/$defs/none/deeper"])
def test_references_to_nothing_allow_anything(reference) -> None:
    repaired, odd = object_schema({"type": "object", "properties": {"x": {"$ref": reference}}})
    assert repaired["properties"] == {"x": {}}
    assert odd == ("its schema refers to something that is not there",)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
        ({"type": ["string", "magic"]}, STRING),
        ({"type": "magic"}, {}),
        ({"type": "int"}, {"type": "integer"}),
        ({"type": {}}, {}),
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"type": ["array", "null"]}, {"type": ["array", "null"], "items": {}}),
        ({"type": "array", "items": [STRING, {"type": "int"}]},
         {"type": "array", "items": {"anyOf": [STRING, {"type": "integer"}]}}),
        ({"type": "array", "items": []}, {"type": "array", "items": {}}),
        ({"type": "array", "items": True}, {"type": "array", "items": {}}),
        ({"enum": [1, None, "a"]}, {"enum": [1, None, "a"]}),
        ({"enum": []}, {}),
        ({"enum": "a"}, {}),
        ({"anyOf": [STRING, True, None]}, {"anyOf": [STRING, {}, {}]}),
        ({"anyOf": []}, {}),
        ({"anyOf": "a"}, {}),
        (True, {}),
        (False, {"not": {}}),
        ("text", {}),
        ({"type": "object", "additionalProperties": {"type": "float"}},
         {"type": "object", "additionalProperties": {"type": "number"}}),
        ({"const": 1, "default": None, "x-odd": [1]}, {"const": 1, "default": None, "x-odd": [1]}),
        ({"type": "object", "properties": {"type": STRING}}, {"type": "object", "properties": {"type": STRING}}),
    ],
)  # fmt: skip
def test_schemas_inside_are_repaired(raw, expected) -> None:
    assert member(raw) == expected


def test_depth_is_bounded() -> None:
    deep: dict = {}
    for _ in range(100):
        deep = {"items": deep}
    repaired, odd = object_schema({"properties": {"x": deep, "y": deep}})
    assert odd == ("its schema is nested too deeply",)
    assert json.dumps(repaired).count("items") < 2 * 70
    circle = {"$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}
    assert schema(circle) == {"type": "object", "properties": {}, "$defs": circle["$defs"]}


def test_a_few_schemas_that_stand_for_any_number_are_read_at_once() -> None:
    circle = {"$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}]}}, "$ref": "#/$defs/A"}
    assert schema(circle)["properties"] == {}
    steps = {f"S{n}": {"anyOf": [{"$ref": f"#/$defs/S{n + 1}"}] * 2} for n in range(60)}
    assert schema({"$defs": steps, "$ref": "#/$defs/S0"})["type"] == "object"


@pytest.mark.parametrize(
    "raw", [{"properties": {"x": {"description": "x" * 40_000}}}, {"enum": [1] * 40_000}, {"x" * 40_000: 1}]
)
def test_a_schema_that_is_too_large_is_not_read(raw) -> None:
    assert object_schema(raw) == ({"type": "object", "properties": {}}, ("its schema is too large",))


@pytest.mark.parametrize("union", ["allOf", "anyOf", "oneOf"])
def test_a_schema_that_refers_to_itself_many_times_is_read_at_once(union) -> None:
    # Following every reference anew would take longer than there is time.
    assert schema({union: [{"$ref": "#"}] * 50, "properties": {"x": STRING}})["properties"] == {"x": STRING}
    chain = {f"d{n}": {union: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)}
    ended = {"properties": {"x": STRING}}
    raw = {"$ref": "#/$defs/d0", "$defs": {**chain, "d30": ended}}
    assert schema(raw)["properties"] == {"x": STRING}


KEYS = ["type", "properties", "required", "items", "anyOf", "allOf", "$ref", "$defs", "enum", "not", "x"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["object", "array", "#", "#/$defs/x", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_anything_becomes_a_schema_of_an_object(raw) -> None:
    repaired, _ = object_schema(raw)
    assert repaired["type"] == "object"
    assert isinstance(repaired["properties"], dict)
    assert not {"anyOf", "oneOf", "allOf", "not", "enum", "$ref"} & set(repaired)
    assert isinstance(repaired.get("required", []), list)
