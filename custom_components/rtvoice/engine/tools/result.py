"""What tools return, and how it is told to the model."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Self
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_json

MAX_OUTPUT_CHARS = 16_000
"""Longest output that the model is told unless a registry says otherwise."""

_JSON_TYPES = (
    BaseModel,
    Mapping,
    list,
    tuple,
    set,
    frozenset,
    deque,
    Enum,
    bool,
    int,
    float,
    Decimal,
    date,
    time,
    timedelta,
    UUID,
)


@dataclass(frozen=True, slots=True)
class ActionResult:
    """A result that says more than its value: whether it worked, whether and how the agent speaks about it."""

    value: object = None
    ok: bool = True
    respond: bool | None = None
    """None: as the tool was registered, and always after a failure."""
    instruction: str | None = None
    """How the agent should speak about it; None: as the tool was registered, and nothing after a failure."""

    @classmethod
    def success(cls, value: object = None, *, respond: bool | None = None, instruction: str | None = None) -> Self:
        """It worked; the model is told `value`."""
        return cls(value, respond=respond, instruction=instruction)

    @classmethod
    def fail(cls, message: str, *, respond: bool | None = None, instruction: str | None = None) -> Self:
        """It did not work; the model is told `message`."""
        return cls(message, ok=False, respond=respond, instruction=instruction)


def to_text(value: object) -> str:
    """Say any value to the model: None as "OK", text as it is, data as JSON, the rest by `str()`. Never raises."""
    if value is None:
        return "OK"
    if isinstance(value, str) and not isinstance(value, Enum):
        return _encodable(value)
    if isinstance(value, _JSON_TYPES) or (is_dataclass(value) and not isinstance(value, type)):
        try:
            return to_json(value, fallback=_plain, bytes_mode="base64", inf_nan_mode="null").decode()
        except Exception:  # noqa: BLE001 - serialisers and properties of foreign types may raise anything
            return _described(value)
    return _described(value)


def bounded(text: str, limit: int = MAX_OUTPUT_CHARS) -> str:
    """Cut `text` to `limit` characters, the note that says so included."""
    if len(text) <= limit:
        return text
    note = f" … [cut, {len(text)} characters in all]"
    return (text[: max(0, limit - len(note))] + note)[:limit]


def _plain(value: object) -> object:
    """What pydantic cannot serialise, as something that it can."""
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, deque) else str(value)


def _described(value: object) -> str:
    try:
        return _encodable(str(value))
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything
        return f"<{type(value).__name__}>"


def _encodable(text: str) -> str:
    """Text that fits into UTF-8: lone surrogates, which would break the whole message to the provider, become "?"."""
    return text.encode("utf-8", "replace").decode()
