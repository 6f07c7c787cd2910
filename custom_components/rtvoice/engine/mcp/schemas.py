"""Schemas of foreign tools, made into what providers take for a function: a JSON schema whose root is a plain object.

Dialect: JSON Schema draft 2020-12; older drafts' `definitions` are kept where they are, references into them work.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

type Schema = dict[str, Any]

_TYPES: Final = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_LIKELY_TYPES: Final = {
    "str": "string", "text": "string", "int": "integer", "long": "integer", "float": "number", "double": "number",
    "bool": "boolean", "dict": "object", "map": "object", "list": "array", "none": "null",
}  # fmt: skip
_ONE: Final = frozenset({"items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else"})
_MANY: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_NAMED: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_UNIONS: Final = ("anyOf", "oneOf")
_FORBIDDEN_AT_ROOT: Final = frozenset({*_UNIONS, "allOf", "not", "enum", "const", "if", "then", "else", "$ref"})
_DROPPED_AT_ROOT: Final = frozenset({"$schema", "$id"})
_MAX_DEPTH: Final = 64
MAX_WEIGHT: Final = 30_000
"""Characters and values of the largest schema that is read."""


def object_schema(raw: object) -> tuple[Schema, tuple[str, ...]]:
    """Return a valid schema of an object and, in words, what was lost on the way."""
    if raw is None:
        return {"type": "object", "properties": {}}, ("it has no schema",)
    if not isinstance(raw, dict):
        return {"type": "object", "properties": {}}, ("its schema is no object",)
    if _outweighs(raw, MAX_WEIGHT):
        return {"type": "object", "properties": {}}, ("its schema is too large",)
    odd: list[str] = []
    schema = _Repair(raw, odd).schema(raw, 0)
    root = _Merge(schema).whole(schema)
    if not _may_be_object(root.get("type", "object")):
        odd.append("its arguments are no object")
        root = {}
    root = {key: value for key, value in root.items() if key not in _FORBIDDEN_AT_ROOT | _DROPPED_AT_ROOT}
    root["type"] = "object"
    root.setdefault("properties", {})
    return root, tuple(odd)


class _Repair:
    """Rewrites a schema and all schemas in it; what cannot be valid is left out."""

    def __init__(self, root: Schema, odd: list[str]) -> None:
        self._root = root
        self._odd = odd

    def schema(self, raw: object, depth: int) -> Schema:
        """A repaired copy; True and everything that is no schema allows anything."""
        if depth > _MAX_DEPTH:
            self._lost("its schema is nested too deeply")
            return {}
        if raw is False:
            return {"not": {}}
        if not isinstance(raw, dict):
            return {}
        repaired: Schema = {}
        for key, value in raw.items():
            if (kept := self._keyword(key, value, depth + 1)) is not None:
                repaired[key] = kept[0]
        if _is_array(repaired.get("type")):
            repaired.setdefault("items", {})
        return repaired

    def _keyword(self, key: str, value: object, depth: int) -> tuple[object] | None:
        """A keyword's repaired value, None to leave the keyword out."""
        if key == "type":
            return self._type(value)
        if key == "$ref":
            return self._reference(value)
        if key in _ONE:
            return self._one(key, value, depth)
        if key in _MANY:
            members = [self.schema(member, depth) for member in value] if isinstance(value, list) else []
            return (members,) if members else None
        if key in _NAMED:
            named = value if isinstance(value, dict) else {}
            return ({name: self.schema(member, depth) for name, member in named.items()},)
        if key == "required":
            return (_strings(value),) if isinstance(value, list) else None
        if key == "enum":
            return (value,) if isinstance(value, list) and value else None
        return (value,)

    def _one(self, key: str, value: object, depth: int) -> tuple[object] | None:
        if isinstance(value, bool):
            return (value,) if key == "additionalProperties" else (self.schema(value, depth),)
        if isinstance(value, list) and key == "items":
            # Drafts before 2020-12 wrote the members of a tuple so.
            return ({"anyOf": [self.schema(member, depth) for member in value]} if value else {},)
        return (self.schema(value, depth),)

    def _type(self, value: object) -> tuple[object] | None:
        if isinstance(value, str) and (name := _type_name(value)):
            return (name,)
        if isinstance(value, list) and (names := list(dict.fromkeys(filter(None, map(_type_name, _strings(value)))))):
            return (names[0] if len(names) == 1 else names,)
        return None

    def _reference(self, value: object) -> tuple[object] | None:
        if isinstance(value, str) and _target(self._root, value) is not None:
            return (value,)
        self._lost("its schema refers to something that is not there")
        return None

    def _lost(self, words: str) -> None:
        if words not in self._odd:
            self._odd.append(words)


class _Merge:
    """Puts the references, unions and intersections at the top of an object's schema into one.

    A union takes the properties of all its members and requires what all of them require. Each schema is looked at
    once, however often it is referred to; one that is part of itself adds nothing to itself.
    """

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._merged: dict[int, Schema] = {}

    def whole(self, schema: Schema, depth: int = 0) -> Schema:
        """The schema with all of its parts."""
        if depth > _MAX_DEPTH:
            return {}
        if (known := self._merged.get(id(schema))) is not None:
            return known
        self._merged[id(schema)] = {}
        merged = {key: value for key, value in schema.items() if key not in _FORBIDDEN_AT_ROOT}
        for part in self._parts(schema, depth + 1):
            _add(part, merged)
        self._merged[id(schema)] = merged
        return merged

    def _parts(self, schema: Schema, depth: int) -> list[Schema]:
        parts = [self.whole(member, depth) for member in schema.get("allOf", ())]
        if isinstance(reference := schema.get("$ref"), str) and (target := _target(self._root, reference)) is not None:
            parts.append(self.whole(target, depth))
        for union in _UNIONS:
            members = [self.whole(member, depth) for member in schema.get(union, ())]
            if members := [member for member in members if _may_be_object(member.get("type", "object"))]:
                parts.append(_united(members))
        return parts


def _outweighs(raw: object, limit: int) -> bool:
    """Whether a value has more characters and values than that, which is found out without recursion."""
    waiting = [raw]
    while waiting and limit >= 0:
        value = waiting.pop()
        limit -= len(value) if isinstance(value, str) else 1
        if isinstance(value, dict):
            limit -= sum(map(len, value))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return limit < 0


def _add(part: Schema, whole: Schema) -> None:
    """Let a schema hold for `whole` too; where both say something, `whole` is believed."""
    required = [*whole.get("required", ()), *part.get("required", ())]
    properties = part.get("properties", {}) | whole.get("properties", {})
    for key, value in part.items():
        whole.setdefault(key, value)
    if properties:
        whole["properties"] = properties
    if required:
        whole["required"] = list(dict.fromkeys(required))


def _united(members: list[Schema]) -> Schema:
    """What at least one of the schemas allows, or somewhat more."""
    variants: dict[str, list[Schema]] = {}
    for member in members:
        for name, schema in member.get("properties", {}).items():
            if schema not in variants.setdefault(name, []):
                variants[name].append(schema)
    properties = {name: each[0] if len(each) == 1 else {"anyOf": each} for name, each in variants.items()}
    united: Schema = {"properties": properties} if properties else {}
    if required := _required_by_all(members):
        united["required"] = required
    return united


def _required_by_all(members: list[Schema]) -> list[str]:
    return [name for name in members[0].get("required", ()) if all(name in m.get("required", ()) for m in members)]


def _target(root: Schema, reference: str) -> Schema | None:
    """What a local reference stands for."""
    if reference == "#":
        return root
    if not reference.startswith("#/"):
        return None
    found: object = root
    for step in reference[2:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, dict) else None


def _type_name(value: str) -> str | None:
    lowered = value.lower()
    return lowered if lowered in _TYPES else _LIKELY_TYPES.get(lowered)


def _may_be_object(kind: object) -> bool:
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def _is_array(kind: object) -> bool:
    return kind == "array" or (isinstance(kind, list) and "array" in kind)


def _strings(values: Iterable[object]) -> list[str]:
    return [value for value in values if isinstance(value, str)]
