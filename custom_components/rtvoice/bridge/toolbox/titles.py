"""What tools are called where people read it."""

import re
from collections.abc import Iterable, Mapping

from ..policy.calls import HomeTool


def titles(tools: Iterable[HomeTool]) -> Mapping[str, str]:
    """The titles of those tools that have one, by the names that Home Assistant knows."""
    return {tool.name: tool.title for tool in tools if tool.title}


def readable(name: str) -> str:
    """The name of a tool that has no title, in words: `intent__HassTurnOn` is "Turn on"."""
    _, _, bare = name.strip("_").rpartition("__")
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+", " ", bare.removeprefix("Hass"))
    words = [word if word.isupper() else word.lower() for word in parted.split()]
    text = " ".join(words)
    return text[:1].upper() + text[1:] or name
