"""What a tool takes, as JSON schema."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, override

import orjson
import probatio
from homeassistant.helpers.json import json_dumps

# Models want an object at the top. Alternatives there are Home Assistant's "at least one of", which tools check.
_TOP_LEVEL_ALTERNATIVES: Final = frozenset({"oneOf", "anyOf", "allOf", "enum", "not"})
_KEPT: Final = 256

type Serializer = Callable[[Any], Any] | None


def object_schema(schema: probatio.Schema, serializer: Serializer) -> dict[str, Any]:
    """Parameters as JSON schema of an object. Raises TypeError or ValueError for what cannot be described."""
    described = probatio.to_openapi(schema, custom_serializer=serializer, openapi_version="3.1.0")
    # Names from YAML are more than text, which the engine does not take.
    converted: dict[str, Any] = orjson.loads(json_dumps(described))
    kept = {key: value for key, value in converted.items() if key not in _TOP_LEVEL_ALTERNATIVES}
    return {"type": "object", "properties": {}} | kept


def kept_schema(schema: probatio.Schema, serializer: Serializer) -> dict[str, Any]:
    """`object_schema` for what is described again and again: of the same parts, it is described once.

    Home Assistant makes its tools anew for each session, of the same parts; their description, most of the work of
    making a session's tools, is kept for as long as the fields are called the same and what they take are the very same
    objects.
    """
    return dict(_described(_Parameters(schema, serializer)))


class _Parameters:
    """A schema that equals another if it is made of the same parts; it holds them, so that no identity is used anew."""

    __slots__ = ("_parts", "_same", "schema", "serializer")

    def __init__(self, schema: probatio.Schema, serializer: Serializer) -> None:
        self.schema = schema
        self.serializer = serializer
        inside = schema.schema
        fields = [part for field in inside.items() for part in field] if isinstance(inside, Mapping) else [inside]
        self._parts = (*fields, schema.required, schema.extra, serializer)
        self._same = tuple(map(_sameness, self._parts))

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Parameters) and self._same == other._same

    @override
    def __hash__(self) -> int:
        return hash(self._same)


def _sameness(part: object) -> object:
    """What parts have in common that can take each other's place: a field's words, or being the very same object."""
    if (
        isinstance(part, (probatio.Required, probatio.Optional))
        and type(part) in {probatio.Required, probatio.Optional}
        and isinstance(part.schema, str)
        and isinstance(part.description, str | None)
        and part.default is probatio.UNDEFINED
    ):
        return type(part), part.schema, part.description
    return id(part)


@lru_cache(maxsize=_KEPT)
def _described(parameters: _Parameters) -> dict[str, Any]:
    return object_schema(parameters.schema, parameters.serializer)
