"""Reading JSON that somebody else wrote: nulls and absent fields are tolerated, wrong types are not trusted."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Final

from ...errors import WireError

type Json = Mapping[str, object]

NOTHING: Json = {}
_KIND: Final = re.compile(r"[a-z_.]{1,64}")
"""What kinds of events and items are called. Anything else could be anything, such as a key, and is not repeated."""


def text(json: Json, key: str) -> str:
    """A string that must be there. Raises WireError."""
    value = json.get(key)
    if not isinstance(value, str) or not value:
        raise WireError(f"{_kind(json)} has no {key}")
    return value


def optional_text(json: Json, key: str) -> str | None:
    """A string, or None where there is none or an empty one."""
    value = json.get(key)
    return value if isinstance(value, str) and value else None


def plain_text(json: Json, key: str) -> str:
    """A string, or an empty one."""
    value = json.get(key)
    return value if isinstance(value, str) else ""


def number(json: Json, key: str) -> float:
    """A finite number that is not negative, or 0."""
    value = json.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        return 0
    return max(value, 0)


def integer(json: Json, key: str) -> int:
    """A whole number that is not negative, or 0."""
    value = json.get(key)
    # As nearly all are, and there are three in every piece of a transcript.
    if type(value) is int:
        return max(value, 0)
    return int(number(json, key))


def part(json: Json, key: str) -> Json:
    """An object, or an empty one."""
    value = json.get(key)
    return value if isinstance(value, dict) else NOTHING


def parts(json: Json, key: str) -> list[Json]:
    """The objects in a list."""
    value = json.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _kind(json: Json) -> str:
    kind = json.get("type")
    return kind if isinstance(kind, str) and _KIND.fullmatch(kind) else "something"
