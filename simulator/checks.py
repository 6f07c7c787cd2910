"""Small checks that a client event's fields are put together from; each raises Rejected with the server's code."""

from collections.abc import Callable, Mapping
from typing import Any

from .errors import Rejected

type Json = dict[str, Any]
type Check = Callable[[Any, str], None]


def anything(value: Any, param: str) -> None:
    """Accept any value."""


def text(value: Any, param: str) -> None:
    """A string."""
    if not isinstance(value, str):
        raise _wrong_type(param, "a string", value)


def boolean(value: Any, param: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise _wrong_type(param, "a boolean", value)


def text_up_to(limit: int) -> Check:
    """A string of at most `limit` characters."""

    def check(value: Any, param: str) -> None:
        text(value, param)
        if len(value) > limit:
            message = f"Invalid '{param}': string too long. Expected a string with maximum length {limit}."
            raise Rejected("string_above_max_length", message, param)

    return check


def number(low: float, high: float, *, integer: bool = False) -> Check:
    """A number from `low` to `high`."""

    def check(value: Any, param: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int if integer else (int, float)):
            raise _wrong_type(param, "an integer" if integer else "a number", value)
        if not low <= value <= high:
            raise Rejected("invalid_value", f"Invalid '{param}': expected {low} to {high}, got {value}.", param)

    return check


def one_of(*allowed: Any) -> Check:
    """One of the given values."""

    def check(value: Any, param: str) -> None:
        if value not in allowed:
            names = ", ".join(f"'{name}'" for name in allowed)
            raise Rejected("invalid_value", f"Invalid value: '{value}'. Supported values are: {names}.", param)

    return check


def nullable(inner: Check) -> Check:
    """Null, or what `inner` accepts."""

    def check(value: Any, param: str) -> None:
        if value is not None:
            inner(value, param)

    return check


def either(accepts: Callable[[Any], bool], then: Check, otherwise: Check) -> Check:
    """What `then` accepts where `accepts(value)` is true, else what `otherwise` accepts."""

    def check(value: Any, param: str) -> None:
        (then if accepts(value) else otherwise)(value, param)

    return check


def list_of(inner: Check, *, most: int | None = None) -> Check:
    """A list whose members `inner` accepts."""

    def check(value: Any, param: str) -> None:
        if not isinstance(value, list):
            raise _wrong_type(param, "an array", value)
        if most is not None and len(value) > most:
            raise Rejected("array_above_max_length", f"Invalid '{param}': at most {most} entries are allowed.", param)
        for index, entry in enumerate(value):
            inner(entry, f"{param}[{index}]")

    return check


def fields(known: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    """An object with no other than the known keys."""

    def check(value: Any, param: str) -> None:
        if not isinstance(value, dict):
            raise _wrong_type(param, "an object", value)
        for key in value:
            if key not in known:
                raise Rejected("unknown_parameter", f"Unknown parameter: '{_join(param, key)}'.", _join(param, key))
        for key in required:
            if key not in value:
                name = _join(param, key)
                raise Rejected("missing_required_parameter", f"Missing required parameter: '{name}'.", name)
        for key, part in value.items():
            known[key](part, _join(param, key))

    return check


def by_key(key: str, kinds: Mapping[str, Check]) -> Check:
    """An object whose `key` says which of the checks applies."""
    known = one_of(*kinds)

    def check(value: Any, param: str) -> None:
        if not isinstance(value, dict):
            raise _wrong_type(param, "an object", value)
        name = _join(param, key)
        if key not in value:
            raise Rejected("missing_required_parameter", f"Missing required parameter: '{name}'.", name)
        known(value[key], name)
        kinds[value[key]](value, param)

    return check


def metadata(value: Any, param: str) -> None:
    """At most 16 pairs of strings, keys up to 64 and values up to 512 characters."""
    if not isinstance(value, dict):
        raise _wrong_type(param, "an object", value)
    if len(value) > 16:
        raise Rejected("invalid_value", f"Invalid '{param}': at most 16 pairs are allowed.", param)
    for key, entry in value.items():
        text_up_to(64)(key, param)
        text_up_to(512)(entry, _join(param, key))


def _join(param: str, key: str) -> str:
    return f"{param}.{key}" if param else key


def _wrong_type(param: str, expected: str, value: Any) -> Rejected:
    got = "null" if value is None else type(value).__name__
    return Rejected("invalid_type", f"Invalid type for '{param}': expected {expected}, but got {got} instead.", param)
