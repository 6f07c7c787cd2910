"""JSON schemas of pydantic models as models of language like them: complete, self-contained and without noise.

Dialect: JSON Schema draft 2020-12.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, cast, override

import orjson
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError

type Schema = dict[str, Any]

_REF = "$ref"
_DEFS = "$defs"
_REF_PREFIX = "#/$defs/"
_NOISE = frozenset({"title", "discriminator", _DEFS})
_ONE = frozenset(
    {"items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else"}
    | {"unevaluatedItems", "unevaluatedProperties", "contentSchema"}
)
_MANY = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas"})


def object_schema(model: type[BaseModel]) -> Schema:
    """Return the schema of a model's JSON object.

    References are inlined, except those of types that contain themselves. Objects with known properties take no others,
    unless the model says so. Raises pydantic's errors for types without a schema, ValueError for no JSON object.
    """
    raw = model.model_json_schema(schema_generator=_Generator)
    definitions: dict[str, Schema] = raw.get(_DEFS, {})
    recursive = {name for name in definitions if name in _reachable(definitions[name], definitions)}
    tidy = _Tidy(definitions, frozenset(recursive))
    root = {**definitions[_target(raw)], **raw} if _REF in raw else raw
    schema = tidy.schema({key: value for key, value in root.items() if key != _REF})
    if schema.get("type") != "object":
        raise ValueError("it is no JSON object")
    schema.setdefault("properties", {})
    schema.setdefault("additionalProperties", False)
    used = _reachable(schema, definitions)
    if kept := {name: tidy.schema(definitions[name]) for name in sorted(recursive & used)}:
        schema[_DEFS] = kept
    check_json(schema)
    return schema


def check_json(value: object) -> None:
    """Raise ValueError or TypeError for what cannot be sent as JSON: foreign objects, NaN, integers beyond 64 bits."""
    json.dumps(value, allow_nan=False)
    orjson.dumps(value)


class _Generator(GenerateJsonSchema):
    """Leaves out defaults that JSON cannot carry, without a warning."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - pydantic's interface

    @override
    def encode_default(self, dft: Any) -> Any:
        try:
            encoded = super().encode_default(dft)
            check_json(encoded)
        except (TypeError, ValueError) as err:
            raise PydanticSerializationError("no JSON") from err
        return encoded


class _Tidy:
    """Rewrites schemas, and only what is a schema in them: never a default, a constant or the name of a property."""

    def __init__(self, definitions: dict[str, Schema], recursive: frozenset[str]) -> None:
        self._definitions = definitions
        self._recursive = recursive

    def schema(self, raw: Schema) -> Schema:
        """A tidied copy."""
        if _REF in raw and (name := _target(raw)) not in self._recursive:
            siblings = {key: value for key, value in raw.items() if key != _REF}
            return self.schema({**self._definitions[name], **siblings})
        tidied = {key: _rewritten(key, value, self.schema) for key, value in raw.items() if key not in _NOISE}
        if "properties" in tidied:
            tidied.setdefault("additionalProperties", False)
        if tidied.get("type") == "array" and "items" not in tidied:
            tidied["items"] = _item_schema(tidied.get("prefixItems", []))
        return tidied


def _rewritten(key: str, value: Any, rewrite: Callable[[Schema], Schema]) -> Any:
    if key in _ONE and isinstance(value, dict):
        return rewrite(value)
    if key in _MANY:
        return [rewrite(member) for member in value]
    if key in _NAMED:
        return {name: rewrite(member) for name, member in value.items()}
    return value


def _item_schema(prefix: list[Schema]) -> Schema:
    """Items for a tuple: providers want `items` on every array; behind a full `prefixItems` it allows nothing more."""
    distinct: list[Schema] = []
    for member in prefix:
        if member not in distinct:
            distinct.append(member)
    if not distinct:
        return {}
    return distinct[0] if len(distinct) == 1 else {"anyOf": distinct}


def _reachable(schema: Schema, definitions: dict[str, Schema]) -> set[str]:
    """Names of all definitions that a schema refers to, directly or not."""
    found: set[str] = set()
    pending = list(_references(schema))
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(_references(definitions[name]))
    return found


def _references(schema: Schema) -> Iterator[str]:
    if _REF in schema:
        yield _target(schema)
    for key, value in schema.items():
        members: list[Any] = []
        if key in _ONE:
            members = [value]
        elif key in _MANY:
            members = value
        elif key in _NAMED:
            members = list(value.values())
        for member in members:
            if isinstance(member, dict):
                yield from _references(member)


def _target(schema: Schema) -> str:
    return cast("str", schema[_REF]).removeprefix(_REF_PREFIX)
