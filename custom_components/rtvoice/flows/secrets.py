"""Secrets in forms: never shown, kept where they are left empty, and taken away by a tick."""

from collections.abc import Mapping
from typing import Any, Final

import probatio
from homeassistant.helpers.selector import BooleanSelector, TextSelector, TextSelectorConfig, TextSelectorType

_SECRET: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off"))


def removal_of(key: str) -> str:
    """The name of the tick that takes a secret away."""
    return f"remove_{key}"


def secret_fields(key: str, *, stored: bool) -> dict[Any, Any]:
    """The field of a secret that may be left empty, and where one is stored the tick that takes it away."""
    tick = {probatio.Optional(removal_of(key)): BooleanSelector()} if stored else {}
    return {probatio.Optional(probatio.Secret(key)): _SECRET, **tick}


def ticked(submitted: Mapping[str, Any], key: str) -> dict[str, bool]:
    """The tick of a form that is shown again."""
    return {removal_of(key): True} if submitted.get(removal_of(key)) else {}


def keep_secret(options: Mapping[str, Any], known: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Options of a form, with the secret that is known where none was given and the tick was not set."""
    kept = {name: value for name, value in options.items() if name != removal_of(key)}
    if key in known and not options.get(removal_of(key)):
        kept.setdefault(key, known[key])
    return kept
