"""Names of foreign tools that providers accept: 1 to 64 characters of A-Z, a-z, 0-9, _ and -."""

import re
from collections.abc import Container
from hashlib import sha256
from typing import Final

MAX_LENGTH: Final = 64
_HASH_LENGTH: Final = 8
_FORBIDDEN: Final = re.compile(r"[^A-Za-z0-9_-]+")


class Names:
    """Gives each tool of each server a name, once and for all."""

    def __init__(self) -> None:
        self._given: dict[tuple[int, str], str] = {}
        self._used: set[str] = set()

    def name(self, number: int, server: str, tool: str, taken: Container[str] = ()) -> str:
        """`server_tool` in allowed characters; cut or already used names end in a hash of the full one.

        `number` tells servers of the same name apart.
        """
        known = self._given.get((number, tool))
        if known is not None:
            return known
        plain = "_".join(filter(None, (_clean(server), _clean(tool)))) or "tool"
        name, attempt = plain, 0
        while len(name) > MAX_LENGTH or name in taken or name in self._used:
            digest = sha256(f"{number}\0{server}\0{tool}\0{attempt}".encode(errors="replace")).hexdigest()[
                :_HASH_LENGTH
            ]
            name, attempt = f"{plain[: MAX_LENGTH - _HASH_LENGTH - 1]}_{digest}", attempt + 1
        self._given[number, tool] = name
        self._used.add(name)
        return name


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("_", text).strip("_")
