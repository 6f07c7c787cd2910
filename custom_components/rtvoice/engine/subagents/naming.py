"""Names of tools for things that people name as they like."""

import re
import unicodedata
from collections.abc import Container
from itertools import count
from typing import Final

_FORBIDDEN: Final = re.compile(r"[^A-Za-z0-9_-]+")
_MAX_LENGTH: Final = 64
_FALLBACK: Final = "subagent"


def tool_name(name: str) -> str:
    """The name with what providers refuse replaced: accents are dropped, the rest becomes _."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return _FORBIDDEN.sub("_", plain.strip()).strip("_")[:_MAX_LENGTH] or _FALLBACK


def free_name(wanted: str, taken: Container[str]) -> str:
    """The wanted name, with a number behind it if somebody else has it."""
    return next(name for number in count(1) if (name := wanted if number == 1 else f"{wanted}_{number}") not in taken)
