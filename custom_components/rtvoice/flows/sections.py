"""Forms show options in sections; they are stored flat."""

from collections.abc import Iterable, Mapping
from typing import Any


def flatten(user_input: Mapping[str, Any], sections: Iterable[str]) -> dict[str, Any]:
    """The fields of a form and of its sections side by side."""
    names = frozenset(sections)
    flat = {key: value for key, value in user_input.items() if key not in names}
    for name in names & user_input.keys():
        flat.update(user_input[name])
    return flat


def nest(options: Mapping[str, Any], sections: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Flat options as suggested values of a form with these sections and their fields."""
    nested: dict[str, Any] = dict(options)
    for name, keys in sections.items():
        nested[name] = {key: options[key] for key in keys if key in options}
    return nested
