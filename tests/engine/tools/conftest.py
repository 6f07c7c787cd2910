"""Virtual time, and a reader of JSON Schema draft 2020-12 to check the schemas of tools with."""

import asyncio
import math
import re
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest

SCHEMA_KEYS = {"items", "additionalProperties", "contains", "propertyNames", "not"}
LIST_KEYS = {"anyOf", "oneOf", "allOf", "prefixItems"}
MAP_KEYS = {"properties", "patternProperties", "$defs"}
OTHER_KEYS: dict[str, type | tuple[type, ...]] = {
    "$ref": str,
    "type": (str, list),
    "enum": list,
    "const": object,
    "default": object,
    "examples": list,
    "description": str,
    "format": str,
    "pattern": str,
    "required": list,
    "minimum": (int, float),
    "maximum": (int, float),
    "exclusiveMinimum": (int, float),
    "exclusiveMaximum": (int, float),
    "multipleOf": (int, float),
    "minLength": int,
    "maxLength": int,
    "minItems": int,
    "maxItems": int,
    "minProperties": int,
    "uniqueItems": bool,
}
TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Skips to the next timer whenever nothing is ready, instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__(_SkippingSelector(self))
        self.now_s = 0.0

    def time(self) -> float:
        return self.now_s


class _SkippingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout:
            self._loop.now_s += timeout
        return ready


@pytest.fixture(scope="session")
def in_virtual_time() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine to its end without waiting for timers."""

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(coroutine)

    return run


@pytest.fixture(scope="session")
def check_schema() -> Callable[[dict[str, Any]], None]:
    """Assert that a schema is valid, self-contained, and of the shape that providers take."""

    def check(schema: dict[str, Any]) -> None:
        assert schema["type"] == "object"
        assert isinstance(schema["properties"], dict)
        _check(schema, schema)

    return check


@pytest.fixture(scope="session")
def fits() -> Callable[[Any, dict[str, Any]], bool]:
    """Whether a JSON value fits a schema."""
    return lambda value, schema: _fits(value, schema, schema)


def _check(schema: Any, root: Mapping[str, Any]) -> None:
    assert isinstance(schema, dict), schema
    assert schema.keys() <= SCHEMA_KEYS | LIST_KEYS | MAP_KEYS | OTHER_KEYS.keys(), schema
    for key, value in schema.items():
        if key in SCHEMA_KEYS and not isinstance(value, bool):
            _check(value, root)
        elif key in LIST_KEYS:
            assert value
            for member in value:
                _check(member, root)
        elif key in MAP_KEYS:
            for name, member in value.items():
                assert isinstance(name, str)
                _check(member, root)
        elif key in OTHER_KEYS:
            assert isinstance(value, OTHER_KEYS[key]), (key, value)
    _check_details(schema, root)


def _check_details(schema: dict[str, Any], root: Mapping[str, Any]) -> None:
    types = schema.get("type", [])
    assert set([types] if isinstance(types, str) else types) <= TYPES.keys()
    if types == "array":
        assert "items" in schema, "providers refuse arrays without items"
    assert set(schema.get("required", [])) <= schema.get("properties", {}).keys()
    re.compile(schema.get("pattern", ""))
    if "$ref" in schema:
        assert _resolved(schema["$ref"], root)


def _resolved(ref: str, root: Mapping[str, Any]) -> Any:
    assert ref.startswith("#/$defs/")
    return root["$defs"][ref.removeprefix("#/$defs/")]


def _fits(value: Any, schema: Any, root: Mapping[str, Any]) -> bool:
    if isinstance(schema, bool):
        return schema
    checks = [
        "$ref" not in schema or _fits(value, _resolved(schema["$ref"], root), root),
        "type" not in schema or TYPES[schema["type"]](value),
        "enum" not in schema or value in schema["enum"],
        "const" not in schema or value == schema["const"],
        "anyOf" not in schema or any(_fits(value, member, root) for member in schema["anyOf"]),
        "oneOf" not in schema or sum(_fits(value, member, root) for member in schema["oneOf"]) == 1,
    ]
    if not all(checks):
        return False
    if isinstance(value, list):
        return _list_fits(value, schema, root)
    if isinstance(value, dict):
        return _dict_fits(value, schema, root)
    return not TYPES["number"](value) or (schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf))


def _list_fits(value: list[Any], schema: dict[str, Any], root: Mapping[str, Any]) -> bool:
    prefix = schema.get("prefixItems", [])
    return (
        schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        and all(_fits(item, member, root) for item, member in zip(value, prefix, strict=False))
        and all(_fits(item, schema.get("items", True), root) for item in value[len(prefix) :])
    )


def _dict_fits(value: dict[str, Any], schema: dict[str, Any], root: Mapping[str, Any]) -> bool:
    properties = schema.get("properties", {})
    other = schema.get("additionalProperties", True)
    return set(schema.get("required", [])) <= value.keys() and all(
        _fits(item, properties.get(name, other), root) for name, item in value.items()
    )
