"""How long a provider wants to be left alone."""

import re
from collections.abc import Mapping
from typing import Final

from .fields import Json, integer, number, parts

_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SPAN: Final = r"\d+(?:\.\d+)?\s*(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)(?![a-z])"
_WAIT: Final = re.compile(rf"\b(?:try again in|retry (?:after|in))\s+((?:{_SPAN}\s*)+)", re.IGNORECASE)
_PIECE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|milli|s|m|h)", re.IGNORECASE)


def wait_in(message: str) -> float | None:
    """Seconds that a message asks to wait, None if it does not say."""
    found = _WAIT.search(message)
    if found is None:
        return None
    pieces: list[tuple[str, str]] = _PIECE.findall(found[1])
    return sum(float(count) * _UNITS_S[_unit(unit.lower())] for count, unit in pieces)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the headers of an answer ask to wait; None for a date or nothing."""
    if (ms := _decimal(headers.get("retry-after-ms", ""))) is not None:
        return ms / 1000
    return _decimal(headers.get("Retry-After", ""))


class RateLimits:
    """The latest news of how much of an account's limits is left."""

    def __init__(self) -> None:
        self._limits: list[Json] = []

    def note(self, event: Json) -> None:
        """Take note of a `rate_limits.updated` event."""
        self._limits = parts(event, "rate_limits")

    @property
    def wait_s(self) -> float | None:
        """Seconds until the limits that are used up are open again, or all of them if none is; None if unknown."""
        used_up = [limit for limit in self._limits if "remaining" in limit and integer(limit, "remaining") == 0]
        resets = [number(limit, "reset_seconds") for limit in used_up or self._limits]
        return max(resets, default=0) or None


def _unit(name: str) -> str:
    return "ms" if name == "milli" else name


def _decimal(value: str) -> float | None:
    return float(value) if value.isascii() and value.isdecimal() else None
